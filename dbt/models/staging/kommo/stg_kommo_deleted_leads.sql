-- Generated from the tap's declarations by `make docs`.
{{ tap_leads.stage(
    source('kommo', 'kommo_deleted_leads'),
    {
        'account': 'text',
        'id': 'integer',
        'deleted_at': 'timestamp',
        'deleted_by': 'integer',
        'restored_at': 'timestamp',
        'merged_into': 'integer',
        'extra': 'json',
    },
) }}
