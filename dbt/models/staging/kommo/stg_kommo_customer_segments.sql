-- Generated from the tap's declarations by `make docs`.
{{ tap_leads.stage(
    source('kommo', 'kommo_customer_segments'),
    {
        'account': 'text',
        'id': 'integer',
        'name': 'text',
        'color': 'text',
        'created_at': 'timestamp',
        'updated_at': 'timestamp',
        'customers_count': 'integer',
        'available_products_price_types': 'json',
        'custom_fields_values': 'json',
        'account_id': 'integer',
        'extra': 'json',
    },
) }}
