with

contacts as (
    select
        leads.account,
        leads.id as lead_id,
        leads.lead_key,
        {{ tap_leads.json_as('integer', 'contact.item', 'id') }} as contact_id,
        {{ tap_leads.json_as('boolean', 'contact.item', 'is_main') }} as is_main,
        contact.place
    from {{ ref('int_kommo_leads') }} as leads
    {{ tap_leads.each_item('leads.contacts', 'contact') }}
)

select
    account,
    lead_id,
    lead_key,
    contact_id,
    row_number() over (
        partition by account, lead_id
        order by case when is_main then 0 else 1 end, min(place)
    ) = 1 as is_main
from contacts
group by account, lead_id, lead_key, contact_id, is_main
