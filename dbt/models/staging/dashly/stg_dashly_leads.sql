-- Generated from the tap's declarations by `make docs`.
{{ tap_leads.stage(
    source('dashly', 'dashly_leads'),
    {
        'account': 'text',
        'id': 'text',
        'presence': 'text',
        'name': 'text',
        'email': 'text',
        'phone': 'text',
        'last_seen': 'timestamp',
        'last_contacted': 'timestamp',
        'sessions': 'integer',
        'events': 'json',
        'props': 'json',
        'extra': 'json',
    },
) }}
