with

products as (
    select
        leads.account,
        leads.id as lead_id,
        leads.lead_key,
        {{ tap_leads.json_as('integer', 'element.item', ['metadata', 'catalog_id']) }} as list_id,
        {{ tap_leads.json_as('integer', 'element.item', 'id') }} as product_id,
        -- Kommo returns the quantity in one of two places.
        cast(coalesce(
            {{ tap_leads.json_text('element.item', ['metadata', 'quantity']) }},
            {{ tap_leads.json_text('element.item', 'quantity') }}
        ) as {{ tap_leads.type('number') }}) as quantity,
        {{ tap_leads.json_as('integer', 'element.item', ['metadata', 'price_id']) }} as price_id
    from {{ ref('int_kommo_leads') }} as leads
    {{ tap_leads.each_item('leads.catalog_elements', 'element') }}
)

select
    products.*,
    elements.name as product
from products
left join {{ ref('stg_kommo_list_elements') }} as elements
    on products.account = elements.account and products.product_id = elements.id
