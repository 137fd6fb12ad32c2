"""What is measured and logged while one account of a stream is read."""

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
from tap_leads.timestamps import MINUTE, to_text

if TYPE_CHECKING:
    from tap_leads.errors import LeadsError
    from tap_leads.rest.client import Response
    from tap_leads.singer.bookmark import Bookmark
    from tap_leads.timestamps import Micros

_RUNNING = "running"


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
    outcome: str = _RUNNING
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
        if self.outcome == _RUNNING:
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


def _span(microseconds: Micros) -> str:
    """Return a duration in the largest unit of which there are at least two."""
    minutes = microseconds // MINUTE
    for name, size in (("days", 24 * 60), ("hours", 60)):
        if minutes >= 2 * size:
            return f"{minutes // size:,} {name}"
    return f"{minutes:,} minutes"
