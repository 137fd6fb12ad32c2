with

contacts as (
    select
        links.account,
        links.lead_id,
        contacts.name,
        contacts.email,
        contacts.phone
    from {{ ref('lead_contacts') }} as links
    inner join {{ ref('stg_kommo_contacts') }} as contacts
        on links.account = contacts.account and links.contact_id = contacts.id
    where links.is_main
),

-- A reason that was deleted in Kommo is in its leads only.
lead_reasons as (
    select
        leads.lead_key,
        {{ tap_leads.json_text('reason.item', 'name') }} as name
    from {{ ref('int_kommo_leads') }} as leads
    {{ tap_leads.each_item('leads.loss_reason', 'reason') }}
    where reason.place = 1
),

accounts as (
    select account, max(currency) as currency
    from {{ ref('stg_kommo_account') }}
    group by account
),

touches as (
    select lead_key, max(touched_at) as last_touch_at
    from {{ ref('lead_touches') }}
    group by lead_key
)

select
    'kommo' as system,
    leads.account,
    cast(leads.id as {{ tap_leads.type('text') }}) as id,
    leads.lead_key,
    leads.name,
    case
        when leads.is_deleted then 'deleted'
        when leads.status_id = 142 then 'won'
        when leads.status_id = 143 then 'lost'
        {%- if var('leads_qualified_stages') %}
        when leads.status_id in ({{ var('leads_qualified_stages') | join(', ') }}) then 'qualified'
        {%- endif %}
        else 'open'
    end as status,
    pipelines.name as pipeline,
    stages.name as stage,
    coalesce(leads.price_with_minor_units, leads.price) as value,
    coalesce(accounts.currency, {{ tap_leads.currency_of('leads.account') }}) as currency,
    users.name as owner,
    contacts.name as contact_name,
    contacts.email,
    contacts.phone,
    {{ tap_leads.json_text('leads.source', 'name') }} as channel,
    {%- for name in tap_leads.tracking_columns() %}
    tracking.{{ name }},
    {%- endfor %}
    coalesce(reasons.name, lead_reasons.name) as loss_reason,
    leads.created_at,
    leads.updated_at,
    leads.closed_at,
    leads.deleted_at,
    leads.created_at as first_touch_at,
    greatest(leads.created_at, coalesce(touches.last_touch_at, leads.created_at)) as last_touch_at
from {{ ref('int_kommo_leads') }} as leads
left join {{ ref('stg_kommo_pipelines') }} as pipelines
    on leads.account = pipelines.account and leads.pipeline_id = pipelines.id
left join {{ ref('stg_kommo_stages') }} as stages
    on
        leads.account = stages.account
        and leads.pipeline_id = stages.pipeline_id
        and leads.status_id = stages.id
left join {{ ref('stg_kommo_users') }} as users
    on leads.account = users.account and leads.responsible_user_id = users.id
left join accounts
    on leads.account = accounts.account
left join {{ ref('stg_kommo_loss_reasons') }} as reasons
    on leads.account = reasons.account and leads.loss_reason_id = reasons.id
left join lead_reasons
    on leads.lead_key = lead_reasons.lead_key
left join {{ ref('int_lead_tracking') }} as tracking
    on leads.account = tracking.account and leads.id = tracking.lead_id
left join contacts
    on leads.account = contacts.account and leads.id = contacts.lead_id
left join touches
    on leads.lead_key = touches.lead_key
