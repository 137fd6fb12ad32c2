"""Octanist's statistics of each month.

https://octanist.com/docs/api-reference/endpoint/stats
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from tap_leads.errors import Code, LeadsError
from tap_leads.records.columns import Column
from tap_leads.records.convert import INTEGER, ISO_TIME, JSON, NUMBER, MisfitError, integer
from tap_leads.replication.full_table import rows_of
from tap_leads.replication.model import Chunk, Order, Query, Row, Traits
from tap_leads.sources.base import Cursor, StreamSpec, spread
from tap_leads.sources.octanist.comparison import ALL_LEADS, ReadLeads, compare
from tap_leads.sources.octanist.months import (
    day_of,
    from_month,
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


class MonthlyStats:
    """Requests the statistics of one month after the other, and compares them with the leads."""

    prefetch: ClassVar[bool] = False  # it needs the leads that were read before

    def read(self, account: AccountLists, bounds: Bounds, workers: int) -> Iterator[Chunk | None]:
        """Yield a row for each month.

        Raises:
            LeadsError: The statistics of a month cannot be read.
        """
        del workers  # most runs read one month or two
        stats, leads = account.collection(), ReadLeads.of(account)
        expected: dict[str, int] = {}
        for month in _months(account, stats, bounds, leads):
            # The API may reject dates in the future.
            last = min(next_month(month) - 1, max(month, stats.now()))
            period = {"period": "custom", "startDate": day_of(month), "endDate": day_of(last)}
            row = _row(stats, month, period)
            count = _listed(row.record, period)
            if count is not None:
                expected[period["startDate"][:7]] = count
            yield Chunk([row], [month], month)
        if leads is not None:
            compare(account, expected, leads)


def _months(
    account: AccountLists, stats: Collection, bounds: Bounds, leads: ReadLeads | None
) -> Iterator[Micros]:
    """Yield the months to read, up to the current one.

    A run with a bookmark reads the months of leads that changed, and the months since the bookmark.
    If it does not know which leads changed, it reads the month before the bookmark as well.
    """
    month = month_of(_first(account) if bounds.after is None else bounds.after)
    if bounds.bookmark_after is not None and leads is not None:
        month = month_of(bounds.bookmark_after + account.lookback)
        start = month_of(bounds.start or 0)
        for changed in map(from_month, sorted(leads.by_month.leads)):
            if start <= changed < month:
                yield changed
    while month <= stats.now() and (bounds.until is None or month <= bounds.until):
        yield month
        month = next_month(month)


def _row(stats: Collection, month: Micros, period: dict[str, str]) -> Row:
    """Return the statistics of a month."""
    rows = stats.fetch(Query(filters=(period,))).rows
    if not rows:
        raise LeadsError("the API returned no statistics (HTTP 204)", code=Code.INVALID_RESPONSE)
    return Row({**rows[0].record, "period_start": to_text(month)}, month, month)


def _first(account: AccountLists) -> Micros:
    """Return the date of the oldest lead; now, if there is none."""
    leads = account.collection(ALL_LEADS)
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
