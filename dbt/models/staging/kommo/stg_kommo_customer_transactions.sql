-- Generated from the tap's declarations by `make docs`.
{{ tap_leads.stage(
    source('kommo', 'kommo_customer_transactions'),
    {
        'account': 'text',
        'id': 'integer',
        'customer_id': 'integer',
        'price': 'number',
        'completed_at': 'timestamp',
        'comment': 'text',
        'created_by': 'integer',
        'updated_by': 'integer',
        'created_at': 'timestamp',
        'updated_at': 'timestamp',
        'is_deleted': 'boolean',
        'catalog_elements': 'json',
        'account_id': 'integer',
        'extra': 'json',
    },
) }}
