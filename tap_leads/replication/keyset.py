"""Keyset slices: keyset pagination of several parts of a list at once.

A slice ends at a row some pages ahead. The page that found it is the first page of the next slice,
so no request is wasted and slices have equal size at any density. Each slice is read by keyset
pagination within its bounds, so it does not matter if rows move to other positions meanwhile.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_leads.replication.behavior import MAX_DELAY, fetch, first_page, request, start_of
from tap_leads.replication.errors import FilterIgnoredError
from tap_leads.replication.keyset_reader import KeysetReader
from tap_leads.replication.model import Chunk, Order
from tap_leads.replication.output import Output
from tap_leads.replication.pagination import OVERLAP, PositionPaginator
from tap_leads.replication.sliced_strategy import SlicedStrategy
from tap_leads.replication.ties import OverlappingScan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_leads.replication.behavior import ServerBehavior
    from tap_leads.replication.model import Collection, Page, Query
    from tap_leads.timestamps import Micros

# Pages of a slice per worker: while one worker looks for the next slice, which takes one request,
# the others must not run out of pages.
_PAGES = 2


class Keyset(SlicedStrategy):
    """Reads a list that can be filtered and sorted by its cursor."""

    @override
    def slices(
        self,
        collection: Collection,
        query: Query,
        behavior: ServerBehavior,
        *,
        workers: int,
        null: bool,
    ) -> Iterator[Iterator[Chunk]]:
        pages = _PAGES * workers if workers > 1 else 0
        start = start_of(query.after, collection.traits.granularity)
        first = first_page(collection, behavior, replace(query, after=start))
        # In turn, it is the first slice: nothing is emitted before the order is known.
        yield _checked(collection, behavior, replace(query, after=start), first)
        while True:
            following = _look_ahead(collection, query, behavior, first, pages)
            if following is None:
                break
            until, page = following
            yield KeysetReader(collection, replace(query, until=until), behavior).read(first)
            # One microsecond later: the previous slice contains all ties at its end.
            query, first = replace(query, after=until + 1), page
        yield KeysetReader(collection, query, behavior).read(first)
        if null:
            yield _without_cursor(collection, query, behavior)


def _checked(
    collection: Collection, behavior: ServerBehavior, query: Query, first: Page
) -> Iterator[Chunk]:
    """Yield nothing, once the API is known to sort rows by the cursor.

    Raises:
        FilterIgnoredError: The API ignores the sort order.
    """
    _check_order(collection, behavior, query, first)
    yield from ()


def _check_order(
    collection: Collection,
    behavior: ServerBehavior,
    query: Query,
    first: Page,
    *,
    is_repeated: bool = False,
) -> None:
    """Check that the API sorts rows by the cursor, if more follow the first page.

    The rows of a page can be in order by chance: then older rows could follow, and keyset
    pagination would skip them. In descending order the first row is the newest of all, or the API
    ignores the order. If all rows of the page are ties, there must be no older row.

    Raises:
        FilterIgnoredError: The API ignores the sort order.
    """
    placed = [row.cursor or 0 for row in behavior.placed(first.rows, query.after)]
    cursors = [cursor for cursor in placed if behavior.is_settled(cursor)]
    if not first.has_more or not cursors:
        return
    top = _newest(collection, behavior, query)
    if top is not None and top < cursors[-1]:
        if is_repeated:
            raise FilterIgnoredError
        # The newest rows may have been deleted since the first page was read.
        again = first_page(collection, behavior, query)
        _check_order(collection, behavior, query, again, is_repeated=True)
        return
    # A row that changed meanwhile may be the first one in any order.
    is_sorted = top is not None and top > cursors[0] and behavior.is_settled(top)
    if cursors[0] == cursors[-1] and not is_sorted:
        _check_ties(collection, behavior, query, cursors[0])


def _newest(collection: Collection, behavior: ServerBehavior, query: Query) -> Micros | None:
    """Return the cursor of the newest row of a query."""
    page = fetch(collection, behavior, replace(query, order=Order.NEWEST))
    return max((row.cursor for row in page.rows if row.cursor is not None), default=None)


def _check_ties(
    collection: Collection, behavior: ServerBehavior, query: Query, cursor: Micros
) -> None:
    """Check that no row is older than `cursor`, which all rows of the first page share.

    Raises:
        FilterIgnoredError: The API ignores the sort order, or the upper bound that would show it.
    """
    traits = collection.traits
    if traits.relative_bounds or traits.early_rows:
        return  # its bounds are not exact
    # If the upper bound is exclusive, the second request shows the rows of the step before.
    for until in (cursor - traits.granularity, cursor):
        page = request(collection, behavior, replace(query, until=until))
        for each in (row.cursor for row in page.rows if row.cursor is not None):
            # An older row may have appeared late, since the first page was read.
            is_early = each < cursor and behavior.is_settled(each + MAX_DELAY)
            if is_early or (each > until and behavior.is_settled(each)):
                raise FilterIgnoredError


def _look_ahead(
    collection: Collection, query: Query, behavior: ServerBehavior, first: Page, pages: int
) -> tuple[Micros, Page] | None:
    """Return the cursor to end a slice at, and the page that begins with that row.

    Return None if the list ends before that position, the position exceeds `result_window`, or
    the API ignores positions: the slice is then open-ended.
    """
    traits = collection.traits
    start = start_of(query.after, traits.granularity)
    placed = behavior.placed(first.rows, start)
    while pages and first.has_more and placed:
        # Each page repeats a few rows of the previous one. A slice is slightly smaller than its
        # pages, so that the last few rows do not take another page.
        rows = pages * max(1, traits.page_size - OVERLAP)
        window = traits.result_window
        if (window and rows + traits.page_size > window) or (
            first.total is not None and first.total <= rows
        ):
            return None
        paginator = collection.paginator(traits.page_size, result_window=window)
        if not isinstance(paginator, PositionPaginator):
            return None
        paginator.skip(rows)
        page = fetch(collection, behavior, replace(query, after=start), paginator.position)
        ahead = [row.cursor or 0 for row in behavior.placed(page.rows, start)]
        last = placed[-1].cursor or 0
        # An API may return rows beyond the bound.
        is_beyond = query.until is not None and bool(ahead) and ahead[0] >= query.until
        if is_beyond or not ahead or ahead[0] < last or behavior.is_after_start(ahead[0]):
            return None
        if ahead[0] < ahead[-1]:
            return ahead[0], page
        if not page.has_more:
            return None
        pages *= 2  # ties fill the page: end the slice at a later cursor
    return None


def _without_cursor(
    collection: Collection, query: Query, behavior: ServerBehavior
) -> Iterator[Chunk]:
    """Yield every row without a cursor, in no particular order."""
    output = Output(behavior, None, None)
    absent = replace(query, after=None, until=None, cursor="null", order=Order.STABLE)
    for rows in OverlappingScan(collection, behavior).read(absent, collection.traits.splits):
        fresh = output.fresh(rows)
        yield Chunk(fresh, [None] * len(fresh), None)
