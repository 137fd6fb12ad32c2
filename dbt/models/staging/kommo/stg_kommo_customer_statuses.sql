-- Generated from the tap's declarations by `make docs`.
{{ tap_leads.stage(
    source('kommo', 'kommo_customer_statuses'),
    {
        'account': 'text',
        'id': 'integer',
        'name': 'text',
        'sort': 'integer',
        'is_default': 'boolean',
        'color': 'text',
        'type': 'integer',
        'conditions': 'json',
        'account_id': 'integer',
        'extra': 'json',
    },
) }}
