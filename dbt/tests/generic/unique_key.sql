{#- Fails for each key that has a null part or is not unique. -#}
{% test unique_key(model, columns) %}
select {{ columns | join(', ') }}
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1 or {% for column in columns -%}
    {{ column }} is null {%- if not loop.last %} or {% endif -%}
{%- endfor %}
{% endtest %}
