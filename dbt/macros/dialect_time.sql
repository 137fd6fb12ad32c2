{#- What the databases spell differently: dates, and texts. Dates are in UTC, without a zone. -#}

{% macro now_utc() %}
{{ return(adapter.dispatch('now_utc', 'tap_leads')()) }}
{% endmacro %}

{% macro default__now_utc() -%}
(current_timestamp at time zone 'UTC')
{%- endmacro %}

{% macro bigquery__now_utc() -%}
current_timestamp()
{%- endmacro %}

{% macro snowflake__now_utc() -%}
sysdate()
{%- endmacro %}


{#- The first day of the day, week (Monday) or month of a moment, in the time zone of the project. -#}
{% macro first_day(part, moment) %}
{{ return(adapter.dispatch('first_day', 'tap_leads')(part, moment, var('leads_timezone'))) }}
{% endmacro %}

{% macro default__first_day(part, moment, zone) -%}
cast(date_trunc('{{ part }}', {{ moment }} at time zone 'UTC' at time zone '{{ zone }}') as date)
{%- endmacro %}

{% macro bigquery__first_day(part, moment, zone) -%}
date_trunc(date({{ moment }}, '{{ zone }}'), {{ 'isoweek' if part == 'week' else part }})
{%- endmacro %}

{% macro snowflake__first_day(part, moment, zone) -%}
cast(date_trunc('{{ part }}', convert_timezone('UTC', '{{ zone }}', {{ moment }})) as date)
{%- endmacro %}


{% macro seconds_between(start, stop) %}
{{ return(adapter.dispatch('seconds_between', 'tap_leads')(start, stop)) }}
{% endmacro %}

{% macro default__seconds_between(start, stop) -%}
extract(epoch from {{ stop }} - {{ start }})
{%- endmacro %}

{% macro bigquery__seconds_between(start, stop) -%}
timestamp_diff({{ stop }}, {{ start }}, second)
{%- endmacro %}

{% macro snowflake__seconds_between(start, stop) -%}
datediff('second', {{ start }}, {{ stop }})
{%- endmacro %}


{#- Days or hours between two moments, as a number with decimals. -#}
{% macro days_between(start, stop) -%}
{{ tap_leads.seconds_between(start, stop) }} / 86400.0
{%- endmacro %}

{% macro hours_between(start, stop) -%}
{{ tap_leads.seconds_between(start, stop) }} / 3600.0
{%- endmacro %}


{#- A text without all that matches a regular expression. -#}
{% macro without(text, pattern) %}
{{ return(adapter.dispatch('without', 'tap_leads')(text, pattern)) }}
{% endmacro %}

{% macro default__without(text, pattern) -%}
regexp_replace({{ text }}, '{{ pattern }}', '', 'g')
{%- endmacro %}

{% macro bigquery__without(text, pattern) -%}
regexp_replace({{ text }}, r'{{ pattern }}', '')
{%- endmacro %}

{% macro snowflake__without(text, pattern) -%}
regexp_replace({{ text }}, '{{ pattern }}', '')
{%- endmacro %}
