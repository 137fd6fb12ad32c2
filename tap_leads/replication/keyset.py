"""Keyset slices: keyset pagination of several parts of a list at once.

A slice ends at a row some pages ahead. The page that found it is the first page of the next slice,
so no request is wasted and slices have equal size at any density. Each slice is read by keyset
pagination within its bounds, so it does not matter if rows move to other positions meanwhile.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_leads.replication.behavior import fetch, first_page, start_of
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
        first: Page | None = None
        while True:
            start = start_of(query.after, collection.traits.granularity)
            first = first or first_page(collection, behavior, replace(query, after=start))
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
