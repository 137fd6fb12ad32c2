-- Generated from the tap's declarations by `make docs`.
{{ tap_leads.stage(
    source('kommo', 'kommo_incoming_leads'),
    {
        'account': 'text',
        'uid': 'text',
        'source_uid': 'text',
        'source_name': 'text',
        'category': 'text',
        'pipeline_id': 'integer',
        'created_at': 'timestamp',
        'metadata': 'json',
        'leads': 'json',
        'contacts': 'json',
        'companies': 'json',
        'account_id': 'integer',
        'extra': 'json',
    },
) }}
