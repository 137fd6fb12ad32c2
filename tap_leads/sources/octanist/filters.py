"""The user's filters for Octanist: as request parameters, as bounds, and as a check of each lead.

https://octanist.com/docs/api-reference/endpoint/get-leads
"""

from __future__ import annotations

import operator
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from tap_leads.replication.model import Bounds
from tap_leads.timestamps import MILLISECOND, from_text, to_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_leads.replication.model import Record
    from tap_leads.sources.base import Settings
    from tap_leads.timestamps import Micros

DATES = ("createdAt", "updatedAt", "qualifiedAt")
_COMPARISONS = {
    "gte": operator.ge, "gt": operator.gt, "lte": operator.le, "lt": operator.lt,
}  # fmt: skip


def filter_params(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return filters as request parameters, except bounds of `updatedAt` (see `user_bounds`)."""
    params: dict[str, Any] = {}
    for name, value in filters.items():
        if isinstance(value, dict):
            for comparison, bound in value.items():
                if name != "updatedAt" or comparison == "exists":
                    params[f"{name}[{comparison}]"] = _word(name, bound)
        elif name != "updatedAt":
            params[name] = ",".join(value) if isinstance(value, list) else _word(name, value)
    return params


def user_bounds(settings: Settings) -> Bounds:
    """Return the bounds that filters by `updatedAt` put on the replication key."""
    span = settings.get("filters", {}).get("updatedAt", {})
    only_null = span == {"exists": False}
    if not isinstance(span, dict):
        exact = from_text(span)
        return Bounds(exact, exact, null=False)
    lows = [from_text(span.get("gte")), _beyond(span.get("gt"), MILLISECOND)]
    highs = [from_text(span.get("lte")), _beyond(span.get("lt"), -MILLISECOND)]
    return Bounds(
        max((low for low in lows if low is not None), default=None),
        min((high for high in highs if high is not None), default=None),
        null=not span or only_null,
        # If only leads without `updatedAt` are wanted, there is nothing to sort by.
        filterable=not only_null,
    )


def matches(record: Record, settings: Settings) -> bool:
    """Return True if a lead is within the user's bounds.

    The API may ignore them or apply only some of them (apis/octanist.md 5).
    """
    return all(
        _is_within(name, record.get(name), bounds)
        for name, bounds in settings.get("filters", {}).items()
        if name in {"value", *DATES} and isinstance(bounds, dict)
    )


def to_bound(moment: Micros) -> str:
    """Return a bound in the API's date-time format, with milliseconds."""
    return f"{(to_text(moment) or '')[:23]}Z"


def _beyond(value: Any, step: Micros) -> Micros | None:
    moment = from_text(value)
    return None if moment is None else moment + step


def _is_within(name: str, value: Any, bounds: Mapping[str, Any]) -> bool:
    if "exists" in bounds and bounds["exists"] != (value is not None):
        return False
    read: Callable[[Any], Any] = from_text if name in DATES else _number
    have = read(value)
    if have is None and value is not None:
        return True  # not the documented type, so only the API can compare it
    wanted = {word: read(bound) for word, bound in bounds.items() if word in _COMPARISONS}
    return not wanted or (
        have is not None and all(_COMPARISONS[word](have, bound) for word, bound in wanted.items())
    )


def _number(value: Any) -> Decimal | None:
    """Return an exact number, so that 19.99 in a setting equals 19.99 in a response."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
        return None
    try:
        return Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        return None


def _word(name: str, value: Any) -> Any:
    """Return a filter value as the API accepts it: dates need a time (apis/octanist.md 14)."""
    if isinstance(value, bool):
        return str(value).lower()
    moment = from_text(value) if name in DATES else None
    return value if moment is None else to_bound(moment)
