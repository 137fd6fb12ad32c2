-- Generated from the tap's declarations by `make docs`.
{{ tap_leads.stage(
    source('kommo', 'kommo_lists'),
    {
        'account': 'text',
        'id': 'integer',
        'name': 'text',
        'created_by': 'integer',
        'updated_by': 'integer',
        'created_at': 'timestamp',
        'updated_at': 'timestamp',
        'sort': 'integer',
        'type': 'text',
        'can_add_elements': 'boolean',
        'can_show_in_cards': 'boolean',
        'can_link_multiple': 'boolean',
        'can_be_deleted': 'boolean',
        'sdk_widget_code': 'text',
        'account_id': 'integer',
        'extra': 'json',
    },
) }}
