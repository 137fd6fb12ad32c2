with

leads as (
    {% for system in ['kommo', 'dashly', 'carrotquest', 'octanist'] -%}
    select * from {{ ref('int_leads_' ~ system) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    leads.*,
    {{ tap_leads.first_day('day', 'first_touch_at') }} as first_touch_on,
    coalesce({{ tap_leads.normal_email('email') }}, {{ tap_leads.normal_phone('phone') }}) as person_key
from leads
