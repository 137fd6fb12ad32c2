-- UTM tags and click IDs of Kommo's leads, from the fields with these codes, such as UTM_SOURCE.
select
    account,
    lead_id
    {%- for name in tap_leads.tracking_columns() %},
    max(case when code = '{{ name | upper }}' then value end) as {{ name }}
    {%- endfor %}
from {{ ref('lead_custom_fields') }}
where position = 1
group by account, lead_id
