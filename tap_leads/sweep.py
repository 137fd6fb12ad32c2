"""One pass over leads that keep changing, in the order of their replication key.

Paging by position loses leads when the list changes between two pages. A sweep is anchored by
value: it asks for the leads from a moment on, moves that moment to the last lead it got, and asks
again for the first page. Only leads that share one moment (or have none) are read by position,
and those with a proof that none slipped through.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tap_leads.errors import PagingError
from tap_leads.query import Batch, FilterIgnoredError, Query
from tap_leads.sets import SetReader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_leads.pagination import Page, Paginator, Record
    from tap_leads.query import Reader


_ALL = Query()


@dataclass(slots=True)
class Learned:
    """What the sweeps of one run have learned of their source."""

    high_margin: int
    """How far an upper bound is widened because the source may take it for exclusive."""
    margin: int | None = None
    """How far a lower bound is widened for that; None: unknown."""
    ceiling: int | None = None
    """The source's clock when the run began: a bookmark behind it would hide what changes since."""
    newest: int | None = None
    """The moment of the newest lead seen."""
    end: int | None = None
    """The moment of the newest lead that was there when the clock was passed."""


class Sweep:
    """The walk over the leads of one account whose keys lie from `low` to `high`."""

    def __init__(
        self,
        source: Reader,
        low: int | None,
        high: int | None,
        learned: Learned,
        query: Query = _ALL,
    ) -> None:
        """Prepare to read what `query` asks of `source` between inclusive instants."""
        self._source = source
        self._query = query
        self._low = low
        self.high = high
        self._learned = learned
        self._sets = SetReader(source, self.ask, self._fresh)
        self._mark: int | None = None
        self._is_closed = False
        self._widened = query, query
        # What was handed on near the cursor: bounds are inclusive, so it comes again.
        self._emitted: dict[Any, int | None] = {}
        # The rows that the cursor stands on, and where the page that they came on began.
        self._anchors: dict[Any, int] = {}
        self._came_from: int | None = None

    @property
    def start(self) -> int | None:
        """Where to begin to ask: a step early, as the bound may be exclusive."""
        tick = self._source.tick
        return None if self._low is None else self._low - self._low % tick - tick

    def keyed(self, first: Page | None = None) -> Iterator[Batch]:
        """Every lead with a key, in its order; `first` is the page from `start` where it is there.

        Raises:
            IncompleteError: leads are there that could not be reached.
            FilterIgnoredError: the source ignores the bounds or the order.
        """
        tick = span = self._source.tick
        cursor, page = self.start, first
        while True:
            page = page or self.page_from(cursor)
            keys = self.checked_keys(page, cursor)
            yield self._batch(self._fresh(page.records, keys))
            if not page.more:
                return
            if not keys:
                raise PagingError("an empty page says that more leads follow")
            self._came_from = keys[0] if page is first else cursor
            last = keys[-1] - keys[-1] % tick
            if cursor is None or last > cursor:
                cursor, span = last, tick
            else:
                block = replace(self._query, low=cursor, high=cursor + span - 1, whole=True)
                for rows in self._sets.read(block, self._source.cuts):
                    yield Batch(rows, [self._mark] * len(rows), self._mark)
                cursor, span = cursor + span, span * 2
            if (self.high is not None and cursor > self.high) or self._is_past_end(cursor):
                return
            self._forget(cursor)
            rows_and_keys = zip(page.records, keys, strict=True)
            anchors = (pair for pair in rows_and_keys if pair[1] >= cursor)
            self._anchors = {self._source.identity(row): key for row, key in anchors}
            page = None

    def first_of_all(self) -> Page:
        """The first page of all that is between the bounds; an empty one is asked for again.

        Raises:
            FilterIgnoredError: the source ignores the bounds.
        """
        self._is_closed = True
        query = replace(self._query, low=self._low, high=self.high, whole=True)
        page = self.ask(query)
        return page if page.records else self.ask(query)

    def closed(self, first: Page | None = None) -> Iterator[Batch]:
        """Every lead between the bounds, where the source cannot list them by key: read whole.

        `first` is a page that has all of them, where it is there.

        Raises:
            IncompleteError: leads are there that could not be reached.
            FilterIgnoredError: the source ignores the bounds.
        """
        self._is_closed = True
        found: list[tuple[Record, int | None]] = []
        if first is not None:
            found += self._fresh(first.records, [self._source.key(row) for row in first.records])
        else:
            query = replace(self._query, low=self._low, high=self.high, whole=True)
            for rows in self._sets.read(query, self._source.cuts):
                found += [(row, self._source.key(row)) for row in rows]
        found.sort(key=lambda pair: (pair[1] or 0, str(self._source.identity(pair[0]))))
        yield self._batch(found)

    def keyless(self) -> Iterator[Batch]:
        """Every lead without a key, in no order.

        Raises:
            IncompleteError: leads are there that could not be reached.
            FilterIgnoredError: the source ignores that only they are asked for.
        """
        query = replace(self._query, keyless=True, whole=True)
        for rows in self._sets.read(query, self._source.cuts):
            yield Batch(rows, [None] * len(rows), None)

    def everything(self) -> Iterator[Batch]:
        """The same leads by plain paging, in no order, where bounds cannot be had.

        The bookmark moves when all is read: before, any lead may still be to come.
        """
        mark = None
        for rows in self._sets.read(replace(self._query, unbounded=True), ()):
            kept = [r for r in rows if self._source.has_keyless or self._source.key(r) is not None]
            yield Batch(kept, [None] * len(kept), None)
            for row in kept:
                mark = self._bounded(self._source.key(row), mark)
        yield Batch((), (), mark)

    def ask(
        self, query: Query, paginator: Paginator[Any] | None = None, *, rows_expected: bool = False
    ) -> Page:
        """Send one request, its bounds widened where they may be exclusive.

        The upper bound is a step wider until a lead on that step shows it to be inclusive: what
        the lower one is says nothing about it.
        """
        tick = self._source.tick
        # A set is the same one from its first page to its last, whatever is learned meanwhile.
        is_first = not query.whole or query != self._widened[0]
        if is_first:
            self._widened = query, self._widen(query)
        asked = self._widened[1]
        high = asked.high
        page = self._source.ask(asked, paginator, rows_expected=rows_expected)
        if self._learned.ceiling is None:
            self._learned.ceiling = self._source.now()
        if self._is_closed:
            self._check_bounds(page, query)
        if high is not None and self._learned.high_margin:
            keys = [key for key in map(self._source.key, page.records) if key is not None]
            if any(key // tick == high // tick for key in keys):
                self._learned.high_margin = 0
                if query.whole and is_first and page.more:  # a smaller set will do
                    self._widened = query, self._widen(query)
                    page = self._source.ask(self._widened[1], paginator)
        return page

    def _widen(self, query: Query) -> Query:
        tick, margin = self._source.tick, self._learned.margin
        if margin is None:
            margin = tick if query.whole else 0
        low = None if query.low is None else query.low - margin
        high = None if query.high is None else query.high + self._learned.high_margin
        return replace(query, low=low, high=high)

    def page_from(self, cursor: int | None) -> Page:
        """The first page from `cursor` on, and among it the row that the cursor stands on.

        Where that row does not come back it was changed meanwhile, or the source takes the bound
        for an exclusive one: from one step earlier its ties come in either case.
        """
        query = replace(self._query, low=cursor, high=self.high)
        page = self.ask(query)
        if cursor is None or not self._anchors:
            return page if page.records else self.ask(query)
        if self._came_back(page):
            self._learned.margin = self._learned.margin or 0
            return page
        page = self.ask(replace(query, low=cursor - self._source.tick), rows_expected=True)
        if self._came_back(page):
            self._learned.margin = self._source.tick
        elif self._is_unchanged(self.ask(replace(query, low=self._came_from))):
            raise FilterIgnoredError
        return page

    def checked_keys(self, page: Page, cursor: int | None) -> list[int]:
        """The keys of a page, which must lie behind the cursor and rise.

        Raises:
            FilterIgnoredError: they do not.
        """
        keys: list[int] = []
        least = None if cursor is None else cursor - self._nearby
        for record in page.records:
            key = self._source.key(record)
            if key is None or (least is not None and key < least):
                raise FilterIgnoredError
            keys.append(key)
            least = key
        self._learned.newest = max([self._learned.newest or 0, *keys[-1:]])
        return keys

    def _check_bounds(self, page: Page, query: Query) -> None:
        """See that the rows of a page lie within the bounds that were asked for, or very near.

        Raises:
            FilterIgnoredError: they do not.
        """
        for key in map(self._source.key, page.records):
            if key is not None and (
                (query.low is not None and key < query.low - self._nearby)
                or (query.high is not None and key > query.high + self._nearby)
            ):
                raise FilterIgnoredError

    @property
    def _nearby(self) -> int:
        """How far before the cursor a row may come."""
        return 2 * self._source.tick + self._source.slack

    def _came_back(self, page: Page) -> bool:
        """Whether a row of the moment that the cursor stands on is on a page."""
        moments = {anchor // self._source.tick for anchor in self._anchors.values()}
        keys = map(self._source.key, page.records)
        return any(key is not None and key // self._source.tick in moments for key in keys)

    def _is_unchanged(self, page: Page) -> bool:
        """Whether such a row is as it was: then the source does not find it by its own date."""
        return any(
            self._anchors.get(self._source.identity(row), _NEVER) == self._source.key(row)
            for row in page.records
        )

    def _is_past_end(self, cursor: int) -> bool:
        """Whether what follows was changed after the sweep began and belongs to the next one.

        The clock says so, and the newest lead at the time the clock was reached: where data are
        dated ahead of the clock, that lead is the only end there is.
        """
        ceiling = self._learned.ceiling
        if ceiling is None or not self.is_past_ceiling(cursor):
            return False
        if self._learned.end is None:
            newest = self.ask(replace(self._query, newest=True, low=ceiling)).records
            keys = [key for key in map(self._source.key, newest) if key is not None]
            self._learned.end = max([ceiling, *keys])
        return cursor > self._learned.end

    def is_past_ceiling(self, key: int) -> bool:
        """Whether the source's clock was behind `key` when the run began."""
        return self._learned.ceiling is not None and key > self._learned.ceiling

    def _batch(self, rows: Sequence[tuple[Record, int | None]]) -> Batch:
        """Leads in the order of their keys, and the bookmark behind each."""
        marks = []
        for _, key in rows:
            self._mark = self._bounded(key, self._mark)
            marks.append(self._mark)
        return Batch([row for row, _ in rows], marks, self._mark)

    def _bounded(self, key: int | None, mark: int | None) -> int | None:
        """The bookmark after a lead with `key` was taken."""
        if key is None or self.is_past_ceiling(key):
            return mark
        return key if mark is None else max(mark, key)

    def _fresh(
        self, records: Sequence[Record], keys: Sequence[int | None]
    ) -> list[tuple[Record, int | None]]:
        """The rows within the bounds that were not handed on as they are now, and their keys."""
        fresh = []
        for record, key in zip(records, keys, strict=True):
            identity = self._source.identity(record)
            if self._is_within(key) and self._emitted.get(identity, _NEVER) != key:
                self._emitted[identity] = key
                fresh.append((record, key))
        return fresh

    def _is_within(self, key: int | None) -> bool:
        """Whether a key lies within the bounds; a lead without one is outside of none."""
        return key is None or (
            (self._low is None or key >= self._low) and (self.high is None or key <= self.high)
        )

    def _forget(self, cursor: int) -> None:
        """Drop what cannot come again."""
        edge = cursor - self._nearby
        self._emitted = {i: k for i, k in self._emitted.items() if k is not None and k >= edge}


_NEVER = object()
