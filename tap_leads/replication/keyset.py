"""Keyset slices: keyset pagination of several parts of a list at once.

A slice ends at a row that stands a few pages further on. Its page is requested by position, and is
the first page of the slice that follows: slices are as large as they should be however dense the
rows lie, and no page is requested in vain. Within its bounds each slice is read by keyset
pagination, so it does not matter whether that position is still the same by then.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_leads.replication.behaviour import fetch, first_page, start_of
from tap_leads.replication.keyset_reader import KeysetReader
from tap_leads.replication.model import Chunk, Order
from tap_leads.replication.output import Output
from tap_leads.replication.pagination import OVERLAP, PositionPaginator
from tap_leads.replication.sliced import SlicedStrategy
from tap_leads.replication.ties import OverlappingScan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_leads.replication.behaviour import ServerBehaviour
    from tap_leads.replication.model import Collection, Page, Query
    from tap_leads.timestamps import Micros

# Pages of a slice, for each worker: while one worker looks for the next slice, which takes one
# request, the others must not run out of pages.
_PAGES = 2


class Keyset(SlicedStrategy):
    """Reads a list that can be filtered and ordered by its cursor."""

    @override
    def slices(
        self,
        collection: Collection,
        query: Query,
        behaviour: ServerBehaviour,
        *,
        workers: int,
        null: bool,
    ) -> Iterator[Iterator[Chunk]]:
        pages = _PAGES * workers if workers > 1 else 0
        first: Page | None = None
        while True:
            start = start_of(query.after, collection.traits.granularity)
            first = first or first_page(collection, behaviour, replace(query, after=start))
            following = _look_ahead(collection, query, behaviour, first, pages)
            if following is None:
                break
            until, page = following
            yield KeysetReader(collection, replace(query, until=until), behaviour).read(first)
            # The next moment after it: the slice before has all rows that share its last one.
            query, first = replace(query, after=until + 1), page
        yield KeysetReader(collection, query, behaviour).read(first)
        if null:
            yield _without_cursor(collection, query, behaviour)


def _look_ahead(
    collection: Collection, query: Query, behaviour: ServerBehaviour, first: Page, pages: int
) -> tuple[Micros, Page] | None:
    """Return the cursor that a slice should end with, and the page that begins with that row.

    None where nothing is to be seen there: the end is near, or the API does not let anyone look
    that far, or it ignores the position. Then the slice has no end.
    """
    traits = collection.traits
    start = start_of(query.after, traits.granularity)
    placed = behaviour.placed(first.rows, start)
    while pages and first.has_more and placed:
        # A page brings a few rows of the one before once more: a slice is a little smaller than
        # its pages, or one more would be needed for the last few rows.
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
        page = fetch(collection, behaviour, replace(query, after=start), paginator.position)
        ahead = [row.cursor or 0 for row in behaviour.placed(page.rows, start)]
        last = placed[-1].cursor or 0
        if not ahead or ahead[0] < last or behaviour.has_started_before(ahead[0]):
            return None
        if ahead[0] < ahead[-1]:
            return ahead[0], page
        if not page.has_more:
            return None
        pages *= 2  # one moment fills the page: the slice ends where another follows
    return None


def _without_cursor(
    collection: Collection, query: Query, behaviour: ServerBehaviour
) -> Iterator[Chunk]:
    """Yield every row without a cursor, in no order."""
    output = Output(behaviour, None, None)
    absent = replace(query, after=None, until=None, cursor="null", order=Order.STABLE)
    for rows in OverlappingScan(collection, behaviour).read(absent, collection.traits.splits):
        fresh = output.fresh(rows)
        yield Chunk(fresh, [None] * len(fresh), None)
