with

fields as (
    select
        leads.account,
        leads.id as lead_id,
        leads.lead_key,
        field.item
    from {{ ref('int_kommo_leads') }} as leads
    {{ tap_leads.each_item('leads.custom_fields_values', 'field') }}
),

lists as (
    select
        account,
        lead_id,
        lead_key,
        {{ tap_leads.json_as('integer', 'item', 'field_id') }} as field_id,
        {{ tap_leads.json_text('item', 'field_name') }} as field,
        {{ tap_leads.json_text('item', 'field_code') }} as code,
        {{ tap_leads.json_text('item', 'field_type') }} as type,
        {{ tap_leads.json_member('item', 'values') }} as entries
    from fields
)

-- A field that was renamed has its present name, also in leads that were read before.
select
    lists.account,
    lists.lead_id,
    lists.lead_key,
    lists.field_id,
    entry.place as position,
    coalesce(definitions.name, lists.field) as field,
    case when definitions.id is null then lists.code else definitions.code end as code,
    coalesce(definitions.type, lists.type) as type,
    {{ tap_leads.json_text('entry.item', 'value') }} as value,
    {{ tap_leads.json_as('integer', 'entry.item', 'enum_id') }} as option_id
from lists
{{ tap_leads.each_item('lists.entries', 'entry') }}
left join {{ ref('stg_kommo_lead_fields') }} as definitions
    on lists.account = definitions.account and lists.field_id = definitions.id
