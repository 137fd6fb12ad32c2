-- Generated from the tap's declarations by `make docs`.
{{ tap_leads.stage(
    source('carrotquest', 'carrotquest_lead_details'),
    {
        'account': 'text',
        'id': 'text',
        'last_seen': 'timestamp',
        'user_id': 'text',
        'removed': 'timestamp',
        'gone_at': 'timestamp',
        'app': 'text',
        'presence': 'text',
        'segments': 'json',
        'tags': 'json',
        'notes': 'json',
        'props_custom': 'json',
        'event_types': 'json',
        'email_status': 'text',
        'timezone_offset': 'integer',
        'extra': 'json',
    },
) }}
