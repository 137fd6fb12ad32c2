"""Lead systems, one folder each. To add one, create a folder and add its `Source` to `SOURCES`."""

from __future__ import annotations

from tap_leads.sources.dashly import CARROT_QUEST, DASHLY
from tap_leads.sources.kommo import KOMMO
from tap_leads.sources.octanist import OCTANIST

SOURCES = (KOMMO, DASHLY, CARROT_QUEST, OCTANIST)
