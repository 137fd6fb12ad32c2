with

leads as (
    select
        *,
        row_number() over (
            partition by person_key order by first_touch_at, lead_key
        ) as place
    from {{ ref('leads') }}
    where person_key is not null
),

firsts as (
    select * from leads where place = 1
),

totals as (
    select
        person_key,
        max(contact_name) as name,
        max(email) as email,
        max(phone) as phone,
        count(distinct system) as systems,
        {%- for system in ['kommo', 'dashly', 'carrotquest', 'octanist'] %}
        max(case when system = '{{ system }}' then 1 else 0 end) = 1 as in_{{ system }},
        {%- endfor %}
        count(*) as leads,
        {%- for status in ['open', 'qualified', 'won', 'lost', 'deleted'] %}
        sum(case when status = '{{ status }}' then 1 else 0 end) as {{ status }}_leads,
        {%- endfor %}
        min(first_touch_at) as first_touch_at,
        max(last_touch_at) as last_touch_at
    from leads
    group by person_key
)

select
    totals.*,
    firsts.system as first_system,
    firsts.channel as first_channel,
    firsts.utm_source as first_utm_source,
    firsts.utm_campaign as first_utm_campaign
from totals
inner join firsts on totals.person_key = firsts.person_key
