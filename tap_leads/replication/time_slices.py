"""Time slices: for lists that can be filtered by the cursor but not sorted by it.

Time is split into ranges of a few pages. Each range is scanned as one result set, and its rows are
sorted before they are emitted.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_leads.replication.behavior import ServerBehavior, open_set
from tap_leads.replication.errors import FilterIgnoredError
from tap_leads.replication.full_table import rows_of
from tap_leads.replication.model import Order, Query
from tap_leads.replication.output import Output
from tap_leads.replication.pagination import Offset, PageNumber, PositionPaginator
from tap_leads.replication.sliced_strategy import SlicedStrategy
from tap_leads.replication.splits import parts_at, spans_steps, without_new_rows
from tap_leads.replication.ties import OverlappingScan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_leads.replication.model import Chunk, Collection, Row
    from tap_leads.timestamps import Micros

_ALL = Query()
# Maximum full pages of a slice; another page may follow that is not full.
_SLICE_PAGES = 40
# Maximum full pages of a list that is read as one slice, though it grows while it is read.
_MOST_PAGES = 2 * _SLICE_PAGES
# Pages of a list to read before a request that shows if it is one slice or many.
_FIRST_PAGES = 3


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
        query = replace(query, order=Order.STABLE)
        first = _Slice(collection, query, behavior)
        if first.is_read():
            yield first.chunks()
            return
        until, now = query.until, collection.now()
        started, step = behavior.run_started or now, collection.traits.granularity
        query, ahead = without_new_rows(query, started, now, step)
        # They are read first and emitted last.
        last = [] if ahead.is_empty else [*_Slice(collection, ahead, behavior).chunks(until)]
        ranges = parts_at(replace(query, after=query.after or 0), first.starts)
        while ranges:
            found = _Slice(collection, query := ranges.pop(0), behavior)
            if starts := found.begin():
                ranges[:0] = parts_at(query, starts)
            else:
                # The last slice may reach beyond the bound, to the end of a step.
                yield found.chunks(until)
        yield iter(last)


def read_all(
    collection: Collection, query: Query = _ALL, behavior: ServerBehavior | None = None
) -> Iterator[Row]:
    """Yield every row of a list that can be filtered by its cursor, one time range at a time.

    If the API ignores the filter, the list is read by plain pagination: rows may then come twice,
    and rows outside the bounds of `query` are among them.

    Raises:
        IncompleteError: Rows exist that could not be read.
    """
    behavior = behavior or ServerBehavior(collection.traits)
    slices = TimeSlices().slices(collection, query, behavior, workers=1, null=True)
    try:
        for chunk in chain.from_iterable(slices):
            yield from chunk.rows
    except FilterIgnoredError:
        yield from rows_of(collection)


class _Slice:
    """A time range that is read as one result set, and emitted in cursor order."""

    starts: Sequence[Micros] = ()
    """Where to split the range, once a page of it has shown that."""

    def __init__(self, collection: Collection, query: Query, behavior: ServerBehavior) -> None:
        """Prepare to read the rows within the bounds of `query`."""
        self._collection, self._query, self._behavior = collection, query, behavior
        self._scan = OverlappingScan(collection, behavior)
        self._pages = self._scan.read(query, collection.traits.splits)
        self._rows: list[Row] = []

    @property
    def _has_more(self) -> bool:
        return self._scan.page is None or self._scan.page.has_more

    @property
    def _has_total(self) -> bool:
        return self._scan.page is not None and self._scan.page.total is not None

    @property
    def _is_far(self) -> bool:
        """True if the last page is far from the beginning of the list."""
        at = None if self._scan.page is None else self._scan.page.at
        most = _MOST_PAGES * self._collection.traits.page_size
        return isinstance(at, Offset | PageNumber) and at.start > most

    def is_read(self) -> bool:
        """Read the range; return False if it is too long for one slice.

        Raises:
            IncompleteError: Rows exist that could not be read.
            FilterIgnoredError: The API ignores the bounds.
        """
        for number, rows in enumerate(self._pages, 1):
            self._rows += rows
            # A list that changes while it is read fails the comparison with its size as a whole.
            if self._has_more and (self._has_total or self._is_far):
                return False
            if number == _FIRST_PAGES and self._has_more:
                self.starts = _starts(self._collection, self._query, self._behavior)
                if self.starts:
                    return False
        return True

    def begin(self) -> Sequence[Micros]:
        """Read the first page; return where to split the range if it is too long for one slice.

        Raises:
            IncompleteError: Rows exist that could not be read.
            FilterIgnoredError: The API ignores the bounds.
        """
        for rows in islice(self._pages, 1):
            self._rows += rows
        if self._has_more and spans_steps(self._query, self._collection.traits.granularity):
            self.starts = _starts(self._collection, self._query, self._behavior)
        return self.starts

    def chunks(self, until: Micros | None = None) -> Iterator[Chunk]:
        """Yield every row of the range in one chunk, up to `until`.

        Raises:
            IncompleteError: Rows exist that could not be read.
            FilterIgnoredError: The API ignores the bounds.
        """
        for rows in self._pages:
            self._rows += rows
        bounds = [each for each in (self._query.until, until) if each is not None]
        output = Output(self._behavior, self._query.after, min(bounds, default=None))
        if not self._scan.is_proven:
            output.freeze()
        rows = output.fresh(self._rows)
        rows.sort(key=lambda row: str(row.id))
        yield output.ordered(rows)


def _starts(collection: Collection, query: Query, behavior: ServerBehavior) -> Sequence[Micros]:
    """Return where to split a time range; nothing if it has few rows, or only ties.

    It is split at the median of a page some way into the list, so either side has at least half a
    page. If the list is sorted, in any direction, one side is a full slice; if not, the page is a
    sample of the whole range. If the page has only ties, they are a part of their own.
    """
    traits = collection.traits
    paginator = collection.paginator(traits.page_size, result_window=traits.result_window)
    if isinstance(paginator, PositionPaginator):
        pages = _SLICE_PAGES
        if traits.result_window is not None:
            pages = min(pages, traits.result_window // traits.page_size - 1)
        paginator.skip(pages * traits.page_size)
    page, _ = open_set(collection, behavior, query, paginator.position)
    behavior.check_bounds(page.rows, query)
    step = traits.granularity
    places = sorted(row.cursor // step for row in page.rows if row.cursor is not None)
    if not page.has_more or not places:
        return ()
    middle = places[len(places) // 2]
    starts = [middle, middle + 1] if places[0] == places[-1] else [middle]
    inside = parts_at(query, [start * step for start in starts])[1:]
    return [part.after for part in inside if part.after is not None]
