with

tags as (
    select distinct
        leads.account,
        leads.id as lead_id,
        leads.lead_key,
        {{ tap_leads.json_as('integer', 'tag.item', 'id') }} as tag_id,
        {{ tap_leads.json_text('tag.item', 'name') }} as name
    from {{ ref('int_kommo_leads') }} as leads
    {{ tap_leads.each_item('leads.tags', 'tag') }}
)

select
    tags.account,
    tags.lead_id,
    tags.lead_key,
    tags.tag_id,
    coalesce(names.name, tags.name) as tag
from tags
left join {{ ref('stg_kommo_tags') }} as names
    on tags.account = names.account and tags.tag_id = names.id
