-- Generated from the tap's declarations by `make docs`.
{{ tap_leads.stage(
    source('dashly', 'dashly_channels'),
    {
        'account': 'text',
        'id': 'text',
        'name': 'text',
        'type': 'text',
        'avatar': 'text',
        'not_assigned_count': 'integer',
        'not_read_count': 'integer',
        'droppable': 'boolean',
        'read_permission': 'text',
        'operators': 'json',
        'extra': 'json',
    },
) }}
