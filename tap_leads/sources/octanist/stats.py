"""Octanist's statistics of each month.

https://octanist.com/docs/api-reference/endpoint/stats
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_leads.errors import Code, LeadsError
from tap_leads.records.columns import Column
from tap_leads.records.convert import INTEGER, ISO_TIME, JSON, NUMBER, MisfitError, integer
from tap_leads.replication.full_table import rows_of
from tap_leads.replication.keyset import Keyset
from tap_leads.replication.model import Chunk, Order, Query, Row, Traits
from tap_leads.sources.base import Cursor, StreamSpec, spread
from tap_leads.sources.octanist.filters import to_bound
from tap_leads.sources.octanist.months import (
    EAST,
    MonthCounts,
    day_of,
    from_month,
    missing_by_month,
    month_of,
    next_month,
)
from tap_leads.timestamps import from_text, to_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_leads.replication.model import AccountLists, Bounds, Collection, Record
    from tap_leads.sources.base import Account
    from tap_leads.timestamps import Micros

_PARTS = ("usage", "leads", "conversion")
_COUNTS = "leads by month"
# The list of leads without the user's filters, for the date of the first lead.
_ALL_LEADS = StreamSpec(
    name="octanist_stats",
    path="/leads",
    columns=(),
    traits=Traits(page_size=100),
    params={"fields": "id,createdAt"},
)


@dataclass(frozen=True)
class _Leads:
    """How many leads of each month a run read.

    Attributes:
        since: All leads that were created since then are counted; None if only those are that
            changed since a bookmark, or before an end.
    """

    by_month: MonthCounts
    since: Micros | None

    @classmethod
    def of(cls, account: AccountLists) -> _Leads | None:
        """Return the leads that the run read before, if it did."""
        found: _Leads | None = account.shared.get(_COUNTS)
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
            account.shared[_COUNTS] = _Leads(counts, since if is_first else None)


class MonthlyStats:
    """Requests the statistics of one month after the other, and compares them with the leads."""

    prefetch: ClassVar[bool] = False  # it needs the leads that were read before

    def read(self, account: AccountLists, bounds: Bounds, workers: int) -> Iterator[Chunk | None]:
        """Yield a row for each month from the first one to the current one.

        A run with a bookmark reads the months of leads that changed, and the months since the
        bookmark. If it does not know the leads, it reads the month before the bookmark as well.

        Raises:
            LeadsError: The statistics of a month cannot be read.
        """
        del workers  # most runs read one month or two
        stats, leads = account.collection(), _Leads.of(account)
        month = month_of(_first(account) if bounds.after is None else bounds.after)
        expected: dict[str, int] = {}
        if bounds.bookmark_after is not None and leads is not None:
            month = month_of(bounds.bookmark_after + account.lookback)
            start = month_of(bounds.start or 0)
            for changed in map(from_month, sorted(leads.by_month.leads)):
                if start <= changed < month:
                    yield _chunk(stats, changed, expected)
        while month <= stats.now() and (bounds.until is None or month <= bounds.until):
            yield _chunk(stats, month, expected)
            month = next_month(month)
        if leads is not None and leads.since is not None:
            _compare(account, expected, leads.by_month, leads.since)


def _chunk(stats: Collection, month: Micros, expected: dict[str, int]) -> Chunk:
    """Return the row of a month, and set how many leads of it are expected to be listed."""
    # The API may reject dates in the future.
    last = min(next_month(month) - 1, max(month, stats.now()))
    period = {"period": "custom", "startDate": day_of(month), "endDate": day_of(last)}
    rows = stats.fetch(Query(filters=(period,))).rows
    if not rows:
        raise LeadsError("the API returned no statistics (HTTP 204)", code=Code.INVALID_RESPONSE)
    record = {**rows[0].record, "period_start": to_text(month)}
    count = _listed(record, period)
    if count is not None:
        expected[period["startDate"][:7]] = count
    return Chunk([Row(record, month, month)], [month], month)


def _first(account: AccountLists) -> Micros:
    """Return the date of the oldest lead; now, if there is none."""
    leads = account.collection(_ALL_LEADS)
    page = leads.fetch(Query(order=Order.STABLE, cursor="any"))
    dates = _dates(page.rows)
    if page.has_more and any(one > other for one, other in pairwise(dates)):
        # The API ignores the order, so that the oldest lead may be on any page.
        dates += _dates(rows_of(leads))
    return min([leads.now(), *dates])


def _dates(rows: Iterable[Row]) -> list[Micros]:
    dates = (from_text(row.record.get("createdAt")) for row in rows)
    return [date for date in dates if date is not None]


def _listed(record: Record, period: dict[str, str]) -> int | None:
    """Return how many leads of a month should be listed; None if that is not known.

    `usage` may be that of another period, such as one of the subscription.
    """
    usage = record.get("usage")
    if not isinstance(usage, dict):
        return None
    first, last = (str(usage.get(name) or "")[:10] for name in ("periodStart", "periodEnd"))
    beyond = day_of(next_month(from_month(period["startDate"][:7])))
    if first not in {"", period["startDate"]} or (last and not period["endDate"] <= last <= beyond):
        return None
    try:
        return integer(usage.get("leadsUsed")) - integer(usage.get("lockedLeads") or 0)
    except MisfitError:
        return None


def _compare(
    account: AccountLists, expected: dict[str, int], read: MonthCounts, since: Micros
) -> None:
    """Warn if the statistics have more leads than the list returned, in months after `since`."""
    expected = {month: count for month, count in expected.items() if from_month(month) >= since}
    if missing_by_month(expected, read):
        leads = account.collection(_ALL_LEADS)
        _leave_out_old(leads, expected, since)
        _leave_out_new(leads, expected, read)
    if missing := missing_by_month(expected, read):
        first = next(iter(missing))
        account.warn(
            f"the statistics count {sum(missing.values()):,} leads in {len(missing)} months, the "
            f"first of them {first}, that the API did not list and that are not locked: they were "
            "deleted or have expired, or the list is not complete",
            Code.LEADS_NOT_LISTED,
        )


def _leave_out_new(leads: Collection, expected: dict[str, int], read: MonthCounts) -> None:
    """Leave out the leads that were added after the list was read."""
    month = month_of(leads.now())
    current = day_of(month)[:7]
    _leave_out(leads, expected, current, {"createdAt[gte]": to_bound(month)}, read.leads[current])


def _leave_out_old(leads: Collection, expected: dict[str, int], since: Micros) -> None:
    """Leave out leads from before `since` that a time zone to the east counts in the next month."""
    first = next(iter(expected))
    low = from_month(first) - EAST
    if low < since:
        span = {"createdAt[gte]": to_bound(low), "createdAt[lt]": to_bound(since)}
        _leave_out(leads, expected, first, span, 0)


def _leave_out(
    leads: Collection, expected: dict[str, int], month: str, span: dict[str, str], known: int
) -> None:
    """Leave out of a month all leads of a span but those that are known."""
    if month in expected:
        total = leads.fetch(Query(order=Order.STABLE, cursor="any", filters=(span,))).total
        if total is None:
            del expected[month]
        else:
            expected[month] -= max(0, total - known)


def _fields(record: Record, _account: Account) -> dict[str, Any]:
    fields = {**record}
    for name in _PARTS:
        fields |= spread(name, fields.pop(name, None))
    return fields


def _body(body: Any) -> list[Record]:
    """Return the statistics in a response; fail if it has none of their parts."""
    data = body["data"]
    if not any(isinstance(data[part], dict) for part in _PARTS if part in data):
        raise TypeError
    return [data]


STATS = StreamSpec(
    name="octanist_stats",
    path="/stats",
    method="POST",
    primary_key=("account", "period_start"),
    identity=lambda _: "",  # `MonthlyStats` sets it
    replication_key=Cursor("period_start", from_text),
    strategy=MonthlyStats(),
    traits=Traits(page_size=1),
    records=_body,
    fields=_fields,
    optional=True,
    columns=(
        Column("period_start", ISO_TIME, "First moment of the month, in UTC."),
        Column(
            "usage_period_start",
            ISO_TIME,
            "Start of the period that the `leads_used` are counted in.",
            "usage.periodStart",
        ),
        Column("period_end", ISO_TIME, "End of that period.", "usage.periodEnd"),
        Column(
            "leads_used",
            INTEGER,
            "Number of leads of the period that count toward the plan.",
            "usage.leadsUsed",
        ),
        Column("leads_limit", INTEGER, "Number of leads in the plan.", "usage.leadsLimit"),
        Column(
            "locked_leads",
            INTEGER,
            "Number of leads beyond the plan, which are locked.",
            "usage.lockedLeads",
        ),
        Column("total", INTEGER, "Number of leads of the month.", "leads.total"),
        Column("by_status", JSON, "Number of leads of each status.", "leads.byStatus"),
        Column("by_source", JSON, "Number of leads of each source.", "leads.bySource"),
        Column(
            "qualified",
            INTEGER,
            "Number of leads that were qualified, including those won.",
            "conversion.qualified",
        ),
        Column(
            "qualification_rate",
            NUMBER,
            "Share of the leads that are no longer open, from 0 to 1.",
            "conversion.qualificationRate",
        ),
        Column(
            "win_rate",
            NUMBER,
            "Share of the qualified leads that were won, from 0 to 1.",
            "conversion.winRate",
        ),
        Column(
            "average_value",
            NUMBER,
            "Average value of the leads that were won, exact.",
            "conversion.averageValue",
        ),
        Column(
            "total_value",
            NUMBER,
            "Total value of the leads that were won, exact.",
            "conversion.totalValue",
        ),
    ),
)
