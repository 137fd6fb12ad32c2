"""One pass over leads that keep changing, in the order of their replication key.

Paging by position loses leads when the list changes between two pages. A sweep is anchored by
value: it asks for the leads from a moment on, moves that moment to the last lead it got, and asks
again for the first page. Only leads that share one moment (or have none) are read by position,
and those with a proof that none slipped through.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tap_leads.errors import PagingError
from tap_leads.query import FilterIgnoredError, Query
from tap_leads.sets import SetReader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_leads.pagination import Page, Record
    from tap_leads.query import Reader


class Sweep:
    """The walk over one account's leads.

    `ceiling` is the source's clock when the sweep began: a bookmark behind it would hide all that
    changes until then. `bookmark` is the moment up to which every lead was taken by the caller,
    `newest` that of the newest lead.
    """

    def __init__(self, source: Reader) -> None:
        """Prepare to read `source`."""
        self._source = source
        self._sets = SetReader(source, self._ask, self._fresh)
        self.ceiling: int | None = None
        self.bookmark: int | None = None
        self.newest: int | None = None
        self._end: int | None = None
        # What was handed on near the cursor: bounds are inclusive, so it comes again.
        self._emitted: dict[Any, int | None] = {}
        # The rows that the cursor stands on, and where the page that they came on began.
        self._anchors: dict[Any, int] = {}
        self._came_from: int | None = None
        # How far bounds are widened because the source takes them for exclusive; None: unknown.
        self._margin: int | None = None
        self._high_margin = source.tick

    def records(self, low: int | None, high: int | None = None) -> Iterator[Record]:
        """Every lead with a key from `low` to `high` in the order of its key, then those without.

        Raises:
            IncompleteError: leads are there that could not be reached.
            FilterIgnoredError: the source ignores the bounds or the order.
        """
        yield from self._keyed(low, high)
        if self._source.has_keyless:
            self._emitted.clear()
            yield from self._sets.read(Query(keyless=True, whole=True), self._source.cuts)

    def everything(self, low: int | None, high: int | None = None) -> Iterator[Record]:
        """The same leads by plain paging, in no order, where bounds cannot be had.

        The bookmark moves when all is read: before, any lead may still be to come.
        """
        self._emitted.clear()
        newest = self.bookmark
        for record in self._sets.read(Query(unbounded=True), ()):
            key = self._source.key(record)
            if key is None and not self._source.has_keyless:
                continue
            if _within(key, low, high):
                yield record
                newest = self._bounded(key, newest)
        self.bookmark = newest

    def _keyed(self, low: int | None, high: int | None) -> Iterator[Record]:
        tick = span = self._source.tick
        # A step early: the bound may be exclusive.
        cursor = None if low is None else low - low % tick - tick
        while True:
            page = self._page_from(cursor, high)
            keys = self._checked_keys(page.records, cursor)
            for record in self._fresh(page.records, low, high):
                yield record
                self.bookmark = self._bounded(self._source.key(record), self.bookmark)
            if not page.more:
                return
            if not keys:
                raise PagingError("an empty page says that more leads follow")
            self._came_from = cursor
            last = keys[-1] - keys[-1] % tick
            if cursor is None or last > cursor:
                cursor, span = last, tick
            else:
                block = Query(low=cursor, high=cursor + span - 1, whole=True)
                yield from self._sets.read(block, self._source.cuts)
                cursor, span = cursor + span, span * 2
            if (high is not None and cursor > high) or self._is_past_end(cursor):
                return
            self._forget(cursor)
            rows = zip(page.records, keys, strict=True)
            self._anchors = {record["id"]: key for record, key in rows if key >= cursor}

    def _page_from(self, cursor: int | None, high: int | None) -> Page:
        """The first page from `cursor` on, and among it the row that the cursor stands on.

        Where that row does not come back it was changed meanwhile, or the source takes the bound
        for an exclusive one: from one step earlier its ties come in either case.
        """
        query = Query(low=cursor, high=high)
        page = self._ask(query)
        if cursor is None or not self._anchors:
            believable = page.records or page.total is not None
            return page if believable else self._ask(query)
        if self._came_back(page):
            self._margin = self._margin or 0
            return page
        page = self._ask(replace(query, low=cursor - self._source.tick), rows_expected=True)
        if self._came_back(page):
            self._margin = self._source.tick
        elif self._is_unchanged(self._ask(replace(query, low=self._came_from))):
            raise FilterIgnoredError
        return page

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
        rows = ((record["id"], self._source.key(record)) for record in page.records)
        return any(self._anchors.get(lead_id, _NEVER) == key for lead_id, key in rows)

    def _ask(self, query: Query, token: Any = None, *, rows_expected: bool = False) -> Page:
        """Send one request, its bounds widened where they may be exclusive.

        The upper bound is a step wider until a lead on that step shows it to be inclusive: what
        the lower one is says nothing about it.
        """
        tick = self._source.tick
        margin = self._margin
        if margin is None:
            margin = tick if query.whole else 0
        low = None if query.low is None else query.low - margin
        high = None if query.high is None else query.high + self._high_margin
        asked = replace(query, low=low, high=high)
        page = self._source.ask(asked, token, rows_expected=rows_expected)
        if self.ceiling is None:
            self.ceiling = self._source.now()
        if high is not None and self._high_margin:
            keys = [key for key in map(self._source.key, page.records) if key is not None]
            if any(key // tick == high // tick for key in keys):
                self._high_margin = 0
        return page

    def _checked_keys(self, records: Sequence[Record], cursor: int | None) -> list[int]:
        """The keys of a page, which must lie behind the cursor and rise."""
        keys: list[int] = []
        least = None if cursor is None else cursor - self._nearby
        for record in records:
            key = self._source.key(record)
            if key is None or (least is not None and key < least):
                raise FilterIgnoredError
            keys.append(key)
            least = key
        self.newest = max([self.newest or 0, *keys[-1:]])
        return keys

    def _is_past_end(self, cursor: int) -> bool:
        """Whether what follows was changed after the sweep began and belongs to the next one.

        The clock says so, and the newest lead at the time the clock was reached: where data are
        dated ahead of the clock, that lead is the only end there is.
        """
        if self.ceiling is None or cursor <= self.ceiling:
            return False
        if self._end is None:
            newest = self._ask(Query(newest=True, low=self.ceiling)).records
            keys = [key for key in map(self._source.key, newest) if key is not None]
            self._end = max([self.ceiling, *keys])
        return cursor > self._end

    def _bounded(self, key: int | None, bookmark: int | None) -> int | None:
        """The bookmark after a lead with `key` was taken."""
        if key is None or (self.ceiling is not None and key > self.ceiling):
            return bookmark
        return key if bookmark is None else max(bookmark, key)

    def _fresh(
        self, records: Sequence[Record], low: int | None, high: int | None
    ) -> Iterator[Record]:
        """The rows within the bounds that were not handed on as they are now."""
        for record in records:
            key = self._source.key(record)
            if not _within(key, low, high):
                continue
            if self._emitted.get(record["id"], _NEVER) != key:
                self._emitted[record["id"]] = key
                yield record

    def _forget(self, cursor: int) -> None:
        """Drop what cannot come again."""
        edge = cursor - self._nearby
        self._emitted = {i: k for i, k in self._emitted.items() if k is not None and k >= edge}


_NEVER = object()


def _within(key: int | None, low: int | None, high: int | None) -> bool:
    """Whether a key lies within inclusive bounds; a lead without one is outside of none."""
    return key is None or ((low is None or key >= low) and (high is None or key <= high))
