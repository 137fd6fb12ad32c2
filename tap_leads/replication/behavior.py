"""What a read learns about its API, and requests with bounds widened accordingly.

The APIs do not document whether bounds are inclusive, and an account may ignore the filter or the
sort order. Only the returned pages show this.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import TYPE_CHECKING

from tap_leads.replication.errors import FilterIgnoredError
from tap_leads.replication.model import Order, Page, Query
from tap_leads.timestamps import MINUTE, SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tap_leads.replication.model import Collection, Row, Traits
    from tap_leads.replication.positions import Position
    from tap_leads.timestamps import Micros

MAX_DELAY = 5 * MINUTE
"""How late rows may appear in a list: the default lookback."""


@dataclass(slots=True)
class ServerBehavior:
    """Facts about the API that the pages of one read have shown; shared by its workers."""

    traits: Traits
    lower_is_exclusive: bool | None = None
    """True if rows exactly on the lower bound are left out; None if not known yet."""
    upper_is_inclusive: bool = False
    """True once a row on an upper bound was returned."""
    run_started: Micros | None = None
    """The server's clock when the read began; a later bookmark would skip changes."""
    settled: Micros | None = None
    """Rows with an older cursor have not changed since the first request was sent."""
    newest: Micros | None = None
    """The cursor of the newest row seen."""
    newest_at_start: Micros | None = None
    """The cursor of the newest row when the read first passed `run_started`."""
    has_moving_ties: bool = False
    """True once rows with the same cursor came in another order in a list sorted by it."""
    is_shuffled: bool = False
    """True once pages of a list without a sort order did not overlap, wherever they began."""

    tolerance: Micros = field(init=False)
    """How far a row may lie outside the requested bounds without proving that the filter is
    ignored."""

    def __post_init__(self) -> None:
        """Compute the tolerance."""
        self.tolerance = 2 * self.traits.granularity + self.traits.early_rows

    def widen(self, query: Query) -> Query:
        """Return the query with each bound that may be exclusive widened by one step.

        The upper bound is widened until a row on that step shows that it is inclusive. The two
        bounds are learned separately.
        """
        step = self.traits.granularity
        is_exclusive = self.lower_is_exclusive
        if is_exclusive is None:
            is_exclusive = query.order is Order.STABLE
        after, until = query.after, query.until
        if after is not None and is_exclusive:
            after -= step
        if until is not None and not self.upper_is_inclusive:
            until += step
        return replace(query, after=after, until=until)

    def observe(self, page: Page, asked: Query) -> bool:
        """Learn from a page; return True if it is the first to show that a bound is inclusive.

        Only the lower bounds of lists that cannot be sorted are learned here.
        """
        lower, upper = self.lower_is_exclusive, self.upper_is_inclusive
        self.upper_is_inclusive = upper or self._has_row_on(asked.until, page)
        traits = self.traits
        if lower is None and not (traits.sortable or traits.early_rows or traits.relative_bounds):
            self.lower_is_exclusive = False if self._has_row_on(asked.after, page) else None
        return (lower, upper) != (self.lower_is_exclusive, self.upper_is_inclusive)

    def _has_row_on(self, bound: Micros | None, page: Page) -> bool:
        """Return True if a row of a page lies on the step of a bound."""
        if bound is None:
            return False
        step = self.traits.granularity
        place = bound // step
        return any(
            row.cursor is not None and row.cursor // step == place and self.is_settled(row.cursor)
            for row in page.rows
        )

    def is_after_start(self, cursor: Micros) -> bool:
        """Return True if the read began before `cursor`, by the server's clock."""
        return self.run_started is not None and cursor > self.run_started

    def is_settled(self, cursor: Micros) -> bool:
        """Return True if a row with this cursor has not changed since the read began.

        Only such a row proves that the filter or sort order is ignored. A server may select the
        rows of a page first and load them later: a row that was edited in between is newer than
        its position on the page.
        """
        return self.settled is None or cursor < self.settled

    def is_open(self, query: Query) -> bool:
        """Return True if the bounds extend into this run, so that the set may grow."""
        return query.until is None or not self.is_settled(query.until)

    def placed(self, rows: Sequence[Row], after: Micros | None) -> list[Row]:
        """Return the rows of a page that are in position, in cursor order.

        A row that was edited after the server selected the page is newer than the rows after it.
        It is left out here, because the API returns it again at its new position.

        Raises:
            FilterIgnoredError: A row is older than `after`, or rows that have not changed since
                the read began are out of order.
        """
        previous = last = least = -math.inf if after is None else after - self.tolerance
        settled = math.inf if self.settled is None else self.settled
        is_in_order = True
        # Hot loop: no function call per row.
        for row in rows:
            cursor = row.cursor
            if cursor is None or cursor < least or (cursor < settled and cursor < last):
                raise FilterIgnoredError
            is_in_order = is_in_order and cursor >= previous
            previous = cursor
            if cursor < settled:
                last = cursor
        placed = list(rows) if is_in_order else _in_place(rows)
        self.newest = max([self.newest or 0, *(row.cursor or 0 for row in placed[-1:])])
        return placed

    def check_bounds(self, rows: Iterable[Row], query: Query) -> None:
        """Check that rows lie within the requested bounds, allowing for the tolerance.

        Raises:
            FilterIgnoredError: A row is too old, or is too new although it has not changed since
                the read began.
        """
        for row in rows:
            if row.cursor is None:
                continue
            is_early = query.after is not None and row.cursor < query.after - self.tolerance
            is_late = query.until is not None and row.cursor > query.until + self.tolerance
            if is_early or (is_late and self.is_settled(row.cursor)):
                raise FilterIgnoredError


