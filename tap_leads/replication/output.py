"""Output of a read: rows within its bounds, without duplicates, each with its bookmark.

Inclusive bounds and overlapping pages return rows more than once, and a bookmark that is too late
makes the next run skip changes. Both are handled here for all strategies.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from tap_leads.replication.model import Chunk

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from tap_leads.replication.behavior import ServerBehavior
    from tap_leads.replication.model import Row
    from tap_leads.timestamps import Micros

_NEVER: Final = object()
_EARLIEST, _LATEST = -math.inf, math.inf


class Output:
    """The rows that one read emits.

    Attributes:
        edge: Everything before this cursor is read; rows emitted before it are forgotten.
    """

    def __init__(
        self, behavior: ServerBehavior, after: Micros | None, until: Micros | None
    ) -> None:
        """Emit only rows from `after` to `until`, both inclusive."""
        self._behavior = behavior
        self._bounds = _EARLIEST if after is None else after, _LATEST if until is None else until
        self._watermark: Micros | None = None
        self._is_frozen = False
        self.edge: Micros | None = None
        # Rows emitted near the cursor: bounds are inclusive, so the API returns them again.
        self._emitted: dict[Hashable, Micros | None] = {}

    def emit(self, rows: Iterable[Row]) -> Chunk:
        """Return a chunk of those rows that are new; `rows` must be in cursor order.

        Hot loop: no function call per row.
        """
        if self.edge is not None:
            edge, self.edge = self.edge, None
            self._emitted = {i: c for i, c in self._emitted.items() if c is not None and c >= edge}
        emitted, mark, (after, until) = self._emitted, self._watermark, self._bounds
        started = self._behavior.run_started
        latest = -math.inf if self._is_frozen else _LATEST if started is None else started
        fresh: list[Row] = []
        safe: list[Micros | None] = []
        for row in rows:
            row_id, cursor = row.id, row.cursor
            if cursor is None or not after <= cursor <= until:
                continue
            if emitted.get(row_id, _NEVER) == cursor:
                continue
            emitted[row_id] = cursor
            if cursor <= latest and (mark is None or cursor > mark):
                mark = cursor
            fresh.append(row)
            safe.append(mark)
        self._watermark = mark
        return Chunk(fresh, safe, mark)

    def fresh(self, rows: Iterable[Row]) -> list[Row]:
        """Return the rows within the bounds that are new or changed since they were emitted."""
        fresh, emitted, (after, until) = [], self._emitted, self._bounds
        for row in rows:
            is_within = row.cursor is None or after <= row.cursor <= until
            if is_within and emitted.get(row.id, _NEVER) != row.cursor:
                emitted[row.id] = row.cursor
                fresh.append(row)
        return fresh

    def ordered(self, rows: Iterable[Row]) -> Chunk:
        """Return a chunk of new rows, sorted by cursor, with the bookmark after each."""
        rows, safe = sorted(rows, key=_by_cursor), []
        for row in rows:
            self._watermark = self.advanced(row.cursor, self._watermark)
            safe.append(self._watermark)
        return Chunk(rows, safe, self._watermark)

    def ties(self, rows: Sequence[Row]) -> Chunk:
        """Return a chunk of rows that leave the bookmark where it is."""
        return Chunk(rows, [self._watermark] * len(rows), self._watermark)

    def passed(self, cursor: Micros | None) -> Chunk:
        """Return an empty chunk that moves the bookmark to `cursor`: all rows up to it are read."""
        self._watermark = self.advanced(cursor, self._watermark)
        return Chunk((), (), self._watermark)

    def freeze(self) -> None:
        """Keep the bookmark where it is from now on: rows after it may have been missed."""
        self._is_frozen = True

    def advanced(self, cursor: Micros | None, watermark: Micros | None) -> Micros | None:
        """Return the bookmark after a row with `cursor`; it never passes the start of the run."""
        started = self._behavior.run_started
        if self._is_frozen or cursor is None or (started is not None and cursor > started):
            return watermark
        return cursor if watermark is None else max(watermark, cursor)


def _by_cursor(row: Row) -> Micros:
    return row.cursor or 0
