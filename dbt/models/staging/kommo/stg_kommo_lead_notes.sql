-- Generated from the tap's declarations by `make docs`.
{{ tap_leads.stage(
    source('kommo', 'kommo_lead_notes'),
    {
        'account': 'text',
        'id': 'integer',
        'entity_id': 'integer',
        'created_by': 'integer',
        'updated_by': 'integer',
        'created_at': 'timestamp',
        'updated_at': 'timestamp',
        'responsible_user_id': 'integer',
        'group_id': 'integer',
        'note_type': 'text',
        'params': 'json',
        'is_pinned': 'boolean',
        'account_id': 'integer',
        'extra': 'json',
    },
) }}
