{{ tap_leads.chat_leads('carrotquest') }}
