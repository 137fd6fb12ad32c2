with

touches as (
    select
        *,
        row_number() over (
            partition by lead_key order by touched_at desc, touch_id desc
        ) as place_from_end
    from {{ ref('lead_touches') }}
),

tasks as (
    select
        {{ tap_leads.lead_key("'kommo'", 'account', 'entity_id') }} as lead_key,
        count(*) as tasks,
        sum(case when is_completed then 0 else 1 end) as open_tasks,
        min(case when not is_completed then complete_till end) as next_task_at
    from {{ ref('stg_kommo_tasks') }}
    where entity_type = 'leads'
    group by account, entity_id
),

-- A lead waits for a response from its creation on, or else from its first message on.
leads as (
    select
        leads.system,
        leads.account,
        leads.id as lead_id,
        leads.lead_key,
        coalesce(leads.created_at, min(touches.touched_at)) as asked_at
    from {{ ref('leads') }} as leads
    left join touches
        on leads.lead_key = touches.lead_key and touches.direction = 'incoming'
    group by leads.system, leads.account, leads.id, leads.lead_key, leads.created_at
),

totals as (
    select
        leads.lead_key,
        {%- for kind in ['call', 'message'] %}
        {%- for direction in ['incoming', 'outgoing'] %}
        count(
            case when touches.kind = '{{ kind }}' and touches.direction = '{{ direction }}' then 1 end
        ) as {{ direction }}_{{ kind }}s,
        {%- endfor %}
        {%- endfor %}
        sum(coalesce(touches.call_seconds, 0)) as call_seconds,
        count(case when touches.kind = 'note' then 1 end) as notes,
        min(
            case when touches.is_response and touches.touched_at >= leads.asked_at then touches.touched_at end
        ) as first_response_at,
        max(touches.touched_at) as last_touch_at,
        max(case when touches.place_from_end = 1 then touches.kind end) as last_touch
    from leads
    left join touches on leads.lead_key = touches.lead_key
    group by leads.lead_key
)

select
    leads.*,
    totals.incoming_calls,
    totals.outgoing_calls,
    totals.call_seconds,
    totals.incoming_messages,
    totals.outgoing_messages,
    totals.notes,
    coalesce(tasks.tasks, 0) as tasks,
    coalesce(tasks.open_tasks, 0) as open_tasks,
    tasks.next_task_at,
    totals.first_response_at,
    {{ tap_leads.hours_between('leads.asked_at', 'totals.first_response_at') }} as first_response_hours,
    totals.last_touch_at,
    totals.last_touch
from leads
inner join totals on leads.lead_key = totals.lead_key
left join tasks on leads.lead_key = tasks.lead_key
