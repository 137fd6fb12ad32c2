"""The lead systems. A new one is a folder here and a word in `SOURCES`."""

from __future__ import annotations

from tap_leads.sources.dashly import CARROT_QUEST, DASHLY
from tap_leads.sources.kommo import KOMMO
from tap_leads.sources.octanist import OCTANIST

SOURCES = (KOMMO, DASHLY, CARROT_QUEST, OCTANIST)
