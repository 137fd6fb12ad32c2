{{ tap_leads.chat_touches('dashly') }}
