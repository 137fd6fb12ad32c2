"""One pass over rows that keep changing, in the order of their cursor: keyset pagination.

Paging by position loses rows when the list changes between two pages. Keyset pagination is
anchored by value: it requests the rows from a moment on, moves that moment to the last row it
got, and requests the first page again. Only rows that share one moment are read by position, and
those with a proof that none slipped through (`ties.py`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tap_leads.replication.behaviour import fetch, first_page, start_of
from tap_leads.replication.errors import FilterIgnoredError, PagingError
from tap_leads.replication.model import Order
from tap_leads.replication.output import Output
from tap_leads.replication.ties import OverlappingScan

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from tap_leads.replication.behaviour import ServerBehaviour
    from tap_leads.replication.model import Chunk, Collection, Page, Query
    from tap_leads.timestamps import Micros

_NEVER: Final = object()


class KeysetReader:
    """The rows of one list whose cursors lie from `query.after` to `query.until`."""

    def __init__(self, collection: Collection, query: Query, behaviour: ServerBehaviour) -> None:
        """Prepare to read; nothing is requested yet."""
        self._collection = collection
        self._query = query
        self._behaviour = behaviour
        self._output = Output(behaviour, query.after, query.until)
        self._ties = OverlappingScan(collection, behaviour)
        # The rows that the cursor stands on, and where the page that they came on began.
        self._anchors: dict[Hashable, Micros] = {}
        self._page_start: Micros | None = None

    def read(self, first: Page | None = None) -> Iterator[Chunk]:
        """Yield every row in the order of the cursor; `first` is the first page, where it is there.

        Raises:
            IncompleteError: rows are there that could not be reached.
            FilterIgnoredError: the API ignores the filter or the order.
        """
        step = span = self._collection.traits.granularity
        cursor, page = start_of(self._query.after, step), first
        while True:
            page = page or self._page_from(cursor)
            cursors = self._behaviour.checked(page.rows, cursor)
            yield self._output.ordered(self._output.fresh(page.rows))
            if not page.has_more:
                return
            if not cursors:
                raise PagingError("an empty page says that more leads follow")
            self._page_start = cursors[0] if page is first else cursor
            last = cursors[-1] - cursors[-1] % step
            if cursor is None or last > cursor:
                cursor, span = last, step
            else:
                block = replace(
                    self._query, after=cursor, until=cursor + span - 1, order=Order.STABLE
                )
                for rows in self._ties.read(block, self._collection.traits.splits):
                    yield self._output.ties(self._output.fresh(rows))
                cursor, span = cursor + span, span * 2
            until = self._query.until
            if (until is not None and cursor > until) or self._is_past_end(cursor):
                return
            self._output.forget(cursor)
            self._anchors = {
                row.id: row.cursor
                for row in page.rows
                if row.cursor is not None and row.cursor >= cursor
            }
            page = None

    def _page_from(self, cursor: Micros | None) -> Page:
        """Return the first page from `cursor` on, with one of the rows that the cursor stands on.

        Where that row does not come back it was changed meanwhile, or the API takes the bound for
        an exclusive one: from one step earlier its ties come in either case.
        """
        query = replace(self._query, after=cursor)
        if cursor is None or not self._anchors:
            return first_page(self._collection, self._behaviour, query)
        page = fetch(self._collection, self._behaviour, query)
        if self._came_back(page):
            self._behaviour.lower_is_exclusive = self._behaviour.lower_is_exclusive or False
            return page
        step = self._collection.traits.granularity
        earlier = replace(query, after=cursor - step)
        page = fetch(self._collection, self._behaviour, earlier, expect_rows=True)
        if self._came_back(page):
            self._behaviour.lower_is_exclusive = True
        else:
            query = replace(query, after=self._page_start)
            if self._is_unchanged(fetch(self._collection, self._behaviour, query)):
                raise FilterIgnoredError
        return page

    def _came_back(self, page: Page) -> bool:
        """Return True if a row of the moment that the cursor stands on is on a page."""
        step = self._collection.traits.granularity
        moments = {anchor // step for anchor in self._anchors.values()}
        return any(row.cursor is not None and row.cursor // step in moments for row in page.rows)

    def _is_unchanged(self, page: Page) -> bool:
        """Return True if such a row is as it was: then its own date does not find it."""
        return any(self._anchors.get(row.id, _NEVER) == row.cursor for row in page.rows)

    def _is_past_end(self, cursor: Micros) -> bool:
        """Return True if what follows was changed after the read began: the next run reads it.

        The clock shows it, and the newest row at the time when the clock was reached: where rows
        are dated ahead of the clock, that row is the only end there is.
        """
        behaviour = self._behaviour
        started = behaviour.run_started
        if started is None or not behaviour.has_started_before(cursor):
            return False
        if behaviour.newest_at_start is None:
            query = replace(self._query, after=started, until=None, order=Order.NEWEST)
            at = self._collection.paginator.first(1)
            newest = fetch(self._collection, behaviour, query, at)
            cursors = [row.cursor for row in newest.rows if row.cursor is not None]
            behaviour.newest_at_start = max([started, *cursors])
        return cursor > behaviour.newest_at_start
