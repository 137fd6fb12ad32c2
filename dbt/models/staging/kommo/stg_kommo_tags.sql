-- Generated from the tap's declarations by `make docs`.
{{ tap_leads.stage(
    source('kommo', 'kommo_tags'),
    {
        'account': 'text',
        'id': 'integer',
        'name': 'text',
        'color': 'text',
        'extra': 'json',
    },
) }}
