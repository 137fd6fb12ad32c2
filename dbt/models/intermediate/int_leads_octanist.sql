select
    'octanist' as system,
    account,
    id,
    {{ tap_leads.lead_key("'octanist'", 'account', 'id') }} as lead_key,
    name,
    lower(status) as status,
    {{ tap_leads.nulls(['pipeline', 'stage']) | indent(4) }},
    value,
    {{ tap_leads.currency_of('account') }} as currency,
    {{ tap_leads.nulls(['owner']) | indent(4) }},
    name as contact_name,
    email,
    phone,
    source as channel,
    {%- for name in tap_leads.tracking_columns() %}
    {{ {'fbclid': 'fbc as fbclid', 'yclid': tap_leads.nulls(['yclid']) | trim}.get(name, name) }},
    {%- endfor %}
    loss_reason,
    created_at,
    updated_at,
    {{ tap_leads.nulls(['closed_at', 'deleted_at'], 'timestamp') | indent(4) }},
    created_at as first_touch_at,
    updated_at as last_touch_at
from {{ ref('stg_octanist_leads') }}
