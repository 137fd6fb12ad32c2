-- UTM tags and click IDs of Kommo's leads, from the tracking fields with these codes.
{%- set codes = {
    'utm_source': 'UTM_SOURCE', 'utm_medium': 'UTM_MEDIUM', 'utm_campaign': 'UTM_CAMPAIGN',
    'gclid': 'GCLID', 'fbclid': 'FBCLID', 'yclid': 'YCLID',
} %}
select
    account,
    lead_id
    {%- for column, code in codes.items() %},
    max(case when code = '{{ code }}' then value end) as {{ column }}
    {%- endfor %}
from {{ ref('lead_custom_fields') }}
where position = 1
group by account, lead_id
