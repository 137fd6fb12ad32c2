"""What tests know of the leads and the requests behind the statistics of Octanist."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.octanist.api import Octanist


def periods(api: Octanist, since: int = 0) -> list[tuple[str, str]]:
    """Return the periods that were requested, except for requests that were answered before."""
    asked = [json.loads(r.body) for r in api.requests_of()[since:] if r.path == "/api/stats"]
    return [(each["startDate"], each["endDate"]) for each in asked]


def created_in(api: Octanist) -> set[str]:
    return {lead["createdAt"][:7] for lead in api.leads.values()}
