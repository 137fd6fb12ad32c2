-- Generated from the tap's declarations by `make docs`.
{{ tap_leads.stage(
    source('kommo', 'kommo_sources'),
    {
        'account': 'text',
        'id': 'integer',
        'name': 'text',
        'pipeline_id': 'integer',
        'external_id': 'text',
        'origin_code': 'text',
        'default': 'boolean',
        'services': 'json',
        'extra': 'json',
    },
) }}