def _in_place(rows: Sequence[Row]) -> list[Row]:
    """Return the rows that are no newer than any row after them."""
    placed: list[Row] = []
    following = math.inf
    for row in reversed(rows):
        if row.cursor is not None and row.cursor <= following:
            following = row.cursor
            placed.append(row)
    placed.reverse()
    return placed


def clock_at(collection: Collection, moment: float) -> Micros:
    """Return the server's clock at a moment of the local monotonic clock, or up to 2 s earlier.

    The server's clock has a resolution of one second, and so may cursors.
    """
    return collection.now() - int((monotonic() - moment) * SECOND) - SECOND


def request(
    collection: Collection,
    behavior: ServerBehavior,
    asked: Query,
    at: Position | None = None,
) -> Page:
    """Return one page of a query whose bounds are already widened."""
    sent = monotonic()
    page = collection.fetch(asked, at)
    if behavior.run_started is None:
        # The server's clock may be unknown before the first response. Other workers may read
        # `settled` once `run_started` is set.
        behavior.settled = clock_at(collection, sent)
        behavior.run_started = collection.now()
    return page


def fetch(
    collection: Collection,
    behavior: ServerBehavior,
    query: Query,
    at: Position | None = None,
) -> Page:
    """Return a page of a query in cursor order: the first page, or the page at `at`."""
    asked = behavior.widen(query)
    page = request(collection, behavior, asked, at)
    behavior.observe(page, asked)
    return page


def open_set(
    collection: Collection, behavior: ServerBehavior, query: Query, at: Position | None = None
) -> tuple[Page, Query]:
    """Return a page of a result set, and the widened query for all its other pages.

    All pages of a result set are requested with the same bounds, whatever is learned meanwhile.
    """
    asked = behavior.widen(query)
    page = request(collection, behavior, asked, at)
    if behavior.observe(page, asked) and page.has_more:  # narrower bounds suffice
        asked = behavior.widen(query)
        page = request(collection, behavior, asked, at)
        behavior.observe(page, asked)
    return page, asked


def first_page(collection: Collection, behavior: ServerBehavior, query: Query) -> Page:
    """Return the first page from `query.after` on; an empty page is requested a second time.

    An API may return an empty page although there are rows (apis/kommo.md 5).
    """
    page = fetch(collection, behavior, query)
    return page if page.rows else fetch(collection, behavior, query)


def start_of(after: Micros | None, granularity: Micros) -> Micros | None:
    """Return the bound to start from: one step early, as the bound may be exclusive."""
    return None if after is None else after - after % granularity - granularity
