"""What people see of a run: a line now and then for what is at work, and a table at the end."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_leads import instants

if TYPE_CHECKING:
    import logging
    from collections.abc import Sequence

HEARTBEAT = 10.0
"""Seconds between two lines, and the most between two states."""
_AT_WORK = "at work"
HEADS = ("stream", "account", "records", "requests", "retries", "waited s", "bookmark", "outcome")
NUMBERS = range(2, 6)
"""The columns of the table that hold numbers."""


@dataclass(slots=True)
class Tally:
    """What one account of a stream has brought, and what it took."""

    stream: str
    account: str
    records: int = 0
    requests: int = 0
    retries: int = 0
    waited: float = 0.0
    """Seconds for which a thread waited for the account's budget, on the average."""
    mark: int | None = None
    """The instant up to which every lead is read."""
    goal: int | None = None
    """The source's clock when the run began: how far the sweep has to go."""
    bookmark: str = ""
    outcome: str = _AT_WORK
    _began: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, *, requests: int = 0, retries: int = 0, waited: float = 0.0) -> None:
        """Count what a thread has done."""
        with self._lock:
            self.requests += requests
            self.retries += retries
            self.waited += waited

    def end(self) -> None:
        """The run is over, whether this was read to its end or not."""
        if self.outcome == _AT_WORK:
            self.outcome = "interrupted"

    def cells(self) -> tuple[str, ...]:
        """A row of the table."""
        return (
            self.stream,
            self.account,
            f"{self.records:,}",
            f"{self.requests:,}",
            f"{self.retries:,}",
            f"{self.waited:.1f}",
            (self.bookmark or (instants.text(self.mark) if self.mark else None) or "-")[:19],
            self.outcome,
        )

    def line(self) -> str:
        """How far it is."""
        seconds = max(time.monotonic() - self._began, 0.001)
        parts = [f"{self.stream}, account {self.account}: {self.records:,} records"]
        if self.mark is not None:
            parts.append(f"at {instants.text(self.mark) or ''}"[:22])
            if self.goal is not None and self.goal > self.mark:
                parts[-1] += f", {_span(self.goal - self.mark)} to go"
        parts.append(f"{self.requests:,} requests ({self.requests / seconds:.1f}/s)")
        parts.append(f"waited {self.waited:.0f} s for the budget")
        if self.retries:
            parts.append(f"{self.retries:,} retries")
        return "; ".join(parts)


class Progress:
    """The tallies of a run; without a terminal it is told in lines of the log."""

    def __init__(self, logger: logging.Logger) -> None:
        """Tell it to `logger`."""
        self._logger = logger
        self._beat = time.monotonic()
        self.tallies: list[Tally] = []

    def begin(self, tally: Tally) -> Tally:
        """An account of a stream is at work from now on."""
        self._beat = time.monotonic()
        self.tallies.append(tally)
        return tally

    def beat(self, tally: Tally) -> bool:
        """Whether it is time to tell how far the run is; then it is told."""
        if time.monotonic() - self._beat < HEARTBEAT:
            return False
        self._beat = time.monotonic()
        self.show(tally)
        return True

    def show(self, tally: Tally) -> None:
        """Tell how far an account of a stream is."""
        self._logger.info("%s", tally.line())

    def end(self) -> None:
        """Tell what the run has brought, in a table."""
        for tally in self.tallies:
            tally.end()
        for line in table([tally.cells() for tally in self.tallies]):
            self._logger.info("%s", line)


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows below their heads, in columns: texts on the left, numbers on the right."""
    lines = [HEADS, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADS))]
    return [
        "  ".join(
            cell.rjust(width) if i in NUMBERS else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def _span(microseconds: int) -> str:
    """A length of time in the largest unit that says something."""
    minutes = microseconds // instants.MINUTE
    for name, size in (("days", 24 * 60), ("hours", 60)):
        if minutes >= 2 * size:
            return f"{minutes // size:,} {name}"
    return f"{minutes:,} minutes"


def progress_for(logger: logging.Logger) -> Progress:
    """How a run is told: live on a terminal where `rich` is installed, else in lines of the log."""
    if sys.stderr.isatty():
        with suppress(ImportError):
            from tap_leads.live import LiveProgress  # noqa: PLC0415  # an extra, and few need it

            return LiveProgress(logger)
    return Progress(logger)
