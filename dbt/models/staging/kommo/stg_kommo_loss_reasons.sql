-- Generated from the tap's declarations by `make docs`.
{{ tap_leads.stage(
    source('kommo', 'kommo_loss_reasons'),
    {
        'account': 'text',
        'id': 'integer',
        'name': 'text',
        'sort': 'integer',
        'created_at': 'timestamp',
        'updated_at': 'timestamp',
        'extra': 'json',
    },
) }}
