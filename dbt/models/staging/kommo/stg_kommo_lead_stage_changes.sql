-- Generated from the tap's declarations by `make docs`.
{{ tap_leads.stage(
    source('kommo', 'kommo_lead_stage_changes'),
    {
        'account': 'text',
        'id': 'text',
        'lead_id': 'integer',
        'changed_at': 'timestamp',
        'changed_by': 'integer',
        'oauth_client_uuid': 'text',
        'from_pipeline_id': 'integer',
        'from_status_id': 'integer',
        'to_pipeline_id': 'integer',
        'to_status_id': 'integer',
        'account_id': 'integer',
        'extra': 'json',
    },
) }}
