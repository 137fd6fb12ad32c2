"""Octanist: leads with their click IDs, and statistics.

https://octanist.com/docs/api-reference/endpoint/get-leads
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_leads.rest.auth.token import HeaderToken
from tap_leads.rest.client import Wording
from tap_leads.sources.base import Source
from tap_leads.sources.octanist.api import OctanistApi
from tap_leads.sources.octanist.leads import LEADS
from tap_leads.sources.octanist.settings import SETTINGS
from tap_leads.sources.octanist.stats import STATS

if TYPE_CHECKING:
    from tap_leads.rest.clock import Clock
    from tap_leads.sources.base import Settings


def _auth(_label: str, settings: Settings, _clock: Clock) -> HeaderToken:
    return HeaderToken("X-API-KEY", settings["api_key"])


OCTANIST = Source(
    settings=SETTINGS,
    api=OctanistApi,
    streams=(LEADS, STATS),
    auth=_auth,
    wording=Wording(credential="`octanist.api_key`", base_url="`octanist.api_url`", api="Octanist"),
)
