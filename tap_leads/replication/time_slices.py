"""Time slices: for lists that can be filtered by the cursor but not sorted by it.

Time is split into ranges of a few pages. Each range is scanned as one result set, and its rows are
sorted before they are emitted.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_leads.replication.behavior import ServerBehavior, open_set, request
from tap_leads.replication.errors import FilterIgnoredError
from tap_leads.replication.full_table import rows_of
from tap_leads.replication.model import Order, Query
from tap_leads.replication.output import Output
from tap_leads.replication.pagination import PositionPaginator
from tap_leads.replication.sliced_strategy import SlicedStrategy
from tap_leads.replication.ties import OverlappingScan
from tap_leads.timestamps import MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_leads.replication.model import Chunk, Collection, Row
    from tap_leads.timestamps import Micros

_ALL = Query()
# Maximum full pages of a slice; another page may follow that is not full.
_SLICE_PAGES = 8
# How far ahead of the server's clock rows are dated that are not changes made during the read.
_AHEAD = MINUTE


class TimeSlices(SlicedStrategy):
    """Reads a list that cannot be sorted by its cursor, one time range at a time."""

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
        del workers, null  # the size of slices is fixed; every row has a cursor
        step = collection.traits.granularity
        first = _rows_if_one_page(collection, query, behavior)
        if first is not None:
            yield iter([_sorted(Output(behavior, query.after, query.until), first)])
            return
        until = query.until
        end = _next_step(behavior.run_started or collection.now(), step)
        if until is not None:
            end = min(_next_step(until, step), end)
        ahead = list(_dated_ahead(collection, query, behavior))
        ranges = [(query.after or 0, end)]
        while ranges:
            start, end = ranges.pop()
            query = replace(query, after=start, until=end - 1)
            middle = _middle(collection, query, behavior)
            if middle is None:
                # The last slice may reach beyond the bound, to the end of a step.
                last = end - 1 if until is None else min(end - 1, until)
                yield _read_slice(collection, query, Output(behavior, start, last), behavior)
            else:
                ranges += (middle, end), (start, middle)
        yield iter(ahead)


def read_all(collection: Collection, query: Query = _ALL) -> Iterator[Row]:
    """Yield every row of a list that can be filtered by its cursor, one time range at a time.

    If the API ignores the filter, the list is read by plain pagination: rows may then come twice,
    and rows outside the bounds of `query` are among them.

    Raises:
        IncompleteError: Rows exist that could not be read.
    """
    behavior = ServerBehavior(collection.traits)
    slices = TimeSlices().slices(collection, query, behavior, workers=1, null=True)
    try:
        for chunk in chain.from_iterable(slices):
            yield from chunk.rows
    except FilterIgnoredError:
        yield from rows_of(collection)


def _rows_if_one_page(
    collection: Collection, query: Query, behavior: ServerBehavior
) -> list[Row] | None:
    """Return all rows of a query if they fit on one page; an empty page is requested again."""
    query = replace(query, order=Order.STABLE)
    page, asked = open_set(collection, behavior, query)
    if not page.rows:
        page = request(collection, behavior, asked)
    behavior.check_bounds(page.rows, query)
    return None if page.has_more else list(page.rows)


def _dated_ahead(collection: Collection, query: Query, behavior: ServerBehavior) -> Iterator[Chunk]:
    """Yield the rows dated ahead of the server's clock: no later run may ever reach their dates.

    They are read first and emitted last. Rows that change during the read are not among them; the
    next run reads those.
    """
    start = _next_step(collection.now() + _AHEAD, collection.traits.granularity)
    if query.until is None or query.until >= start:
        output = Output(behavior, start, query.until)
        yield from _read_slice(collection, replace(query, after=start), output, behavior)


def _middle(collection: Collection, query: Query, behavior: ServerBehavior) -> Micros | None:
    """Return the cursor to split a time range at; None if it has few rows, or only ties.

    It is the median of a page some way into the list, so either side has at least half a page. If
    the list is sorted, in any direction, one side is a full slice; if not, the page is a sample of
    the whole range.
    """
    traits = collection.traits
    start, end = query.after or 0, (query.until or 0) + 1
    paginator = collection.paginator(traits.page_size, result_window=traits.result_window)
    if isinstance(paginator, PositionPaginator):
        paginator.skip(_SLICE_PAGES * traits.page_size)
    page, _ = open_set(collection, behavior, replace(query, order=Order.STABLE), paginator.position)
    cursors = sorted(row.cursor for row in page.rows if row.cursor is not None and row.cursor < end)
    if not page.has_more or not cursors:
        return None
    median = cursors[len(cursors) // 2]
    middle = max(median - median % traits.granularity, _next_step(start, traits.granularity))
    return middle if middle < end else None


def _read_slice(
    collection: Collection, query: Query, output: Output, behavior: ServerBehavior
) -> Iterator[Chunk]:
    """Yield every row of a time range that `output` takes in one chunk, in cursor order.

    Raises:
        IncompleteError: Rows exist that could not be read.
        FilterIgnoredError: The API ignores the bounds.
    """
    scan = OverlappingScan(collection, behavior)
    query = replace(query, order=Order.STABLE)
    found = [row for rows in scan.read(query, collection.traits.splits) for row in rows]
    if not scan.is_proven:
        output.freeze()
    yield _sorted(output, found)


def _sorted(output: Output, rows: list[Row]) -> Chunk:
    rows = output.fresh(rows)
    rows.sort(key=lambda row: str(row.id))
    return output.ordered(rows)


def _next_step(moment: Micros, step: Micros) -> Micros:
    """Return the next moment that the API's filter can distinguish from this one."""
    return moment - moment % step + step
