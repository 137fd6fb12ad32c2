"""Several lists that are read as one, in the order of their common cursor.

Each list is read in time slices of its own, all of them at once. A row is emitted once no list can
have an older one, so the bookmark has the same meaning as that of a single list.
"""

from __future__ import annotations

import math
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_leads.replication.behavior import ServerBehavior
from tap_leads.replication.model import Chunk
from tap_leads.replication.readahead import ReadAhead
from tap_leads.replication.time_slices import TimeSlices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tap_leads.replication.model import AccountLists, Collection, Query, Row
    from tap_leads.timestamps import Micros


@dataclass(frozen=True, slots=True)
class Part:
    """One of the lists, and the test for its own rows: an API may return those of other lists."""

    collection: Collection
    owns: Callable[[Row], bool]


class MergedTimeSlices(TimeSlices):
    """Reads lists that cannot be sorted by their cursor as one.

    If the API ignores the filter of any of them, the stream's own list is scanned instead.
    """

    def __init__(self, parts: Callable[[AccountLists], Sequence[Part]]) -> None:
        """Read the lists that `parts` returns for an account."""
        self._parts = parts

    @override
    def chunks(
        self,
        account: AccountLists,
        query: Query,
        behavior: ServerBehavior,
        *,
        workers: int,
        null: bool,
    ) -> Iterator[Chunk | None]:
        reads, parts = [], self._parts(account)
        each = max(1, workers // len(parts))
        with ExitStack() as stack:
            for part in parts:
                own = ServerBehavior(part.collection.traits)
                slices = self.slices(part.collection, query, own, workers=each, null=null)
                results = ReadAhead(slices, each).results()
                chunks = stack.enter_context(closing(results))
                reads.append(_Read(part, own, chunks))
            yield from _merge(reads)
        behavior.newest = max((read.behavior.newest or 0 for read in reads), default=None)
        behavior.run_started = _started(reads)


@dataclass(slots=True)
class _Read:
    """The read of one list: the rows that are not emitted yet, in cursor order."""

    part: Part
    behavior: ServerBehavior
    chunks: Iterator[Chunk | None]
    rows: list[Row] = field(default_factory=list)
    is_complete: bool = False
    is_unproven: bool = False
    """True once rows may have been missed."""

    def fill(self) -> Iterator[None]:
        """Take chunks until there is a row or the list is complete; yield while waiting."""
        while not self.rows and not self.is_complete:
            try:
                chunk = next(self.chunks)
            except StopIteration:
                self.is_complete = True
                return
            if chunk is None:
                yield
                continue
            started = self.behavior.run_started or 0
            self.is_unproven = self.is_unproven or (
                chunk.watermark is None and any(_cursor(row) <= started for row in chunk.rows)
            )
            self.rows = [row for row in chunk.rows if self.part.owns(row)]

    def take(self, until: float) -> list[Row]:
        """Remove and return the rows up to a cursor."""
        taken = [row for row in self.rows if _cursor(row) <= until]
        self.rows = self.rows[len(taken) :]
        return taken


def _merge(reads: Sequence[_Read]) -> Iterator[Chunk | None]:
    """Yield the rows of all reads in cursor order, each with the bookmark that is safe after it."""
    watermark: Micros | None = None
    while True:
        for read in reads:
            yield from read.fill()
        if all(read.is_complete and not read.rows for read in reads):
            return
        latest = -1 if any(read.is_unproven for read in reads) else _started(reads)
        until = min((_cursor(r.rows[-1]) for r in reads if not r.is_complete), default=math.inf)
        rows = sorted((row for read in reads for row in read.take(until)), key=_place)
        safe = []
        for row in rows:
            if _cursor(row) <= latest:
                watermark = _cursor(row)
            safe.append(watermark)
        yield Chunk(rows, safe, watermark)


def _started(reads: Sequence[_Read]) -> Micros:
    """Return the server's clock when the first of the reads began."""
    return min(read.behavior.run_started or 0 for read in reads)


def _cursor(row: Row) -> Micros:
    return row.cursor or 0


def _place(row: Row) -> tuple[Micros, str]:
    return _cursor(row), str(row.id)
