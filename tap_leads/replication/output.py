"""Rows on their way out of a read: within its bounds, each once, with the bookmark behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tap_leads.replication.model import Chunk

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from tap_leads.replication.behaviour import ServerBehaviour
    from tap_leads.replication.model import Row
    from tap_leads.timestamps import Micros

_NEVER: Final = object()


class Output:
    """The rows that one read emits."""

    def __init__(
        self, behaviour: ServerBehaviour, after: Micros | None, until: Micros | None
    ) -> None:
        """Let rows pass from `after` to `until`, both inclusive."""
        self._behaviour = behaviour
        self._after = after
        self._until = until
        self._watermark: Micros | None = None
        self._is_frozen = False
        # What was emitted near the cursor: bounds are inclusive, so it comes again.
        self._emitted: dict[Hashable, Micros | None] = {}

    def fresh(self, rows: Iterable[Row]) -> list[Row]:
        """Return the rows within the bounds that were not emitted as they are now."""
        fresh = []
        for row in rows:
            if self._is_within(row.cursor) and self._emitted.get(row.id, _NEVER) != row.cursor:
                self._emitted[row.id] = row.cursor
                fresh.append(row)
        return fresh

    def ordered(self, rows: Iterable[Row]) -> Chunk:
        """Return a chunk of rows, put in order, with the bookmark behind each."""
        rows, safe = sorted(rows, key=_by_cursor), []
        for row in rows:
            self._watermark = self.advanced(row.cursor, self._watermark)
            safe.append(self._watermark)
        return Chunk(rows, safe, self._watermark)

    def ties(self, rows: Sequence[Row]) -> Chunk:
        """Return a chunk of rows behind which the bookmark cannot move yet."""
        return Chunk(rows, [self._watermark] * len(rows), self._watermark)

    def passed(self, cursor: Micros | None) -> Chunk:
        """Return a chunk without rows that moves the bookmark to `cursor`: up to it all is read."""
        self._watermark = self.advanced(cursor, self._watermark)
        return Chunk((), (), self._watermark)

    def freeze(self) -> None:
        """Keep the bookmark where it is: from here on, rows may have been missed."""
        self._is_frozen = True

    def forget(self, cursor: Micros) -> None:
        """Drop what cannot come again once everything before `cursor` was read."""
        edge = cursor - self._behaviour.tolerance
        self._emitted = {i: c for i, c in self._emitted.items() if c is not None and c >= edge}

    def advanced(self, cursor: Micros | None, watermark: Micros | None) -> Micros | None:
        """Return the bookmark after a row with `cursor`: never past the start of the run."""
        if self._is_frozen or cursor is None or self._behaviour.has_started_before(cursor):
            return watermark
        return cursor if watermark is None else max(watermark, cursor)

    def _is_within(self, cursor: Micros | None) -> bool:
        """Return True if a cursor lies within the bounds; a row without one always does."""
        return cursor is None or (
            (self._after is None or cursor >= self._after)
            and (self._until is None or cursor <= self._until)
        )


def _by_cursor(row: Row) -> Micros:
    return row.cursor or 0
