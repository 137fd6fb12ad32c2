-- Generated from the tap's declarations by `make docs`.
{{ tap_leads.stage(
    source('kommo', 'kommo_list_elements'),
    {
        'account': 'text',
        'id': 'integer',
        'catalog_id': 'integer',
        'name': 'text',
        'created_by': 'integer',
        'updated_by': 'integer',
        'created_at': 'timestamp',
        'updated_at': 'timestamp',
        'is_deleted': 'boolean',
        'currency_id': 'integer',
        'custom_fields_values': 'json',
        'invoice_link': 'text',
        'supplier_field_values': 'json',
        'account_id': 'integer',
        'extra': 'json',
    },
) }}
