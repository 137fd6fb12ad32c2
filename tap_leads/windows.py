"""Windows: a sweep cut into parts that are read at once.

A window ends at a lead that stands a few pages further on. Its page is asked for by position, and
is the first page of the window that follows: windows are as large as they should be however dense
the leads lie, and no page is asked for in vain. Within its bounds each window is read by a sweep
of its own, so it does not matter whether that position is still the same by then.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tap_leads.pagination import OVERLAP
from tap_leads.query import Query
from tap_leads.sweep import Learned, Sweep

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_leads.pagination import Page
    from tap_leads.query import Batch, Reader

# Pages of a window, for each thread: while one thread looks for the next window, which takes one
# request, the others must not run out of pages.
_PAGES = 2
# Full pages that a window with two ends has at most; the last one need not be full.
_CLOSED_PAGES = 8


_ALL = Query()


class Windows:
    """The leads of one account between inclusive instants, in parts for so many threads."""

    def __init__(
        self,
        source: Reader,
        low: int | None,
        high: int | None,
        *,
        threads: int,
        query: Query = _ALL,
    ) -> None:
        """Prepare to read what `query` asks for; nothing is asked yet."""
        self._source = source
        self._query = query
        self._low = low
        self._high = high
        self._pages = _PAGES * threads if threads > 1 else None
        self.learned = Learned(high_margin=source.tick)

    def all(self) -> Iterator[Iterator[Batch]]:
        """Each window's leads, in the order of their keys; at the end, leads without a key.

        Raises:
            IncompleteError: leads are there that could not be reached.
            FilterIgnoredError: the source ignores the bounds or the order.
        """
        sweep, first = self._sweep(self._low), None
        while True:
            first = first or sweep.page_from(sweep.start)
            following = self._look_ahead(sweep, first)
            if following is None:
                break
            sweep.high, page = following
            yield sweep.keyed(first)
            # The smallest instant behind it: the window before has all that share the lead's.
            sweep, first = self._sweep(sweep.high + 1), page
        yield sweep.keyed(first)
        if self._source.has_keyless:
            yield self._sweep(None).keyless()

    def closed(self) -> Iterator[Iterator[Batch]]:
        """Windows with two ends, for a source that cannot list leads by their key.

        Each is read whole. What fits on one page needs no windows.

        Raises:
            IncompleteError: leads are there that could not be reached.
            FilterIgnoredError: the source ignores the bounds.
        """
        whole = self._sweep(self._low)
        first = whole.first_of_all()
        if not first.more:
            yield whole.closed(first)
            return
        end = self._after(self.learned.ceiling or self._source.now())
        end = end if self._high is None else min(self._after(self._high), end)
        parts = [(self._low or 0, end)]
        while parts:
            low, end = parts.pop()
            middle = self._middle(low, end)
            if middle is None:
                yield self._sweep(low, end - 1).closed()
            else:
                parts += (middle, end), (low, middle)

    def _middle(self, low: int, end: int) -> int | None:
        """Where to cut leads from `low` until `end` in two; None if they are few, or one moment's.

        The median of a page some way down the list has half a page on either side at least. In a
        list that is in order, whichever that is, one side is a full window; in one that is not,
        the page is a sample of it all.
        """
        positions = self._source.positions(Query())
        positions.skip(_CLOSED_PAGES * self._source.page_size)
        query = replace(self._query, low=low, high=end - 1, whole=True)
        page = self._sweep(low).ask(query, positions)
        keys = sorted(key for key in map(self._source.key, page.records) if key is not None)
        if not page.more or not keys:
            return None
        median = keys[len(keys) // 2]
        middle = max(median - median % self._source.tick, self._after(low))
        return middle if middle < end else None

    def _after(self, instant: int) -> int:
        """The first instant that the source's filter can tell from this one."""
        return instant - instant % self._source.tick + self._source.tick

    def everything(self) -> Iterator[Batch]:
        """The same leads by plain paging, where bounds cannot be had."""
        return self._sweep(self._low).everything()

    def _sweep(self, low: int | None, high: int | None = None) -> Sweep:
        high = self._high if high is None else high
        return Sweep(self._source, low, high, self.learned, self._query)

    def _look_ahead(self, sweep: Sweep, first: Page) -> tuple[int, Page] | None:
        """The key that a window should end with, and the page that begins with that lead.

        None where nothing is to be seen there: the end is near, or the source does not let
        anyone look that far, or it takes no note of the position. Then the window has no end.
        """
        keys = sweep.checked_keys(first, sweep.start)
        pages = self._pages
        while pages and first.more and keys:
            # A page brings a few rows of the one before once more: a window is a little smaller
            # than its pages, or one more would be needed for the last few leads.
            rows = pages * max(1, self._source.page_size - OVERLAP)
            reach = self._source.reach
            if (reach and rows + self._source.page_size > reach) or (
                first.total is not None and first.total <= rows
            ):
                return None
            positions = self._source.positions(Query())
            positions.skip(rows)
            query = replace(self._query, low=sweep.start, high=self._high)
            page = sweep.ask(query, positions)
            ahead = sweep.checked_keys(page, sweep.start)
            if not ahead or ahead[0] < keys[-1] or sweep.is_past_ceiling(ahead[0]):
                return None
            if ahead[0] < ahead[-1]:
                return ahead[0], page
            if not page.more:
                return None
            pages *= 2  # one moment fills the page: the window ends where another follows
        return None
