with

leads as (
    select * from {{ ref('int_kommo_leads') }}
),

changes as (
    select
        changes.*,
        row_number() over (partition by account, lead_id order by changed_at, id) as place
    from {{ ref('stg_kommo_lead_stage_changes') }} as changes
    where to_status_id is not null
),

-- The first stage is the one before the first change, or else the present one.
entered as (
    select
        leads.account,
        leads.id as lead_id,
        0 as place,
        coalesce(changes.from_pipeline_id, leads.pipeline_id) as pipeline_id,
        coalesce(changes.from_status_id, leads.status_id) as status_id,
        leads.created_at as from_at
    from leads
    left join changes
        on leads.account = changes.account and leads.id = changes.lead_id and changes.place = 1
    where changes.id is null or changes.from_status_id is not null

    union all

    select account, lead_id, place, to_pipeline_id, to_status_id, changed_at
    from changes
),

compared as (
    select
        entered.*,
        lag(status_id) over (partition by account, lead_id order by place) as last_status_id,
        lag(pipeline_id) over (partition by account, lead_id order by place) as last_pipeline_id
    from entered
),

-- A move to the same stage is no new stay.
stays as (
    select
        account,
        lead_id,
        pipeline_id,
        status_id,
        from_at,
        row_number() over (partition by account, lead_id order by place) as stay,
        lead(from_at) over (partition by account, lead_id order by place) as next_at,
        lead(pipeline_id) over (partition by account, lead_id order by place) as next_pipeline_id,
        lead(status_id) over (partition by account, lead_id order by place) as next_status_id
    from compared
    where
        last_status_id is null
        or status_id <> last_status_id
        or coalesce(pipeline_id, 0) <> coalesce(last_pipeline_id, 0)
)

select
    stays.account,
    stays.lead_id,
    leads.lead_key,
    stays.stay,
    stays.pipeline_id,
    pipelines.name as pipeline,
    stays.status_id,
    stages.name as stage,
    stages.sort as stage_position,
    stays.from_at,
    coalesce(stays.next_at, leads.deleted_at) as until_at,
    {{ tap_leads.days_between('stays.from_at', 'coalesce(stays.next_at, leads.deleted_at)') }} as days,
    stays.next_at is null and not leads.is_deleted as is_current,
    stays.next_pipeline_id,
    stays.next_status_id
from stays
inner join leads
    on stays.account = leads.account and stays.lead_id = leads.id
left join {{ ref('stg_kommo_pipelines') }} as pipelines
    on stays.account = pipelines.account and stays.pipeline_id = pipelines.id
left join {{ ref('stg_kommo_stages') }} as stages
    on
        stays.account = stages.account
        and stays.pipeline_id = stages.pipeline_id
        and stays.status_id = stages.id
