"""A Singer tap for leads: Kommo (amoCRM), Dashly, Carrot quest and Octanist."""
