{#- Fails for each key that is not unique, or that has a null part unless `nulls` are allowed. -#}
{% test unique_key(model, columns, nulls=false) %}
select {{ columns | join(', ') }}
from {{ model }}
group by {{ columns | join(', ') }}
having
    count(*) > 1
    {%- for column in columns if not nulls %}
    or {{ column }} is null
    {%- endfor %}
{% endtest %}
