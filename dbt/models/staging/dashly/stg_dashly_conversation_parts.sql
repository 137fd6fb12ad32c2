-- Generated from the tap's declarations by `make docs`.
{{ tap_leads.stage(
    source('dashly', 'dashly_conversation_parts'),
    {
        'account': 'text',
        'id': 'text',
        'conversation_id': 'text',
        'created': 'timestamp',
        'type': 'text',
        'body': 'text',
        'body_json': 'json',
        'read': 'boolean',
        'sent_via': 'text',
        'direction': 'text',
        'first': 'boolean',
        'author_id': 'text',
        'author_type': 'text',
        'author_name': 'text',
        'author_avatar': 'text',
        'attachments': 'json',
        'extra': 'json',
    },
) }}
