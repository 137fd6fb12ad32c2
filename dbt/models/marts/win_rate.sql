-- Each lead counts once in each dimension.
with

leads as (
    select * from {{ ref('leads') }} where status <> 'deleted'
),

counted as (
    {% for dimension in ['system', 'channel', 'utm_source', 'utm_medium', 'utm_campaign', 'owner'] -%}
    select
        '{{ dimension }}' as dimension,
        {{ dimension }} as value,
        system,
        account,
        currency,
        count(*) as leads,
        sum(case when status in ('open', 'qualified') then 1 else 0 end) as open,
        sum(case when status = 'won' then 1 else 0 end) as won,
        sum(case when status = 'lost' then 1 else 0 end) as lost,
        sum(case when status = 'won' then leads.value else 0 end) as won_value
    from leads
    group by {{ dimension }}, system, account, currency
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    dimension,
    value,
    system,
    account,
    leads,
    open,
    won,
    lost,
    won + lost as closed,
    100.0 * won / nullif(won + lost, 0) as won_percent,
    won_value,
    currency
from counted
