-- Generated from the tap's declarations by `make docs`.
{{ tap_leads.stage(
    source('kommo', 'kommo_users'),
    {
        'account': 'text',
        'id': 'integer',
        'name': 'text',
        'email': 'text',
        'lang': 'text',
        'is_active': 'boolean',
        'is_admin': 'boolean',
        'group_id': 'integer',
        'role_id': 'integer',
        'rights': 'json',
        'uuid': 'text',
        'amojo_id': 'text',
        'user_rank': 'text',
        'phone_number': 'text',
        'roles': 'json',
        'groups': 'json',
        'extra': 'json',
    },
) }}
