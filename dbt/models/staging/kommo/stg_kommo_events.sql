-- Generated from the tap's declarations by `make docs`.
{{ tap_leads.stage(
    source('kommo', 'kommo_events'),
    {
        'account': 'text',
        'id': 'text',
        'type': 'text',
        'entity_id': 'integer',
        'entity_type': 'text',
        'created_by': 'integer',
        'oauth_client_uuid': 'text',
        'created_at': 'timestamp',
        'value_before': 'json',
        'value_after': 'json',
        'account_id': 'integer',
        'extra': 'json',
    },
) }}
