with

touches as (
    {% for system in ['kommo', 'dashly', 'carrotquest'] -%}
    select * from {{ ref('int_' ~ system ~ '_touches') }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    touches.*,
    not is_bot and (
        coalesce(direction, '') = 'outgoing'
        or (kind = 'call' and direction = 'incoming' and coalesce(call_seconds, 0) > 0)
    ) as is_response
from touches
