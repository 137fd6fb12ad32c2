"""Calendar months in UTC, and how many leads each of them has."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tap_leads.timestamps import SECOND, from_datetime

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_leads.replication.model import Record
    from tap_leads.timestamps import Micros


def month_of(moment: Micros) -> Micros:
    """Return the first moment of a moment's month."""
    return from_datetime(_date(moment).replace(day=1, hour=0, minute=0, second=0))


def next_month(month: Micros) -> Micros:
    """Return the first moment of the month after one, given its first moment."""
    return month_of(from_datetime(_date(month) + timedelta(days=32)))


def from_month(name: str) -> Micros:
    """Return the first moment of a month, given as `YYYY-MM`."""
    return from_datetime(datetime.strptime(name, "%Y-%m").replace(tzinfo=UTC))


def day_of(moment: Micros) -> str:
    """Return the date of a moment as `YYYY-MM-DD`."""
    return _date(moment).date().isoformat()


def count_by_month(records: Iterable[Record]) -> Counter[str]:
    """Return how many leads were created in each month (`YYYY-MM`; empty if there is no date)."""
    return Counter(str(record.get("createdAt") or "")[:7] for record in records)


def missing_by_month(expected: Mapping[str, int], read: Mapping[str, int]) -> dict[str, int]:
    """Return the months for which fewer leads were read than expected, and how many fewer.

    The organization's months may begin some hours before or after those in UTC: a lead that one
    month lacks and a neighboring month has in addition is not missing. A month that has an
    unknown neighbor with leads is left out.
    """
    excess = {month: expected[month] - read.get(month, 0) for month in expected}
    found = {}
    for month, lacking in excess.items():
        around = _neighbors(month)
        surplus = sum(min(excess.get(neighbor, 0), 0) for neighbor in around)
        are_known = all(each in excess or not read.get(each) for each in around)
        if are_known and lacking + surplus > 0:
            found[month] = lacking + surplus
    return found


def _neighbors(month: str) -> tuple[str, str]:
    first = from_month(month)
    return day_of(first - 1)[:7], day_of(next_month(first))[:7]


def _date(moment: Micros) -> datetime:
    return datetime.fromtimestamp(moment // SECOND, UTC)
