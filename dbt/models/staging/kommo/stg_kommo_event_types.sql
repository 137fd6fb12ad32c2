-- Generated from the tap's declarations by `make docs`.
{{ tap_leads.stage(
    source('kommo', 'kommo_event_types'),
    {
        'account': 'text',
        'key': 'text',
        'type': 'integer',
        'lang': 'text',
        'extra': 'json',
    },
) }}
