{#- The leads of Dashly or Carrot quest, which are one API under two brands. -#}
{% macro chat_leads(system) %}
with

first_events as (
    select
        leads.account,
        leads.id,
        min(cast({{ tap_leads.json_text('event.item', 'first') }} as timestamp)) as first_at
    from {{ ref('stg_' ~ system ~ '_leads') }} as leads
    {{ tap_leads.each_item('leads.events', 'event') }}
    group by leads.account, leads.id
)

select
    '{{ system }}' as system,
    leads.account,
    leads.id,
    {{ tap_leads.lead_key("'" ~ system ~ "'", 'leads.account', 'leads.id') }} as lead_key,
    leads.name,
    'open' as status,
    {{ tap_leads.nulls(['pipeline', 'stage']) | indent(4) }},
    {{ tap_leads.nulls(['value'], 'number') | indent(4) }},
    {{ tap_leads.nulls(['currency', 'owner']) | indent(4) }},
    leads.name as contact_name,
    leads.email,
    leads.phone,
    {{ tap_leads.nulls(['channel']) | indent(4) }},
    {%- for name in tap_leads.tracking_columns() %}
    {{ tap_leads.json_text('leads.props', name) }} as {{ name }},
    {%- endfor %}
    {{ tap_leads.nulls(['loss_reason']) | indent(4) }},
    {{ tap_leads.nulls(['created_at'], 'timestamp') | indent(4) }},
    leads.last_seen as updated_at,
    {{ tap_leads.nulls(['closed_at', 'deleted_at'], 'timestamp') | indent(4) }},
    least(
        coalesce(first_events.first_at, leads.last_seen, leads.last_contacted),
        coalesce(leads.last_seen, first_events.first_at, leads.last_contacted),
        coalesce(leads.last_contacted, leads.last_seen, first_events.first_at)
    ) as first_touch_at,
    greatest(
        coalesce(leads.last_seen, leads.last_contacted, first_events.first_at),
        coalesce(leads.last_contacted, leads.last_seen, first_events.first_at)
    ) as last_touch_at
from {{ ref('stg_' ~ system ~ '_leads') }} as leads
left join first_events
    on leads.account = first_events.account and leads.id = first_events.id
{% endmacro %}
