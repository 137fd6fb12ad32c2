{#- The rows of a stream, with the type of each column. A table or column that is missing gives no
    rows or nulls: so any selection of sources, streams and columns works. -#}
{% macro stage(table, columns, key=none) %}
{%- set found = tap_leads.loaded_table(table, columns, key) -%}
select
{%- for name, type in columns.items() %}
    {{ tap_leads.typed(found, name, type) }} as {{ tap_leads.quoted(name) }},
{%- endfor %}
    {{ tap_leads.typed(found, tap_leads.loaded_column(found), 'timestamp') }} as loaded_at
{%- if found %}
from {{ found.sql }}
{%- if var('leads_accounts') %}
where account in ('{{ var("leads_accounts") | map("replace", "'", "''") | join("', '") }}')
{%- endif %}
{%- else %}
from (select 1 as nothing) as nothing
where 1 = 0
{%- endif %}
{% endmacro %}


{#- The same, marked with the deletions that another stream lists. -#}
{% macro stage_with_deletions(table, deletions, columns) %}
with

loaded as (
    {{ tap_leads.stage(table, columns) | indent(4) }}
),

deletions as (
    select * from {{ deletions }} where restored_at is null
)

select
    loaded.*,
    deletions.id is not null as is_deleted,
    deletions.deleted_at,
    deletions.merged_into
from loaded
left join deletions
    on loaded.account = deletions.account and loaded.id = deletions.id
{% endmacro %}


{#- Where the rows of a table are and which columns it has; none if it is not there. -#}
{% macro loaded_table(table, columns, key) %}
{%- if not execute or tap_leads.source_of(table.identifier) not in var('leads_sources') -%}
    {{ return(none) }}
{%- elif target.type == 'duckdb' and tap_leads.jsonl_path() -%}
    {{ return(tap_leads.jsonl_files(table.identifier, columns, key)) }}
{%- endif -%}
{%- set relation = adapter.get_relation(table.database, table.schema, table.identifier) -%}
{%- if relation is none -%}
    {{ return(none) }}
{%- endif -%}
{%- set types = {} -%}
{%- for column in adapter.get_columns_in_relation(relation) -%}
    {%- do types.update({column.name | lower: column.dtype | lower}) -%}
{%- endfor -%}
{{ return({'sql': relation, 'types': types}) }}
{% endmacro %}


{#- The files that target-jsonl wrote for a stream: of several rows with one key, the last one. -#}
{% macro jsonl_files(name, columns, key) %}
{%- set path = tap_leads.jsonl_path() ~ '/' ~ name -%}
{%- set files = run_query(
    "select file from glob(['" ~ path ~ ".jsonl', '" ~ path ~ "-*.jsonl']) order by file"
).columns[0].values() -%}
{%- if not files -%}
    {{ return(none) }}
{%- endif -%}
{%- set types = {} -%}
{%- for column, type in columns.items() -%}
    {%- do types.update({column: 'json' if type == 'json' else 'varchar'}) -%}
{%- endfor -%}
{%- set key = key or tap_leads.streams()[name].key -%}
{%- set sql -%}
(
    select *
    from (
        select *, row_number() over () as line
        from read_json(
            ['{{ files | join("', '") }}'],
            format = 'newline_delimited',
            maximum_object_size = 268435456,
            columns = {
                {%- for column, type in types.items() %}
                '{{ column }}': '{{ type }}' {%- if not loop.last %},{% endif -%}
                {%- endfor %}
            }
        )
    )
    qualify row_number() over (partition by {{ key | join(', ') }} order by line desc) = 1
) as {{ name }}
{%- endset -%}
{{ return({'sql': sql, 'types': types}) }}
{% endmacro %}


{#- Warns if there is no table at all, because then every model is empty. -#}
{% macro warn_without_tables() %}
{%- set found = [] -%}
{%- for name in tap_leads.streams() if execute -%}
    {%- if tap_leads.loaded_table(tap_leads.raw(name), {'account': 'text', 'id': 'text'}, ['id']) -%}
        {%- do found.append(name) -%}
    {%- endif -%}
{%- endfor -%}
{%- if execute and not found -%}
    {%- do exceptions.warn(
        'tap_leads found no table in the schema ' ~ tap_leads.raw('kommo_leads').schema
        ~ ', so its models are empty. Set the variable leads_schema to the schema of the tables.'
    ) -%}
{%- endif -%}
{% endmacro %}


{#- The folder of those files. Meltano sets the environment variable. -#}
{% macro jsonl_path() %}
{{ return(var('leads_jsonl_path') or env_var('DBT_DUCKDB_JSONL_PATH', '')) }}
{% endmacro %}


{#- A table that the tap may load but that this version of the package has no view of. -#}
{% macro raw(name) %}
{%- set source = tap_leads.source_of(name) -%}
{{ return(api.Relation.create(
    database=var('leads_database') or target.database,
    schema=var('leads_schemas').get(source, var('leads_schema')),
    identifier=name,
)) }}
{% endmacro %}


{% macro source_of(name) %}
{{ return(name.split('_')[0]) }}
{% endmacro %}


{#- The column in which the target wrote when it loaded a row, if there is one. -#}
{% macro loaded_column(found) %}
{%- set names = ['_sdc_batched_at', '_sdc_received_at', '_sdc_extracted_at'] -%}
{%- for name in names if found and name in found.types -%}
    {{ return(name) }}
{%- endfor -%}
{{ return(none) }}
{% endmacro %}


{#- A column cast to a type, or null if the table has no such column. -#}
{% macro typed(found, name, type) %}
{%- set dtype = found.types.get(name) if found and name else none -%}
{%- if dtype is none -%}
    cast(null as {{ tap_leads.type(type) }})
{%- elif type == 'json' -%}
    {{ tap_leads.to_json(tap_leads.quoted(name), dtype) }}
{%- elif type == 'timestamp' and 'with time zone' in dtype -%}
    {{ tap_leads.quoted(name) }} at time zone 'UTC'
{%- else -%}
    cast({{ tap_leads.quoted(name) }} as {{ tap_leads.type(type) }})
{%- endif -%}
{% endmacro %}


{#- A column's name where it may be a reserved word. Snowflake folds names to upper case. -#}
{% macro quoted(name) %}
{{ return(adapter.quote(name | upper if target.type == 'snowflake' else name)) }}
{% endmacro %}
