"""A strategy run against a list in memory, and what it emitted."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from tap_leads.errors import Code, LeadsError
from tap_leads.replication import behavior, keyset_reader
from tap_leads.replication.model import Bounds, Row
from tap_leads.timestamps import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_leads.replication.model import Chunk, Strategy
    from tap_leads.timestamps import Micros
    from tests.unit.replication.fake_list import FakeList


class FakeAccount:
    """The account of one list."""

    lookback: Micros = 300 * SECOND

    def __init__(self, source: FakeList) -> None:
        """Keep the warnings."""
        self.source = source
        self.kept: Mapping[str, Any] = {}
        self.warnings: list[str] = []
        self.lines: list[str] = []
        self.settings: Mapping[str, Any] = {}
        self.shared: dict[str, Any] = {}

    def collection(self, stream: Any = None) -> FakeList:
        """Return the list."""
        del stream
        return self.source

    def warn(self, message: str, code: Code) -> None:
        """Keep a warning."""
        assert code in Code
        self.warnings.append(message)

    def inform(self, message: str) -> None:
        """Keep a line."""
        self.lines.append(message)


@dataclass
class Run:
    """What one read emitted, as a target would see it."""

    chunks: list[Chunk] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    requests: int = 0
    error: LeadsError | None = None

    @property
    def rows(self) -> list[Row]:
        """Return the rows in the order in which they were emitted."""
        return [row for chunk in self.chunks for row in chunk.rows]

    @property
    def ids(self) -> list[Any]:
        """Return the ids in the order in which they were emitted."""
        return [row.id for row in self.rows]

    @property
    def steps(self) -> list[tuple[Row, Micros | None]]:
        """Return each row with the bookmark that is safe once it is written."""
        return [pair for chunk in self.chunks for pair in zip(chunk.rows, chunk.safe, strict=True)]

    @property
    def watermark(self) -> Micros | None:
        """Return the bookmark at the end."""
        marks = [chunk.watermark for chunk in self.chunks if chunk.watermark is not None]
        return max(marks, default=None)


@contextmanager
def at_the_pace_of(source: FakeList) -> Iterator[None]:
    """Let time pass for the reader as it does for the server."""
    with ExitStack() as stack:
        for module in (behavior, keyset_reader):
            stack.enter_context(patch.object(module, "monotonic", lambda: source.clock / SECOND))
        yield


def read(
    source: FakeList,
    strategy: Strategy,
    bounds: Bounds | None = None,
    *,
    workers: int = 1,
    fails: bool = False,
) -> Run:
    """Read the list once, to its end or, where that is allowed, to an error."""
    account = FakeAccount(source)
    before = len(source.requests)
    run = Run()
    try:
        with at_the_pace_of(source):
            for chunk in strategy.read(account, bounds or Bounds(), workers):
                if chunk is not None:
                    run.chunks.append(chunk)
    except LeadsError as error:
        if not fails:
            raise
        run.error = error
    run.warnings = account.warnings
    run.requests = len(source.requests) - before
    return run
