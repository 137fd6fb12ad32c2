"""The sources. A new one is one new file here and one word below."""

from __future__ import annotations

from tap_leads.sources.dashly import CarrotQuest, Dashly
from tap_leads.sources.kommo import Kommo
from tap_leads.sources.octanist import Octanist

SOURCES = (Kommo, Dashly, CarrotQuest, Octanist)
