"""A Singer tap for leads: Kommo (amoCRM), Dashly, Carrot quest and Octanist."""

from tap_leads.imports import unused_put_off

with unused_put_off():
    import singer_sdk  # noqa: F401  # from here on it is there, and imported without them
