-- Generated from the tap's declarations by `make docs`.
{{ tap_leads.stage(
    source('kommo', 'kommo_task_types'),
    {
        'account': 'text',
        'id': 'integer',
        'name': 'text',
        'color': 'text',
        'icon_id': 'integer',
        'code': 'text',
        'extra': 'json',
    },
) }}
