{#- One text that identifies a lead of any system, to join on. -#}
{% macro lead_key(system, account, id) -%}
{{ system }} || ':' || {{ account }} || ':' || cast({{ id }} as {{ tap_leads.type('text') }})
{%- endmacro %}

{#- The currency of an account, for systems that do not report it. -#}
{% macro currency_of(account) -%}
{%- set usual = "'" ~ var('leads_currency') ~ "'" if var('leads_currency') else
    'cast(null as ' ~ tap_leads.type('text') ~ ')' -%}
{%- if var('leads_currencies') -%}
case {{ account }}
    {%- for name, currency in var('leads_currencies').items() %}
    when '{{ name }}' then '{{ currency }}'
    {%- endfor %}
    else {{ usual }}
end
{%- else -%}
{{ usual }}
{%- endif -%}
{%- endmacro %}

{#- Columns of `leads` that a system does not have. -#}
{% macro nulls(columns, type='text') -%}
{%- for name in columns %}
cast(null as {{ tap_leads.type(type) }}) as {{ name }} {%- if not loop.last %}, {% endif -%}
{%- endfor -%}
{%- endmacro %}

{#- UTM tags and click IDs of `leads`. Octanist calls the one of Meta `fbc`. -#}
{% macro tracking_columns() %}
{{ return([
    'utm_source', 'utm_medium', 'utm_campaign', 'gclid', 'wbraid', 'gbraid', 'dclid', 'fbclid',
    'msclkid', 'ttclid', 'twclid', 'li_fat_id', 'rdt_cid', 'sccid', 'epik', 'yclid',
]) }}
{% endmacro %}
