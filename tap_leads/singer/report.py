"""What a run reports: progress lines, failures, and a summary at the end."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from tap_leads.errors import Code, coded
from tap_leads.singer.stream_maps import MapError
from tap_leads.timestamps import to_text

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping, Sequence

    from tap_leads.errors import LeadsError
    from tap_leads.singer.stats import Stats
    from tap_leads.sources.base import StreamSpec
    from tap_leads.timestamps import Micros

HEADS = ("stream", "account", "records", "requests", "retries", "throttled s", "bookmark", "status")
_NAMED = 4
"""How many accounts of a source the line at the start names."""
_NUMBERS = range(2, 6)
"""The columns of the summary that hold numbers."""


class RunReport:
    """Collects what the streams of a run report.

    Attributes:
        failures: A line for each account of a stream that failed, in order.
    """

    def __init__(self, logger: logging.Logger, heartbeat: float) -> None:
        """Log to `logger`, progress each `heartbeat` seconds."""
        self.failures: list[str] = []
        self._logger = logger
        self._heartbeat = heartbeat
        self._last_beat = time.monotonic()
        self._stats: list[Stats] = []
        self._reported: set[object] = set()

    def begin(self, stats: Stats) -> None:
        """Add an account of a stream whose read starts now."""
        self._stats.append(stats)

    def heartbeat(self, stats: Stats) -> bool:
        """Log a progress line and return True if a heartbeat is due."""
        if time.monotonic() - self._last_beat < self._heartbeat:
            return False
        self._last_beat = time.monotonic()
        self._logger.info("%s", stats.line())
        return True

    def failed(self, stats: Stats, error: LeadsError) -> None:
        """Log that a stream failed for an account.

        The error that ends an account is logged once, not for each stream, and the error of a
        stream map once, not for each account.
        """
        stats.outcome = "failed"
        message = stats.failure(error)
        # A closed account raises a new error each time, a failed stream map the same one.
        key = error if isinstance(error, MapError) else message
        if key not in self._reported:
            self._logger.error(message)
        self._reported.add(key)
        self.failures.append(message)

    def skipped(self, stats: Stats, error: LeadsError, spec: StreamSpec) -> None:
        """Log that an account has no such list, which is not a failure, and what to do.

        The warning about other streams of the account is logged once.
        """
        stats.outcome = "skipped"
        is_forbidden = getattr(error, "status", None) == HTTPStatus.FORBIDDEN
        warning = spec.forbidden_warning if is_forbidden else ""
        line = f"{stats.where}: {error.cause}; the stream is skipped. {error.advice}"
        self._logger.warning(coded(line, Code.STREAM_SKIPPED))
        message = coded(f"account {stats.account}: {warning}", Code.NOT_AN_ADMINISTRATOR)
        if warning and message not in self._reported:
            self._reported.add(message)
            self._logger.warning(message)

    def end(self) -> None:
        """Log a summary of the run as a table."""
        for stats in self._stats:
            stats.end()
        for line in table([stats.cells() for stats in self._stats]):
            self._logger.info("%s", line)


def start_line(
    streams: int,
    accounts: Mapping[str, Sequence[str]],
    bookmarks: Sequence[Micros],
    start: Micros | None,
    first: int,
) -> str:
    """Return the line at the start of a run.

    Args:
        streams: The number of streams to sync.
        accounts: The labels of the accounts by source.
        bookmarks: The bookmarks of the streams to sync, of all accounts.
        start: The setting `start_date`.
        first: The number of streams that are synced for the first time.
    """
    sources = ", ".join(f"{source} ({_listed(labels)})" for source, labels in accounts.items())
    since = "all records"
    if bookmarks:
        since = f"changes since the oldest bookmark, {_second(max(min(bookmarks), start or 0))}"
        since += f"; first sync of {first} stream{'s' if first != 1 else ''}" if first else ""
    elif start is not None:
        since = f"records since {_second(start)} (`start_date`)"
    return f"syncing {streams} stream{'s' if streams != 1 else ''} of {sources}: {since}"


def _listed(labels: Sequence[str]) -> str:
    """Return the labels of a source's accounts, the first of them if there are many."""
    if len(labels) == 1:
        return f"account {labels[0]}"
    if len(labels) <= _NAMED + 1:
        return f"accounts {', '.join(labels)}"
    return f"accounts {', '.join(labels[:_NAMED])} and {len(labels) - _NAMED} more"


def _second(moment: Micros) -> str:
    """Return a moment for a message, without the fraction of the second."""
    return f"{(to_text(moment) or '')[:19]}Z"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table: texts are left-aligned, numbers right-aligned."""
    lines = [HEADS, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADS))]
    return [
        "  ".join(
            cell.rjust(width) if i in _NUMBERS else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
