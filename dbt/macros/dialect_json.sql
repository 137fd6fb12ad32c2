{#- What the databases spell differently: the members of a JSON value. -#}

{#- A member of an object as text. `path` is the name of the member, or names from the outside in. -#}
{% macro json_text(value, path) %}
{{ return(adapter.dispatch('json_text', 'tap_leads')(value, [path] if path is string else path)) }}
{% endmacro %}

{% macro default__json_text(value, path) -%}
{{ value }} #>> '{ {{- '"' ~ path | join('","') ~ '"' -}} }'
{%- endmacro %}

{% macro duckdb__json_text(value, path) -%}
json_extract_string({{ value }}, '$."{{ path | join('"."') }}"')
{%- endmacro %}

{% macro bigquery__json_text(value, path) -%}
{%- set at = "'$.\"" ~ path | join('"."') ~ "\"'" -%}
coalesce(json_value({{ value }}, {{ at }}), to_json_string(json_query({{ value }}, {{ at }})))
{%- endmacro %}

{% macro snowflake__json_text(value, path) -%}
{{ value }}{% for name in path %}['{{ name }}']{% endfor %}::varchar
{%- endmacro %}


{#- The same, cast to a type. -#}
{% macro json_as(type, value, path) -%}
cast({{ tap_leads.json_text(value, path) }} as {{ tap_leads.type(type) }})
{%- endmacro %}


{#- A member of an object as JSON. -#}
{% macro json_member(value, name) %}
{{ return(adapter.dispatch('json_member', 'tap_leads')(value, name)) }}
{% endmacro %}

{% macro default__json_member(value, name) -%}
{{ value }} -> '{{ name }}'
{%- endmacro %}

{% macro bigquery__json_member(value, name) -%}
json_query({{ value }}, '$."{{ name }}"')
{%- endmacro %}

{% macro snowflake__json_member(value, name) -%}
{{ value }}['{{ name }}']
{%- endmacro %}


{#- Joins the items of a list: `alias.item` is one of them, and `alias.place` its place, from 1.
    A row whose list is empty or null is left out. -#}
{% macro each_item(list, alias) %}
{{ return(adapter.dispatch('each_item', 'tap_leads')(list, alias)) }}
{% endmacro %}

{% macro default__each_item(list, alias) -%}
cross join lateral jsonb_array_elements(
    case when jsonb_typeof({{ list }}) = 'array' then {{ list }} else '[]' end
) with ordinality as {{ alias }} (item, place)
{%- endmacro %}

{% macro duckdb__each_item(list, alias) -%}
cross join lateral (
    select
        unnest(json_extract({{ list }}, '$[*]')) as item,
        generate_subscripts(json_extract({{ list }}, '$[*]'), 1) as place
) as {{ alias }}
{%- endmacro %}

{% macro bigquery__each_item(list, alias) -%}
cross join unnest(array(
    select as struct item, place + 1 as place
    from unnest(json_query_array({{ list }})) as item with offset as place
)) as {{ alias }}
{%- endmacro %}

{% macro snowflake__each_item(list, alias) -%}
cross join lateral (
    select flattened.value as item, flattened.index + 1 as place
    from table(flatten(input => {{ list }})) as flattened
) as {{ alias }}
{%- endmacro %}
