"""Lists that an API sorts by the cursor, newest first, and that it can neither filter nor re-sort.

A row that changes moves to the front. A read walks from the front to the first row that is older
than its lower bound, then returns to the front for the rows that moved there meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tap_leads.replication.behavior import ServerBehavior, request
from tap_leads.replication.errors import IncompleteError, PagingError
from tap_leads.replication.full_table import warn_of_full_scan
from tap_leads.replication.model import Bounds, Chunk, Order, Query
from tap_leads.replication.output import Output
from tap_leads.replication.readahead import in_background
from tap_leads.replication.scan import MIN_ORDERED_ROWS
from tap_leads.replication.ties import MAX_SCANS
from tap_leads.replication.walk import MAX_IDLE_PAGES
from tap_leads.timestamps import SECOND

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from tap_leads.replication.model import AccountLists, Collection, Page, Row
    from tap_leads.timestamps import Micros

_ALL = Query(order=Order.STABLE, cursor="any")


class NewestFirst:
    """Reads a list that is sorted by its cursor, newest first, with a token for each next page.

    The bookmark moves only at the end, as older rows follow until then.
    """

    prefetch: ClassVar[bool] = False

    def read(self, account: AccountLists, bounds: Bounds, workers: int) -> Iterator[Chunk | None]:
        """Yield the rows within the bounds, newest first.

        Raises:
            IncompleteError: Rows may be missing.
        """
        del workers  # each page depends on the previous one
        yield from in_background(newest_first(account, bounds))


def newest_first(
    account: AccountLists, bounds: Bounds, collection: Collection | None = None
) -> Iterator[Chunk]:
    """Yield the rows of a list within the bounds, by default of the account's own list.

    Raises:
        IncompleteError: Rows may be missing.
    """
    yield from _Reader(account, bounds, collection or account.collection()).read()


def pages_of(
    collection: Collection, behavior: ServerBehavior, query: Query = _ALL
) -> Iterator[Page]:
    """Yield the pages of a list that is paged by tokens.

    An empty page that should be the last one may be wrong, and is requested a second time.

    Raises:
        PagingError: The tokens do not lead to an end.
    """
    paginator = collection.paginator(collection.traits.page_size)
    seen: set[Hashable] = set()
    idle = 0
    while not paginator.finished:
        page = request(collection, behavior, query, paginator.position)
        if not page.rows and not page.has_more:
            page = request(collection, behavior, query, paginator.position)
        yield page
        before = len(seen)
        seen.update(row.id for row in page.rows)
        idle = 0 if len(seen) > before else idle + 1
        if idle > MAX_IDLE_PAGES:
            raise PagingError("the API returned pages without end (pagination loop)")
        paginator.advance(page)


class _Reader:
    def __init__(self, account: AccountLists, bounds: Bounds, collection: Collection) -> None:
        self._account = account
        self._collection = collection
        self._after = bounds.after
        self._behavior = ServerBehavior(collection.traits)
        self._output = Output(self._behavior, bounds.after, bounds.until)
        self._watermark: Micros | None = None
        self._is_sorted = True

    def read(self) -> Iterator[Chunk]:
        walked = 0
        order = _Order()
        for page in pages_of(self._collection, self._behavior):
            walked += 1
            yield self._chunk(page.rows)
            if self._is_sorted and not order.holds(page.rows, self._settled):
                self._is_sorted = False
                warn_of_full_scan(self._account, self._collection.traits)
            if self._is_sorted and self._after is not None and order.has_passed(self._after):
                break
        if not self._is_sorted:
            yield from self._scan_again()
        elif walked > 1:
            yield from self._catch_up()
        yield Chunk((), (), self._watermark)

    @property
    def _settled(self) -> Micros:
        """Return the moment before which rows have certainly not changed during the read.

        A row that changed shortly before may still be listed at its old place.
        """
        return (self._behavior.settled or 0) - self._account.lookback

    def _catch_up(self) -> Iterator[Chunk]:
        """Yield the rows that moved to the front since it was read.

        All rows after one that has not moved since then are known. Rows that move meanwhile are
        newer than the bookmark, so the next run reads them if the front does not come to rest.
        """
        started = self._behavior.settled or 0
        for _ in range(MAX_SCANS):
            walked = found = 0
            for page in pages_of(self._collection, self._behavior):
                chunk = self._chunk(page.rows)
                yield chunk
                walked, found = walked + 1, found + len(chunk.rows)
                # A known row may have moved as well, after its page was chosen.
                if any((row.cursor or 0) < started for row in page.rows):
                    break
            if walked <= 1 or not found:
                return

    def _scan_again(self) -> Iterator[Chunk]:
        """Yield the rows of a list without order that earlier scans missed, until none is found.

        Raises:
            IncompleteError: Each scan found more rows.
        """
        for _ in range(MAX_SCANS):
            found = False
            for page in pages_of(self._collection, self._behavior):
                chunk = self._chunk(page.rows)
                yield chunk
                found |= any(row.cursor is None or row.cursor < self._settled for row in chunk.rows)
            if not found:
                return
        raise IncompleteError(
            "the API keeps changing the order of records, so some may be missing; run the sync "
            "again"
        )

    def _chunk(self, rows: Sequence[Row]) -> Chunk:
        fresh = self._output.fresh(rows)
        for row in fresh:
            self._watermark = self._output.advanced(row.cursor, self._watermark)
        return Chunk(fresh, [None] * len(fresh), None)


class _Order:
    """The order in which a walk saw the rows."""

    def __init__(self) -> None:
        self._previous: Micros | None = None
        self._last: Micros | None = None
        self._falls = False
        self._count = 0

    def holds(self, rows: Sequence[Row], settled: Micros) -> bool:
        """Return False if rows that did not change during the walk are not sorted newest first.

        Cursors may be finer than the order by up to a second.
        """
        for row in rows:
            cursor = row.cursor
            if cursor is None:
                continue
            self._falls |= self._previous is not None and cursor < self._previous
            self._previous = cursor
            self._count += 1
            if cursor < settled:
                if self._last is not None and cursor > self._last + SECOND:
                    return False
                self._last = cursor if self._last is None else min(cursor, self._last)
        return True

    def has_passed(self, after: Micros) -> bool:
        """Return True if only older rows follow.

        A few rows may be in order by chance, and equal cursors show no order.
        """
        is_shown = self._falls and self._count >= MIN_ORDERED_ROWS
        return is_shown and self._last is not None and self._last < after - SECOND
