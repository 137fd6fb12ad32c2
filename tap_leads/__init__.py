"""A Singer tap for leads: Kommo (formerly amoCRM), Dashly, Carrot quest and Octanist."""
