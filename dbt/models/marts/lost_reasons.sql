select
    system,
    account,
    loss_reason as reason,
    currency,
    count(*) as leads,
    sum(coalesce(value, 0)) as value
from {{ ref('leads') }}
where status = 'lost'
group by system, account, loss_reason, currency
