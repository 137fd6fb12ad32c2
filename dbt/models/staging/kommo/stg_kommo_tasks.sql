-- Generated from the tap's declarations by `make docs`.
{{ tap_leads.stage(
    source('kommo', 'kommo_tasks'),
    {
        'account': 'text',
        'id': 'integer',
        'created_by': 'integer',
        'updated_by': 'integer',
        'created_at': 'timestamp',
        'updated_at': 'timestamp',
        'responsible_user_id': 'integer',
        'group_id': 'integer',
        'entity_id': 'integer',
        'entity_type': 'text',
        'duration': 'integer',
        'is_completed': 'boolean',
        'task_type_id': 'integer',
        'text': 'text',
        'result': 'text',
        'complete_till': 'timestamp',
        'account_id': 'integer',
        'extra': 'json',
    },
) }}
