{{ tap_leads.chat_leads('dashly') }}
