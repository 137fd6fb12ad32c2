"""What a run reports: progress lines, failures, and a summary at the end."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from singer_sdk import metrics

from tap_leads.errors import Code, coded
from tap_leads.rest.errors import PermanentError
from tap_leads.singer.stream_maps import MapError
from tap_leads.timestamps import MINUTE, to_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_leads.errors import LeadsError
    from tap_leads.rest.client import Response
    from tap_leads.singer.bookmark import Bookmark
    from tap_leads.sources.base import StreamSpec
    from tap_leads.timestamps import Micros

_AT_WORK = "running"
HEADS = ("stream", "account", "records", "requests", "retries", "throttled s", "bookmark", "status")
_NAMED = 4
"""How many accounts of a source the line at the start names."""
_NUMBERS = range(2, 6)
"""The columns of the summary that hold numbers."""


@dataclass(slots=True)
class Stats:
    """Counts and log lines for one account of a stream; the observer of its requests."""

    stream: str
    account: str
    path: str
    concurrency: int
    logger: logging.Logger
    metrics_logger: logging.Logger
    records: int = 0
    requests: int = 0
    retries: int = 0
    throttled: float = 0.0
    """Seconds for which a worker waited for the rate limit, on average."""
    watermark: Micros | None = None
    """The moment up to which every row is read."""
    run_started: Micros | None = None
    """The server's clock when the run began."""
    bookmark: Bookmark | None = None
    outcome: str = _AT_WORK
    _began: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def where(self) -> str:
        """Return the stream and account that a message is about."""
        return f"{self.stream}, account {self.account}"

    def failure(self, error: LeadsError) -> str:
        """Return the line for an error: about the account alone if the error ends the account."""
        is_fatal = isinstance(error, PermanentError) and error.fatal_for_account
        return f"{f'account {self.account}' if is_fatal else self.where}: {error}"

    def sent(self, throttled: float, response: Response | None) -> None:
        """Count a request that waited `throttled` seconds for the rate limit.

        The SDK's metric of a request is logged at DEBUG: there may be thousands.
        """
        with self._lock:
            self.requests += 1
            self.throttled += throttled / self.concurrency
        if response is None or not self.metrics_logger.isEnabledFor(logging.DEBUG):
            return
        is_good = response.status < HTTPStatus.BAD_REQUEST
        point = metrics.Point(
            "timer",
            metric=metrics.Metric.HTTP_REQUEST_DURATION,
            value=response.seconds,
            tags={
                metrics.Tag.STREAM: self.stream,
                metrics.Tag.ENDPOINT: self.path,
                metrics.Tag.HTTP_STATUS_CODE: response.status,
                metrics.Tag.STATUS: (
                    metrics.Status.SUCCEEDED if is_good else metrics.Status.FAILED
                ),
                metrics.Tag.CONTEXT: {"account": self.account},
            },
        )
        self.metrics_logger.debug("METRIC: %s", point)

    def retrying(self, error: LeadsError, attempt: int, wait: float) -> None:
        """Count and log a retry; an error's text never contains the URL with its filters."""
        with self._lock:
            self.retries += 1
        line = f"{self.where}: {error.cause}; retrying in {wait:.1f} s (attempt {attempt})"
        self.logger.warning(coded(line, error.code))

    def warn(self, message: str, code: Code) -> None:
        """Log a warning about the account."""
        self.logger.warning(coded(f"{self.where}: {message}", code))

    def inform(self, message: str) -> None:
        """Log a line about the account."""
        self.logger.info("%s: %s", self.where, message)

    def log_request_count(self) -> None:
        """Emit the SDK's metric of the number of requests."""
        with metrics.http_request_counter(self.stream, endpoint=self.path) as counter:
            counter.with_context({"account": self.account})
            counter.increment(self.requests)

    def end(self) -> None:
        """Mark the read as interrupted if it has not ended."""
        if self.outcome == _AT_WORK:
            self.outcome = "interrupted"

    def cells(self) -> tuple[str, ...]:
        """Return a row of the summary."""
        return (
            self.stream,
            self.account,
            f"{self.records:,}",
            f"{self.requests:,}",
            f"{self.retries:,}",
            f"{self.throttled:.1f}",
            self._reached()[:19],
            self.outcome,
        )

    def _reached(self) -> str:
        """Return the bookmark; without one, the moment up to which every row is read."""
        watermark = "" if self.watermark is None else to_text(self.watermark)
        return (self.bookmark.value if self.bookmark else "") or watermark or "-"

    def line(self) -> str:
        """Return the progress line."""
        seconds = max(time.monotonic() - self._began, 0.001)
        parts = [f"{self.where}: {self.records:,} records"]
        if self.watermark is not None:
            parts.append(f"at {to_text(self.watermark) or ''}"[:22])
            if self.run_started is not None and self.run_started > self.watermark:
                parts[-1] += f", {_span(self.run_started - self.watermark)} to go"
        parts.append(f"{self.requests:,} requests ({self.requests / seconds:.1f}/s)")
        parts.append(f"throttled {self.throttled:.0f} s")
        if self.retries:
            parts.append(f"{self.retries:,} retries")
        return "; ".join(parts)


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
        warning = spec.forbidden if is_forbidden else ""
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


def _span(microseconds: Micros) -> str:
    """Return a duration in the largest unit of which there are at least two."""
    minutes = microseconds // MINUTE
    for name, size in (("days", 24 * 60), ("hours", 60)):
        if minutes >= 2 * size:
            return f"{minutes // size:,} {name}"
    return f"{minutes:,} minutes"
