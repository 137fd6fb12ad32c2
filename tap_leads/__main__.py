"""`python -m tap_leads` is `tap-leads`."""

from __future__ import annotations

from tap_leads.tap import TapLeads

TapLeads.cli()
