{{ tap_leads.chat_touches('carrotquest') }}
