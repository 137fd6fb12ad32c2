{{ config(materialized='view') }}
{%- do tap_leads.warn_without_tables() %}

with

loaded as (
    {% for name, stream in tap_leads.streams().items() -%}
    select
        '{{ name }}' as stream,
        account,
        count(*) as row_count,
        max({{ stream.newest or 'cast(null as timestamp)' }}) as newest_at,
        max(loaded_at) as loaded_at
    from {{ ref('stg_' ~ name) }}
    group by account
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

streams as (
    {% for name, stream in tap_leads.streams().items() -%}
    select '{{ stream.source }}' as system, '{{ name }}' as stream
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    streams.system,
    streams.stream,
    loaded.account,
    coalesce(loaded.row_count, 0) as row_count,
    loaded.newest_at,
    {{ tap_leads.hours_between('loaded.newest_at', tap_leads.now_utc()) }} as hours_behind,
    loaded.loaded_at,
    {{ tap_leads.hours_between('loaded.loaded_at', tap_leads.now_utc()) }} as hours_since_load
from streams
left join loaded on streams.stream = loaded.stream
