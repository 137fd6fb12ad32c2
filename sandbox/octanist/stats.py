"""Octanist's statistics: https://octanist.com/docs/api-reference/endpoint/stats."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sandbox.octanist.query import InvalidError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.core.store import Lead
    from sandbox.octanist.options import OctanistOptions

_LIMIT = 1_000


def read_stats(
    body: bytes, leads: Iterable[Lead], now: float, options: OctanistOptions
) -> dict[str, Any]:
    """Return the statistics of the period that the body of a request names.

    Raises:
        InvalidError: There is no body, or it names no period.
    """
    start, end = _period(body, datetime.fromtimestamp(now, UTC))
    shift = timedelta(hours=options.stats_utc_offset)
    found = [
        lead
        for lead in leads
        if start <= f"{datetime.fromisoformat(lead['createdAt']) + shift:%Y-%m-%d}" <= end
    ]
    hidden = options.locked_leads + options.unlisted_leads
    period = ("2020-01-05", "2020-02-04") if options.billing_period else (start, end)
    return {
        "usage": {
            "leadsUsed": len(found) + hidden,
            "leadsLimit": _LIMIT,
            "lockedLeads": options.locked_leads,
            "periodStart": period[0],
            "periodEnd": period[1],
        },
        **_results(found),
    }


def _period(body: bytes, now: datetime) -> tuple[str, str]:
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise InvalidError("VALIDATION_ERROR", "The body must be a JSON object")
    first = f"{now:%Y-%m}-01"
    match content.get("period", "current"):
        case "current":
            return first, f"{now:%Y-%m-%d}"
        case "previous":
            last = datetime.fromisoformat(first) - timedelta(days=1)
            return f"{last:%Y-%m}-01", f"{last:%Y-%m-%d}"
        case "custom":
            start, end = (str(content.get(name)) for name in ("startDate", "endDate"))
        case _:
            raise InvalidError("VALIDATION_ERROR", "period must be current, previous or custom")
    for date in (start, end):
        if re.fullmatch(r"\d{4}-\d\d-\d\d", date) is None:
            raise InvalidError("INVALID_DATE", "dates must be YYYY-MM-DD")
    if not start <= end <= f"{now:%Y-%m-%d}":
        raise InvalidError("INVALID_DATE", "the period must not end before it starts, or later")
    return start, end


def _results(leads: list[Lead]) -> dict[str, Any]:
    by_status = Counter(lead["status"] for lead in leads)
    won = [lead["value"] or 0 for lead in leads if lead["status"] == "won"]
    qualified = by_status["qualified"] + by_status["won"]
    return {
        "leads": {
            "total": len(leads),
            "byStatus": {
                status: by_status[status] for status in ("open", "qualified", "won", "lost")
            },
            "bySource": Counter(lead["source"] for lead in leads),
        },
        "conversion": {
            "qualified": qualified,
            "qualificationRate": _share(qualified + by_status["lost"], len(leads)),
            "winRate": _share(len(won), qualified),
            "averageValue": _share(sum(won), len(won)),
            "totalValue": sum(won),
        },
    }


def _share(part: float, whole: int) -> float:
    return round(part / whole, 4) if whole else 0
