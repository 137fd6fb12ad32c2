{#- What identifies a person, spelled as the tap spells it before it hashes it. -#}

{#- True for a hash of `hash_fields`: 64 hexadecimal digits. -#}
{% macro is_hash(value) -%}
length({{ value }}) = 64 and {{ tap_leads.without(value, '[0-9a-f]') }} = ''
{%- endmacro %}

{#- Trimmed, also of no-break spaces, and in lower case; null if nothing is left. -#}
{% macro normal_email(email) -%}
nullif(lower({{ tap_leads.without(email, '^[[:space:]\u00a0]+|[[:space:]\u00a0]+$') }}), '')
{%- endmacro %}

{#- The digits alone, or the hash; null if nothing is left. -#}
{% macro normal_phone(phone) -%}
nullif(
    case
        when {{ tap_leads.is_hash(phone) }} then {{ phone }}
        else {{ tap_leads.without(phone, '[^0-9]') }}
    end,
    ''
)
{%- endmacro %}
