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
        account,
        entity_id as lead_id,
        count(*) as tasks,
        sum(case when is_completed then 0 else 1 end) as open_tasks,
        min(case when not is_completed then complete_till end) as next_task_at
    from {{ ref('stg_kommo_tasks') }}
    where entity_type = 'leads'
    group by account, entity_id
),

totals as (
    select
        leads.account,
        leads.id as lead_id,
        leads.lead_key,
        leads.created_at,
        {%- for kind in ['call', 'message'] %}
        {%- for direction in ['incoming', 'outgoing'] %}
        sum(case when touches.kind = '{{ kind }}' and touches.direction = '{{ direction }}' then 1 else 0 end)
            as {{ direction }}_{{ kind }}s,
        {%- endfor %}
        {%- endfor %}
        sum(case when touches.kind = 'call' then coalesce(touches.call_seconds, 0) else 0 end) as call_seconds,
        sum(case when touches.kind = 'note' then 1 else 0 end) as notes,
        min(case when touches.is_response and touches.touched_at >= leads.created_at then touches.touched_at end)
            as first_response_at,
        max(touches.touched_at) as last_touch_at,
        max(case when touches.place_from_end = 1 then touches.kind end) as last_touch
    from {{ ref('int_kommo_leads') }} as leads
    left join touches on leads.lead_key = touches.lead_key
    group by leads.account, leads.id, leads.lead_key, leads.created_at
)

select
    totals.account,
    totals.lead_id,
    totals.lead_key,
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
    {{ tap_leads.hours_between('totals.created_at', 'totals.first_response_at') }} as first_response_hours,
    totals.last_touch_at,
    totals.last_touch
from totals
left join tasks
    on totals.account = tasks.account and totals.lead_id = tasks.lead_id
