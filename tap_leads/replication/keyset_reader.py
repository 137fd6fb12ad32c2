"""Keyset pagination: reads rows that keep changing, in cursor order.

Pagination by position loses rows if the list changes between two pages. Keyset pagination is
anchored by value: it requests the first page of rows from a cursor on, moves the cursor to the
last row received, and repeats. Only ties, rows that share a cursor, are read by position, in pages
whose overlap proves that no row was skipped (`ties.py`).
"""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Final

from tap_leads.replication.behavior import clock_at, fetch, first_page, start_of
from tap_leads.replication.errors import FilterIgnoredError, IncompleteError, PagingError
from tap_leads.replication.model import Order
from tap_leads.replication.output import Output
from tap_leads.replication.ties import OverlappingScan
from tap_leads.timestamps import SECOND

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from tap_leads.replication.behavior import ServerBehavior
    from tap_leads.replication.model import Chunk, Collection, Page, Query, Row
    from tap_leads.timestamps import Micros

_NEVER: Final = object()
# Maximum requests for a page whose rows all changed since the server selected it.
MAX_REPEATS = 20


class KeysetReader:
    """Reads the rows of one list with cursors from `query.after` to `query.until`."""

    def __init__(self, collection: Collection, query: Query, behavior: ServerBehavior) -> None:
        """Prepare to read; no request is sent yet."""
        self._collection = collection
        self._query = query
        self._behavior = behavior
        self._output = Output(behavior, query.after, query.until)
        self._ties = OverlappingScan(collection, behavior)
        # The rows at the cursor or after it, and the cursor at which their page began.
        self._anchors: dict[Hashable, Micros] = {}
        self._page_start: Micros | None = None

    def read(self, first: Page | None = None) -> Iterator[Chunk]:
        """Yield every row in cursor order; `first` is the first page if already fetched.

        Raises:
            IncompleteError: Rows exist that could not be read.
            FilterIgnoredError: The API ignores the filter or the sort order.
        """
        step = span = self._collection.traits.granularity
        cursor, page = start_of(self._query.after, step), first
        while True:
            page, placed = self._next(cursor, page)
            if not page.has_more:
                # Nothing follows the last page, so rows that changed meanwhile are emitted too.
                yield self._output.ordered(self._output.fresh(page.rows))
                return
            yield self._output.emit(placed)
            self._page_start = placed[0].cursor if page is first else cursor
            last = (placed[-1].cursor or 0) // step * step
            if cursor is None or last > cursor:
                cursor, span = last, step
            else:
                yield from self._read_ties(cursor, span)
                cursor, span = cursor + span, span * 2
            until = self._query.until
            started = self._behavior.run_started
            if (until is not None and cursor > until) or (
                started is not None and cursor > started and self._is_past_end(cursor, started)
            ):
                return
            self._output.edge = cursor - self._behavior.tolerance
            self._anchors = {
                row.id: row.cursor
                for row in placed
                if row.cursor is not None and row.cursor >= cursor
            }
            page = None

    def _next(self, cursor: Micros | None, page: Page | None) -> tuple[Page, Sequence[Row]]:
        """Return the page from `cursor` on and those of its rows that are in position.

        There is at least one such row, unless the page is the last one.

        The last rows of a page may have changed since the server selected it, and older rows may
        follow them. Only rows that have not changed since the request was sent, or that the
        previous response contained unchanged, show how far the list is read.

        Raises:
            IncompleteError: The rows change every time they are requested.
        """
        seen: dict[Hashable, Micros | None] = {}
        for repeats in range(MAX_REPEATS):
            sent = None if page else monotonic()
            page = page or self._page_from(cursor)
            placed = self._behavior.placed(page.rows, cursor)
            if not page.has_more:
                return page, placed
            settled = self._behavior.settled
            is_old = placed and settled is not None and (placed[-1].cursor or 0) < settled
            changing = range(0) if is_old else self._changing(sent)
            while placed and placed[-1].cursor in changing and not _is_in(seen, placed[-1]):
                placed.pop()
            if placed and (
                repeats or len(placed) == len(page.rows) or self._advances(placed, cursor)
            ):
                return page, placed
            seen, page = {row.id: row.cursor for row in page.rows}, None
        if not seen:
            raise PagingError("the API returned an empty page but reported more records")
        raise IncompleteError(
            "the records of a page changed every time it was read, so some may be missing; run the "
            "sync again"
        )

    def _changing(self, sent: float | None) -> range:
        """Return the cursors of rows that may have changed since the server selected their page.

        `sent` is the time of its request on the monotonic clock; None if it was fetched earlier.
        """
        now, start = self._collection.now(), self._behavior.settled or 0
        if sent is not None:
            start = max(start, clock_at(self._collection, sent))
        return range(start, now + SECOND + 1)

    def _advances(self, placed: Sequence[Row], cursor: Micros | None) -> bool:
        """Return True if these rows lead past `cursor`."""
        step = self._collection.traits.granularity
        return cursor is None or (placed[-1].cursor or 0) // step * step > cursor

    def _read_ties(self, cursor: Micros, span: Micros) -> Iterator[Chunk]:
        """Yield the rows of a time span that fills more than a page.

        Rows of one step of the filter are emitted page by page, however many there are; rows of
        several steps are collected and sorted by cursor.
        """
        step, splits = self._collection.traits.granularity, self._collection.traits.splits
        block = replace(self._query, after=cursor, until=cursor + span - 1, order=Order.STABLE)
        last: Micros | None = None
        found: list[Row] = []
        for rows in self._ties.read(block, splits):
            fresh = self._output.fresh(rows)
            if span == step:
                yield self._output.ties(fresh)
                last = max([last or 0, *(row.cursor or 0 for row in fresh)]) or None
            else:
                found += fresh
        if not self._ties.is_proven:
            self._output.freeze()
        yield self._output.ordered(found) if found else self._output.passed(last)

    def _page_from(self, cursor: Micros | None) -> Page:
        """Return the first page from `cursor` on that has the row at the cursor, or a tie of it.

        If that row is missing, it changed meanwhile or the bound is exclusive; requesting from one
        step earlier returns its ties in both cases.
        """
        behavior, query = self._behavior, replace(self._query, after=cursor)
        if cursor is None or not self._anchors:
            return first_page(self._collection, behavior, query)
        step = self._collection.traits.granularity
        moments = {anchor // step for anchor in self._anchors.values()}
        for _ in range(MAX_REPEATS):
            # Fast path: for nearly every page of a long list, there is nothing to widen or learn.
            upper_is_known = query.until is None or behavior.upper_is_inclusive
            if behavior.lower_is_exclusive is False and upper_is_known:
                page = self._collection.fetch(query)
            else:
                page = fetch(self._collection, behavior, query)
            if any(row.cursor is not None and row.cursor // step in moments for row in page.rows):
                if behavior.lower_is_exclusive is None and behavior.is_settled(cursor):
                    behavior.lower_is_exclusive = False
                return page
            if found := self._search(page, cursor, moments):
                return found
        raise FilterIgnoredError

    def _search(self, page: Page, cursor: Micros, moments: set[int]) -> Page | None:
        """Return the page to continue with although `page` lacks anchor rows; None to try again.

        Raises:
            FilterIgnoredError: An anchor row is unchanged, but a request from its own cursor on
                does not return it.
        """
        if page.has_more and page.rows and not _reaches(page, cursor):
            return page  # full of rows before the cursor, which the filter may also return
        behavior, step = self._behavior, self._collection.traits.granularity
        earlier = replace(self._query, after=cursor - step)
        wider = first_page(self._collection, behavior, earlier)
        if any(row.cursor is not None and row.cursor // step in moments for row in wider.rows):
            behavior.lower_is_exclusive = True
            return wider
        if wider.has_more and wider.rows and not _reaches(wider, cursor):
            return wider
        before = replace(self._query, after=self._page_start)
        there = fetch(self._collection, behavior, before)
        if not self._is_unchanged(there):
            return wider if wider.rows or not _reaches(there, cursor) else None
        if self._has_changed_rows(page) or self._has_changed_rows(wider):
            return None  # they may have preceded the missing row when the page was selected
        raise FilterIgnoredError

    def _has_changed_rows(self, page: Page) -> bool:
        """Return True if a page has rows that changed since the read began."""
        return any(
            row.cursor is not None and not self._behavior.is_settled(row.cursor)
            for row in page.rows
        )

    def _is_unchanged(self, page: Page) -> bool:
        """Return True if an anchor row is on the page, unchanged."""
        return any(self._anchors.get(row.id, _NEVER) == row.cursor for row in page.rows)

    def _is_past_end(self, cursor: Micros, started: Micros) -> bool:
        """Return True if all rows from `cursor` on changed after the read `started`.

        The next run reads them. The end of this run is `started` or, if rows are dated ahead of
        the server's clock, the newest row at the time when the cursor first passed `started`.
        """
        behavior = self._behavior
        if behavior.newest_at_start is None:
            query = replace(self._query, after=started, until=None, order=Order.NEWEST)
            newest = first_page(self._collection, behavior, query)
            cursors = [row.cursor for row in newest.rows if row.cursor is not None]
            behavior.newest_at_start = max([started, *cursors])
        return cursor > behavior.newest_at_start


def _is_in(seen: Mapping[Hashable, Micros | None], row: Row) -> bool:
    return seen.get(row.id, _NEVER) == row.cursor


def _reaches(page: Page, cursor: Micros) -> bool:
    return any(row.cursor is not None and row.cursor >= cursor for row in page.rows)
