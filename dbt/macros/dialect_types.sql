{#- What the databases spell differently: types, and casts to JSON. -#}

{% macro type(name) %}
{{ return(adapter.dispatch('type', 'tap_leads')(name)) }}
{% endmacro %}

{% macro default__type(name) %}
{{ return({
    'text': 'text', 'integer': 'bigint', 'number': 'numeric', 'boolean': 'boolean',
    'timestamp': 'timestamp', 'date': 'date', 'json': 'jsonb',
}[name]) }}
{% endmacro %}

{% macro duckdb__type(name) %}
{{ return({'number': 'decimal(38, 9)', 'json': 'json'}.get(name) or tap_leads.default__type(name)) }}
{% endmacro %}

{% macro bigquery__type(name) %}
{{ return({
    'text': 'string', 'integer': 'int64', 'number': 'bignumeric', 'boolean': 'bool',
    'timestamp': 'timestamp', 'date': 'date', 'json': 'json',
}[name]) }}
{% endmacro %}

{% macro snowflake__type(name) %}
{{ return({
    'number': 'number(38, 9)', 'timestamp': 'timestamp_ntz', 'json': 'variant',
}.get(name) or tap_leads.default__type(name)) }}
{% endmacro %}


{#- A column with JSON, as text or native, as the database's type for JSON. What is no JSON, such as
    the hash of a list, becomes null. -#}
{% macro to_json(column, dtype) %}
{{ return(adapter.dispatch('to_json', 'tap_leads')(column, dtype)) }}
{% endmacro %}

{% macro default__to_json(column, dtype) -%}
{%- if dtype in ('text', 'character varying') -%}
    case when substr(ltrim({{ column }}), 1, 1) in ('[', '{') then cast({{ column }} as jsonb) end
{%- else -%}
    to_jsonb({{ column }})
{%- endif -%}
{%- endmacro %}

{% macro duckdb__to_json(column, dtype) -%}
{#- JSON in a text of a JSON file is a JSON string, whose value is the text. -#}
{%- set text = column if dtype == 'varchar' else "json_extract_string(" ~ column ~ ", '$')" -%}
{%- if dtype in ('varchar', 'json') -%}
    case when substr(ltrim({{ text }}), 1, 1) in ('[', '{') then cast({{ text }} as json) end
{%- else -%}
    to_json({{ column }})
{%- endif -%}
{%- endmacro %}

{% macro bigquery__to_json(column, dtype) -%}
{%- if dtype == 'string' -%}
    safe.parse_json({{ column }}, wide_number_mode => 'round')
{%- else -%}
    to_json({{ column }})
{%- endif -%}
{%- endmacro %}

{% macro snowflake__to_json(column, dtype) -%}
{%- if dtype in ('text', 'character varying') or dtype.startswith('varchar') -%}
    try_parse_json({{ column }})
{%- else -%}
    to_variant({{ column }})
{%- endif -%}
{%- endmacro %}
