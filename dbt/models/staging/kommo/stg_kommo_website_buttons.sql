-- Generated from the tap's declarations by `make docs`.
{{ tap_leads.stage(
    source('kommo', 'kommo_website_buttons'),
    {
        'account': 'text',
        'source_id': 'integer',
        'button_id': 'integer',
        'name': 'text',
        'pipeline_id': 'integer',
        'creation_status': 'text',
        'is_duplication_control_enabled': 'boolean',
        'account_id': 'integer',
        'extra': 'json',
    },
) }}
