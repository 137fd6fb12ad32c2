-- Generated from the tap's declarations by `make docs`.
{{ tap_leads.stage(
    source('kommo', 'kommo_user_groups'),
    {
        'account': 'text',
        'id': 'integer',
        'name': 'text',
        'uuid': 'text',
        'extra': 'json',
    },
) }}
