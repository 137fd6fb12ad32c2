{{ config(materialized='view') }}

with

streams as (
    {% for name, stream in tap_leads.streams().items() -%}
    select
        '{{ stream.source }}' as system,
        '{{ name }}' as stream,
        account,
        count(*) as row_count,
        {% if stream.newest -%} max({{ stream.newest }}) {%- else -%} max(cast(null as timestamp)) {%- endif %} as newest_at,
        max(loaded_at) as loaded_at
    from {{ ref('stg_' ~ name) }}
    group by account
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    system,
    stream,
    account,
    case when account is null then 0 else row_count end as row_count,
    newest_at,
    loaded_at,
    {{ tap_leads.hours_between('newest_at', tap_leads.now_utc()) }} as hours_behind,
    {{ tap_leads.hours_between('loaded_at', tap_leads.now_utc()) }} as hours_since_load
from streams
