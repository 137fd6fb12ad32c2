"""What one read observes of its API, and requests that are widened by it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import TYPE_CHECKING

from tap_leads.replication.errors import FilterIgnoredError
from tap_leads.replication.model import Order, Page, Query
from tap_leads.timestamps import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tap_leads.replication.model import Collection, Row, Traits
    from tap_leads.replication.positions import Position
    from tap_leads.timestamps import Micros


@dataclass(slots=True)
class ServerBehaviour:
    """What the requests of one read have shown of the API; shared by its workers."""

    traits: Traits
    lower_is_exclusive: bool | None = None
    """True if rows on the lower bound are left out; None: not known yet."""
    upper_is_inclusive: bool = False
    """True once a row on an upper bound was returned."""
    run_started: Micros | None = None
    """The server's clock when the read began: a later bookmark would skip changes."""
    settled: Micros | None = None
    """Rows with an older cursor have not changed since the first request was sent."""
    newest: Micros | None = None
    """The cursor of the newest row seen."""
    newest_at_start: Micros | None = None
    """The cursor of the newest row that was there when `run_started` was reached."""

    tolerance: Micros = field(init=False)
    """How far outside of the bounds a row may lie that was asked for."""

    def __post_init__(self) -> None:
        """Work out the tolerance."""
        self.tolerance = 2 * self.traits.granularity + self.traits.early_rows

    def widen(self, query: Query) -> Query:
        """Return the query with bounds that are a step wider where they may be exclusive.

        The upper bound is a step wider until a row on that step shows it to be inclusive: what
        the lower one is says nothing about it.
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
        """Return True if this page is the first to show that upper bounds are inclusive."""
        if asked.until is None or self.upper_is_inclusive:
            return False
        step = self.traits.granularity
        last = asked.until // step
        if any(
            row.cursor is not None and row.cursor // step == last and self.is_settled(row.cursor)
            for row in page.rows
        ):
            self.upper_is_inclusive = True
            return True
        return False

    def has_started_before(self, cursor: Micros) -> bool:
        """Return True if the server's clock had not reached `cursor` when the read began."""
        return self.run_started is not None and cursor > self.run_started

    def is_settled(self, cursor: Micros) -> bool:
        """Return True if a row with this cursor has not changed since the read began.

        Only such a row proves that filter or order are ignored. A server may choose the rows of a
        page, and read them later: one that was edited in between is newer than its place.
        """
        return self.settled is None or cursor < self.settled

    def placed(self, rows: Sequence[Row], after: Micros | None) -> list[Row]:
        """Return the rows of a page that stand at their place, in the order of their cursors.

        Rows that changed since the server chose the page are newer than rows that follow them. They
        are left out: each comes again at its new place.

        Raises:
            FilterIgnoredError: rows are older than `after`, or rows that did not change since the
                read began are out of order.
        """
        previous = last = least = -math.inf if after is None else after - self.tolerance
        settled = math.inf if self.settled is None else self.settled
        is_in_order = True
        # Each row passes here: no call for one.
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
        """Check that rows lie within the bounds that were asked for, or very near.

        Raises:
            FilterIgnoredError: they do not, and did not leave them since the read began.
        """
        for row in rows:
            if row.cursor is None:
                continue
            is_early = query.after is not None and row.cursor < query.after - self.tolerance
            is_late = query.until is not None and row.cursor > query.until + self.tolerance
            if is_early or (is_late and self.is_settled(row.cursor)):
                raise FilterIgnoredError


def _in_place(rows: Sequence[Row]) -> list[Row]:
    """Return the rows that are no newer than any row that follows them."""
    placed: list[Row] = []
    following = math.inf
    for row in reversed(rows):
        if row.cursor is not None and row.cursor <= following:
            following = row.cursor
            placed.append(row)
    placed.reverse()
    return placed


def request(
    collection: Collection,
    behaviour: ServerBehaviour,
    asked: Query,
    at: Position | None = None,
) -> Page:
    """Return one page of a query whose bounds are widened already."""
    sent = monotonic()
    page = collection.fetch(asked, at)
    if behaviour.run_started is None:
        # The server's clock may be known by its first answer only. It shows whole seconds, and so
        # may the cursors.
        now, passed = collection.now(), int((monotonic() - sent) * SECOND)
        behaviour.settled = now - passed - SECOND
        behaviour.run_started = now
    return page


def fetch(
    collection: Collection,
    behaviour: ServerBehaviour,
    query: Query,
    at: Position | None = None,
) -> Page:
    """Return a page of a query in the order of the cursor: the first one, or the one at `at`."""
    asked = behaviour.widen(query)
    page = request(collection, behaviour, asked, at)
    behaviour.observe(page, asked)
    return page


def open_set(
    collection: Collection, behaviour: ServerBehaviour, query: Query, at: Position | None = None
) -> tuple[Page, Query]:
    """Return a page of a result set, and the bounds that all its other pages are requested with.

    A result set is the same one from its first page to its last, whatever is observed meanwhile.
    """
    asked = behaviour.widen(query)
    page = request(collection, behaviour, asked, at)
    if behaviour.observe(page, asked) and page.has_more:  # a smaller set will do
        asked = behaviour.widen(query)
        page = request(collection, behaviour, asked, at)
        behaviour.observe(page, asked)
    return page, asked


def first_page(collection: Collection, behaviour: ServerBehaviour, query: Query) -> Page:
    """Return the first page from `query.after` on; an empty one may be wrong and is repeated."""
    page = fetch(collection, behaviour, query)
    return page if page.rows else fetch(collection, behaviour, query)


def start_of(after: Micros | None, granularity: Micros) -> Micros | None:
    """Return the bound to start from: a step early, as the bound may be exclusive."""
    return None if after is None else after - after % granularity - granularity
