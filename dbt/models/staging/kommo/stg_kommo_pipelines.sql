-- Generated from the tap's declarations by `make docs`.
{{ tap_leads.stage(
    source('kommo', 'kommo_pipelines'),
    {
        'account': 'text',
        'id': 'integer',
        'name': 'text',
        'sort': 'integer',
        'is_main': 'boolean',
        'is_unsorted_on': 'boolean',
        'is_archive': 'boolean',
        'account_id': 'integer',
        'statuses': 'json',
        'extra': 'json',
    },
) }}
