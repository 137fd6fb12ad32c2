-- Generated from the tap's declarations by `make docs`.
{{ tap_leads.stage(
    source('octanist', 'octanist_stats'),
    {
        'account': 'text',
        'period_start': 'timestamp',
        'usage_period_start': 'timestamp',
        'period_end': 'timestamp',
        'leads_used': 'integer',
        'leads_limit': 'integer',
        'locked_leads': 'integer',
        'total': 'integer',
        'by_status': 'json',
        'by_source': 'json',
        'qualified': 'integer',
        'qualification_rate': 'number',
        'win_rate': 'number',
        'average_value': 'number',
        'total_value': 'number',
        'extra': 'json',
    },
) }}
