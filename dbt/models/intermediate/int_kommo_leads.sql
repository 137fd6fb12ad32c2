select
    leads.*,
    {{ tap_leads.lead_key("'kommo'", 'account', 'id') }} as lead_key
from {{ ref('stg_kommo_leads') }} as leads
{%- if var('leads_pipelines') %}
where pipeline_id in ({{ var('leads_pipelines') | join(', ') }})
{%- endif %}
