-- Generated from the tap's declarations by `make docs`.
{{ tap_leads.stage(
    source('kommo', 'kommo_stages'),
    {
        'account': 'text',
        'pipeline_id': 'integer',
        'id': 'integer',
        'name': 'text',
        'sort': 'integer',
        'is_editable': 'boolean',
        'color': 'text',
        'type': 'integer',
        'account_id': 'integer',
        'extra': 'json',
    },
) }}
