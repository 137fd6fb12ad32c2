"""Compares Octanist's statistics with the leads that a run read, to find leads that are missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_leads.errors import Code
from tap_leads.replication.keyset import Keyset
from tap_leads.replication.model import Order, Query, Traits
from tap_leads.sources.base import StreamSpec
from tap_leads.sources.octanist.filters import to_bound
from tap_leads.sources.octanist.months import (
    EAST,
    MonthCounts,
    day_of,
    from_month,
    missing_by_month,
    month_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_leads.replication.model import AccountLists, Bounds, Chunk, Collection
    from tap_leads.timestamps import Micros

_COUNTS = "leads by month"
"""The name of `ReadLeads` among the values that streams of an account share."""
ALL_LEADS = StreamSpec(
    name="octanist_stats",
    path="/leads",
    columns=(),
    traits=Traits(page_size=100),
    params={"fields": "id,createdAt"},
)
"""The list of leads without the user's filters, with the dates of their creation."""


@dataclass(frozen=True)
class ReadLeads:
    """The number of leads of each month that a run read.

    Attributes:
        since: The run read all leads that were created at this moment or later; None if it read
            only those that changed since a bookmark, or before an end date.
    """

    by_month: MonthCounts
    since: Micros | None

    @classmethod
    def of(cls, account: AccountLists) -> ReadLeads | None:
        """Return what `CountedLeads` counted in this run; None if it did not count."""
        found: ReadLeads | None = account.shared.get(_COUNTS)
        return found


class CountedLeads(Keyset):
    """Reads leads, and counts those of each month for `MonthlyStats`."""

    @override
    def read(self, account: AccountLists, bounds: Bounds, workers: int) -> Iterator[Chunk | None]:
        is_first = bounds.bookmark_after is None and bounds.until is None
        # These are read in every run: leads without a date, and the last one before the bookmark.
        usual = {None, (bounds.after or 0) + account.lookback}
        counts = MonthCounts()
        for chunk in super().read(account, bounds, workers):
            rows = chunk.rows if chunk else ()
            counts.add(row.record for row in rows if is_first or row.cursor not in usual)
            yield chunk
        has_filters = account.settings.get("filters") or account.settings.get("search")
        if not has_filters and "" not in counts.leads:  # `created_at` may be deselected
            since = bounds.after or 0  # a lead is modified when it is created, or later
            account.shared[_COUNTS] = ReadLeads(counts, since if is_first else None)


def compare(account: AccountLists, expected: dict[str, int], read: ReadLeads) -> None:
    """Warn if the statistics count more leads than the list returned.

    Only months that begin after `read.since` are compared.
    """
    counts, since = read.by_month, read.since
    if since is None:
        return
    expected = {month: count for month, count in expected.items() if from_month(month) >= since}
    if missing_by_month(expected, counts):
        leads = account.collection(ALL_LEADS)
        _subtract_old(leads, expected, since)
        _subtract_new(leads, expected, counts)
    if missing := missing_by_month(expected, counts):
        first = next(iter(missing))
        account.warn(
            f"the statistics count {sum(missing.values()):,} leads in {len(missing)} months, the "
            f"first of them {first}, that the API did not list and that are not locked: they were "
            "deleted or have expired, or the list is not complete",
            Code.LEADS_NOT_LISTED,
        )


def _subtract_new(leads: Collection, expected: dict[str, int], read: MonthCounts) -> None:
    """Subtract the leads that were added after the list was read from those expected."""
    month = month_of(leads.now())
    current = day_of(month)[:7]
    _subtract(leads, expected, current, {"createdAt[gte]": to_bound(month)}, read.leads[current])


def _subtract_old(leads: Collection, expected: dict[str, int], since: Micros) -> None:
    """Subtract leads from before `since` that a time zone to the east counts in the next month."""
    first = next(iter(expected))
    low = from_month(first) - EAST
    if low < since:
        span = {"createdAt[gte]": to_bound(low), "createdAt[lt]": to_bound(since)}
        _subtract(leads, expected, first, span, 0)


def _subtract(
    leads: Collection, expected: dict[str, int], month: str, span: dict[str, str], known: int
) -> None:
    """Subtract the leads of a span, except `known` of them, from those expected in a month.

    The month is not compared if the API does not return how many leads there are.
    """
    if month in expected:
        total = leads.fetch(Query(order=Order.STABLE, cursor="any", filters=(span,))).total
        if total is None:
            del expected[month]
        else:
            expected[month] -= max(0, total - known)
