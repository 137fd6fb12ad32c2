{#- The leads of Dashly or Carrot quest, which are one API under two brands. -#}
{% macro chat_leads(system) %}
with

first_events as (
    select
        leads.account,
        leads.id,
        min({{ tap_leads.json_as('timestamp', 'event.item', 'first') }}) as first_at
    from {{ ref('stg_' ~ system ~ '_leads') }} as leads
    {{ tap_leads.each_item('leads.events', 'event') }}
    group by leads.account, leads.id
),

details as (
    {{ tap_leads.stage(
        tap_leads.raw(system ~ '_lead_details'),
        {'account': 'text', 'id': 'text', 'removed': 'timestamp', 'gone_at': 'timestamp'},
        ['account', 'id'],
    ) | indent(4) }}
)

select
    '{{ system }}' as system,
    leads.account,
    leads.id,
    {{ tap_leads.lead_key("'" ~ system ~ "'", 'leads.account', 'leads.id') }} as lead_key,
    leads.name,
    case when coalesce(details.removed, details.gone_at) is null then 'open' else 'deleted' end as status,
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
    {{ tap_leads.nulls(['closed_at'], 'timestamp') | indent(4) }},
    coalesce(details.removed, details.gone_at) as deleted_at,
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
left join details
    on leads.account = details.account and leads.id = details.id
{% endmacro %}


{#- Messages and notes in the conversations of these leads. -#}
{% macro chat_touches(system) %}
with

conversations as (
    {{ tap_leads.stage(
        tap_leads.raw(system ~ '_conversations'),
        {'account': 'text', 'id': 'text', 'user_id': 'text'},
        ['account', 'id'],
    ) | indent(4) }}
),

parts as (
    {{ tap_leads.stage(
        tap_leads.raw(system ~ '_conversation_parts'),
        {
            'account': 'text', 'id': 'text', 'conversation_id': 'text', 'created': 'timestamp',
            'type': 'text', 'author_type': 'text',
        },
        ['account', 'id'],
    ) | indent(4) }}
)

select
    {{ tap_leads.lead_key("'" ~ system ~ "'", 'leads.account', 'leads.id') }} as lead_key,
    'part:' || parts.id as touch_id,
    case when parts.type = 'note' then 'note' else 'message' end as kind,
    case parts.type when 'reply_user' then 'incoming' when 'reply_admin' then 'outgoing' end as direction,
    parts.created as touched_at,
    {{ tap_leads.nulls(['call_seconds'], 'integer') | trim }},
    coalesce(parts.author_type, '') in ('bot', 'default_admin') as is_bot
from parts
inner join conversations
    on parts.account = conversations.account and parts.conversation_id = conversations.id
inner join {{ ref('stg_' ~ system ~ '_leads') }} as leads
    on conversations.account = leads.account and conversations.user_id = leads.id
where parts.type in ('reply_user', 'reply_admin', 'note')
{% endmacro %}
