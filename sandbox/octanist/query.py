"""Parses the query string of Octanist's Get Leads: filters and sort keys."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sandbox.core.people import iso_ms
from sandbox.octanist.leads import CLICK_IDS, SOURCES, STATUSES

if TYPE_CHECKING:
    from sandbox.core.store import Lead
    from sandbox.octanist.options import OctanistOptions

Test = Callable[["Lead"], bool]
SORTABLE = ("createdAt", "updatedAt", "qualifiedAt", "value", "name", "email", "status")
_DATES = ("createdAt", "updatedAt", "qualifiedAt")
_EXACT = ("labelId", "website", "utm_source", "utm_medium", "utm_campaign")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "gte": operator.ge,
    "gt": operator.gt,
    "lte": operator.le,
    "lt": operator.lt,
}
_EQUAL: Callable[[Any, Any], bool] = operator.eq
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_NAME = re.compile(r"(\w+)(?:\[(\w+)\])?", re.ASCII)
NOT_FILTERS = frozenset({"limit", "page", "sort", "search", "fields"})


class InvalidError(ValueError):
    """Raised for a parameter that is rejected."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


@dataclass
class Filters:
    """The conditions that the leads of a list meet."""

    tests: list[Test] = field(default_factory=list)
    low: dict[str, str] = field(default_factory=dict)
    """Inclusive lower bounds of dates, in the format of responses."""
    high: dict[str, str] = field(default_factory=dict)
    """Inclusive upper bounds of dates, in the format of responses."""


def read_filters(pairs: list[tuple[str, str]], options: OctanistOptions) -> Filters:
    """Parse the filters among the parameters, which are combined with `and`.

    Raises:
        InvalidError: A name, operator or value is not documented.
    """
    asked: dict[tuple[str, str], str] = {}
    for name, value in pairs:
        if name in NOT_FILTERS:
            continue
        found = _NAME.fullmatch("updatedAt[gte]" if name == "updated_after" else name)
        if found is None:
            raise InvalidError("INVALID_FILTER", f"Invalid filter field: {name}")
        key, how = found[1], found[2] or ""
        if not options.combine_operators:
            asked = {pair: text for pair, text in asked.items() if pair[0] != key}
        asked[key, how] = value
    filters = Filters()
    for (name, how), value in asked.items():
        _read(filters, name, how, value, options)
    return filters


def read_sort(text: str) -> list[tuple[str, bool]]:
    """Return the sort fields, each with True for descending.

    Raises:
        InvalidError: A field is not sortable, or a direction is unknown.
    """
    keys = []
    for part in text.split(","):
        name, _, way = ("updatedAt:desc" if part == "updated_at:desc" else part).partition(":")
        if name not in SORTABLE or way not in {"asc", "desc"}:
            raise InvalidError("VALIDATION_ERROR", f"Invalid sort: {part}")
        keys.append((name, way == "desc"))
    return keys


def _read(filters: Filters, name: str, how: str, value: str, options: OctanistOptions) -> None:
    if name in _DATES and how in _COMPARE:
        _date(filters, name, how, value, options)
    elif name == "value" and (how in _COMPARE or not how):
        number = _number(value)
        compare = _COMPARE.get(how, _EQUAL)
        filters.tests.append(
            lambda lead: lead["value"] is not None and compare(lead["value"], number)
        )
    elif how == "exists" and name in (*_DATES, *CLICK_IDS):
        if value not in {"true", "false"}:
            raise InvalidError("INVALID_FILTER", f"{name}[exists] must be true or false")
        filters.tests.append(lambda lead: (lead[name] is not None) is (value == "true"))
    elif how:
        raise InvalidError("INVALID_FILTER", f"Invalid filter: {name}[{how}]")
    elif name == "status":
        wanted = set(value.split(","))
        if not wanted <= set(STATUSES):
            raise InvalidError("INVALID_FILTER", f"Invalid status: {value}")
        filters.tests.append(lambda lead: lead["status"] in wanted)
    elif name in (*_EXACT, *CLICK_IDS) or (name == "source" and value in SOURCES):
        filters.tests.append(lambda lead: lead[name] == value)
    else:
        raise InvalidError("INVALID_FILTER", f"Invalid filter field: {name}")


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InvalidError("INVALID_FILTER", "value must be a number")
    return number


def _date(filters: Filters, name: str, how: str, value: str, options: OctanistOptions) -> None:
    """Add a date bound: inclusive, in milliseconds like the leads' dates."""
    micros = _micros(value, date_only=options.date_only)
    if how in {"gte", "gt"}:
        floor = micros // 1000
        exact = micros % 1000 == 0
        bound = iso_ms((floor if how == "gte" and exact else floor + 1) / 1000)
        filters.low[name] = max(bound, filters.low.get(name, bound))
    else:
        ceiling = -(-micros // 1000)
        exact = micros % 1000 == 0
        bound = iso_ms((ceiling if how == "lte" and exact else ceiling - 1) / 1000)
        filters.high[name] = min(bound, filters.high.get(name, bound))


def _micros(text: str, *, date_only: bool) -> int:
    if date_only and re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        text += "T00:00:00Z"
    if _DATE.fullmatch(text):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            pass
        else:
            past = moment - datetime(1970, 1, 1, tzinfo=UTC)
            return (past.days * 86_400 + past.seconds) * 1_000_000 + past.microseconds
    raise InvalidError("INVALID_DATE", f"Invalid date: {text}")
