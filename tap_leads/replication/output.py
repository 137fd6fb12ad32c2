"""Rows on their way out of a read: within its bounds, each once, with the bookmark after it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from tap_leads.replication.model import Chunk

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from tap_leads.replication.behaviour import ServerBehaviour
    from tap_leads.replication.model import Row
    from tap_leads.timestamps import Micros

_NEVER: Final = object()
_EARLIEST, _LATEST = -math.inf, math.inf


class Output:
    """The rows that one read emits.

    Attributes:
        edge: Where everything before was read: what was emitted there cannot come again, and is
            forgotten.
    """

    def __init__(
        self, behaviour: ServerBehaviour, after: Micros | None, until: Micros | None
    ) -> None:
        """Let rows pass from `after` to `until`, both inclusive."""
        self._behaviour = behaviour
        self._bounds = _EARLIEST if after is None else after, _LATEST if until is None else until
        self._watermark: Micros | None = None
        self._is_frozen = False
        self.edge: Micros | None = None
        # What was emitted near the cursor: bounds are inclusive, so it comes again.
        self._emitted: dict[Hashable, Micros | None] = {}

    def emit(self, rows: Iterable[Row]) -> Chunk:
        """Return a chunk of the fresh ones of rows that are in the order of their cursors.

        Each row passes here, so there is no call for one.
        """
        if self.edge is not None:
            edge, self.edge = self.edge, None
            self._emitted = {i: c for i, c in self._emitted.items() if c is not None and c >= edge}
        emitted, mark, (after, until) = self._emitted, self._watermark, self._bounds
        started = self._behaviour.run_started
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
        """Return the rows within the bounds that were not emitted as they are now."""
        fresh, emitted, (after, until) = [], self._emitted, self._bounds
        for row in rows:
            is_within = row.cursor is None or after <= row.cursor <= until
            if is_within and emitted.get(row.id, _NEVER) != row.cursor:
                emitted[row.id] = row.cursor
                fresh.append(row)
        return fresh

    def ordered(self, rows: Iterable[Row]) -> Chunk:
        """Return a chunk of fresh rows, put in order, with the bookmark after each."""
        rows, safe = sorted(rows, key=_by_cursor), []
        for row in rows:
            self._watermark = self.advanced(row.cursor, self._watermark)
            safe.append(self._watermark)
        return Chunk(rows, safe, self._watermark)

    def ties(self, rows: Sequence[Row]) -> Chunk:
        """Return a chunk of rows after which the bookmark cannot move yet."""
        return Chunk(rows, [self._watermark] * len(rows), self._watermark)

    def passed(self, cursor: Micros | None) -> Chunk:
        """Return a chunk without rows that moves the bookmark to `cursor`: up to it all is read."""
        self._watermark = self.advanced(cursor, self._watermark)
        return Chunk((), (), self._watermark)

    def freeze(self) -> None:
        """Keep the bookmark where it is: from here on, rows may have been missed."""
        self._is_frozen = True

    def advanced(self, cursor: Micros | None, watermark: Micros | None) -> Micros | None:
        """Return the bookmark after a row with `cursor`: never past the start of the run."""
        started = self._behaviour.run_started
        if self._is_frozen or cursor is None or (started is not None and cursor > started):
            return watermark
        return cursor if watermark is None else max(watermark, cursor)


def _by_cursor(row: Row) -> Micros:
    return row.cursor or 0
