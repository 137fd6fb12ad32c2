with

leads as (
    select
        *,
        {{ tap_leads.first_day('month', 'created_at') }} as cohort
    from {{ ref('leads') }}
    where system = 'kommo' and status <> 'deleted'
),

stays as (
    select
        history.*,
        leads.cohort,
        leads.status,
        {{ tap_leads.days_between('history.from_at', tap_leads.now_utc()) }} as days_so_far
    from {{ ref('lead_stage_history') }} as history
    inner join leads on history.lead_key = leads.lead_key
    where history.status_id not in (142, 143)
    {%- if var('leads_pipelines') %}
        and history.pipeline_id in ({{ var('leads_pipelines') | join(', ') }})
    {%- endif %}
)

select
    account,
    pipeline_id,
    pipeline,
    status_id,
    stage,
    stage_position,
    cohort,
    count(distinct lead_key) as entered,
    count(distinct case when next_status_id <> 143 then lead_key end) as went_on,
    count(distinct case when status = 'won' then lead_key end) as won,
    count(distinct case when status = 'lost' then lead_key end) as lost,
    count(distinct case when is_current then lead_key end) as waiting,
    count(until_at) as finished_stays,
    avg(days) as days,
    avg(case when is_current then days_so_far end) as days_waiting
from stays
group by account, pipeline_id, pipeline, status_id, stage, stage_position, cohort
