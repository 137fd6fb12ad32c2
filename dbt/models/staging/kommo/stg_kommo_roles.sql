-- Generated from the tap's declarations by `make docs`.
{{ tap_leads.stage(
    source('kommo', 'kommo_roles'),
    {
        'account': 'text',
        'id': 'integer',
        'name': 'text',
        'rights': 'json',
        'users': 'json',
        'extra': 'json',
    },
) }}
