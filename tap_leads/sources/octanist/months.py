"""Calendar months in UTC, and how many leads each of them has."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tap_leads.timestamps import HOUR, SECOND, from_datetime, from_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_leads.replication.model import Record
    from tap_leads.timestamps import Micros

EAST = 14 * HOUR
"""How far ahead of UTC time zones are."""
_WEST = 12 * HOUR


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


class MonthCounts:
    """How many leads each month has, in UTC.

    Attributes:
        leads: The leads by month (`YYYY-MM`); those without a date are in an empty month.
        near: The leads that belong to another month in some time zone, by both months.
    """

    def __init__(self) -> None:
        """Start without leads."""
        self.leads: Counter[str] = Counter()
        self.near: Counter[tuple[str, str]] = Counter()

    def add(self, records: Iterable[Record]) -> None:
        """Count leads by their `createdAt`."""
        for record in records:
            moment = from_text(record.get("createdAt"))
            if moment is None:
                self.leads[""] += 1
                continue
            month = day_of(moment)[:7]
            self.leads[month] += 1
            for elsewhere in (day_of(moment - _WEST)[:7], day_of(moment + EAST)[:7]):
                if elsewhere != month:
                    self.near[month, elsewhere] += 1


def missing_by_month(expected: Mapping[str, int], read: MonthCounts) -> dict[str, int]:
    """Return the months for which fewer leads were read than expected, and how many fewer.

    The organization's months may begin some hours before or after those in UTC. Leads are missing
    where a month lacks more than its neighbors have in those hours; and if all months since the
    first one are known, where all of them together lack more than the neighbor of the first has.
    """
    lacking = {month: count - read.leads[month] for month, count in expected.items()}
    found = {
        month: count - sum(read.near[neighbor, month] for neighbor in _neighbors(month))
        for month, count in lacking.items()
    }
    found = {month: count for month, count in found.items() if count > 0}
    first = min(expected, default="")
    left = 0
    if all(month in expected for month in read.leads if month >= first):
        before = read.near[_neighbors(first)[0], first] if first else 0
        left = sum(lacking.values()) - before
    if left <= sum(found.values()):
        return found
    found = {}
    for month, count in lacking.items():
        if (some := min(count, left)) > 0:
            found[month] = some
            left -= some
    return found


def _neighbors(month: str) -> tuple[str, str]:
    first = from_month(month)
    return day_of(first - 1)[:7], day_of(next_month(first))[:7]


def _date(moment: Micros) -> datetime:
    return datetime.fromtimestamp(moment // SECOND, UTC)
