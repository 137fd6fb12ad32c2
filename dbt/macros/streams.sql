{# Generated from the tap's declarations by `make docs`. #}
{#- The source of each stream, its key, and the column with its newest date. -#}
{% macro streams() %}
{{ return({
    'kommo_account': {'source': 'kommo', 'key': ['account', 'id'], 'newest': 'updated_at'},
    'kommo_pipelines': {'source': 'kommo', 'key': ['account', 'id'], 'newest': none},
    'kommo_stages': {'source': 'kommo', 'key': ['account', 'pipeline_id', 'id'], 'newest': none},
    'kommo_users': {'source': 'kommo', 'key': ['account', 'id'], 'newest': none},
    'kommo_roles': {'source': 'kommo', 'key': ['account', 'id'], 'newest': none},
    'kommo_lead_fields': {'source': 'kommo', 'key': ['account', 'id'], 'newest': none},
    'kommo_loss_reasons': {'source': 'kommo', 'key': ['account', 'id'], 'newest': 'updated_at'},
    'kommo_tags': {'source': 'kommo', 'key': ['account', 'id'], 'newest': none},
    'kommo_sources': {'source': 'kommo', 'key': ['account', 'id'], 'newest': none},
    'kommo_lists': {'source': 'kommo', 'key': ['account', 'id'], 'newest': 'updated_at'},
    'kommo_list_elements': {'source': 'kommo', 'key': ['account', 'id'], 'newest': 'updated_at'},
    'kommo_leads': {'source': 'kommo', 'key': ['account', 'id'], 'newest': 'updated_at'},
    'kommo_deleted_leads': {'source': 'kommo', 'key': ['account', 'id'], 'newest': 'deleted_at'},
    'kommo_lead_stage_changes': {'source': 'kommo', 'key': ['account', 'id'], 'newest': 'changed_at'},
    'kommo_lead_events': {'source': 'kommo', 'key': ['account', 'id'], 'newest': 'created_at'},
    'kommo_contacts': {'source': 'kommo', 'key': ['account', 'id'], 'newest': 'updated_at'},
    'kommo_companies': {'source': 'kommo', 'key': ['account', 'id'], 'newest': 'updated_at'},
    'kommo_tasks': {'source': 'kommo', 'key': ['account', 'id'], 'newest': 'updated_at'},
    'kommo_lead_notes': {'source': 'kommo', 'key': ['account', 'id'], 'newest': 'updated_at'},
    'kommo_incoming_leads': {'source': 'kommo', 'key': ['account', 'uid'], 'newest': 'created_at'},
    'dashly_leads': {'source': 'dashly', 'key': ['account', 'id'], 'newest': 'last_seen'},
    'carrotquest_leads': {'source': 'carrotquest', 'key': ['account', 'id'], 'newest': 'last_seen'},
    'octanist_leads': {'source': 'octanist', 'key': ['account', 'id'], 'newest': 'updated_at'},
}) }}
{% endmacro %}
