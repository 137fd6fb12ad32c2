"""When a request is retried, and after how long."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Protocol

from tap_leads.rest.clock import Clock, SystemClock

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_WAIT = 60


class Rng(Protocol):
    """A source of random numbers, such as `random.Random`."""

    def uniform(self, a: float, b: float, /) -> float:
        """Return a number from `a` to `b`."""


class Outages:
    """The hosts that stayed unreachable until retries ended, for all accounts of a source.

    Attributes:
        has_answered: True if any request was answered, so that the network works.
    """

    def __init__(self) -> None:
        self._hosts: set[str] = set()
        self.has_answered = False

    def add(self, host: str) -> None:
        """Record that a host stayed unreachable."""
        self._hosts.add(host)

    def concern(self, host: str) -> bool:
        """Return True if waiting for a host is useless, because that or everything else failed."""
        return host in self._hosts or (bool(self._hosts) and not self.has_answered)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and for how long a request is tried.

    `max_tries` counts the first try; no try begins later than `max_seconds` after it.

    `backoff`, which makes the tries, sleeps by itself with `time.sleep` and measures
    `max_seconds` on the machine's clock; no other clock can be passed in. `clock` decides only
    whether a `Retry-After` fits into the time left. A test without waits passes an `rng` that
    returns 0.
    """

    rng: Rng = field(default_factory=random.Random)
    clock: Clock = field(default_factory=SystemClock)
    max_tries: int = 20
    max_seconds: float = 300
    outages: Outages = field(default_factory=Outages)

    def wait(self, error: Exception, failures: int) -> float:
        """Return the seconds to wait after a number of failures, 0 for the first.

        Full jitter under 1, 2, 4 ... 60 seconds, but never less than the error's `retry_after`.
        """
        return max(self.rng.uniform(0, min(_LONGEST_WAIT, 2**failures)), retry_after(error))


def retry_after(error: Exception) -> float:
    """Return the seconds that the server asked to wait before a retry, else 0."""
    return getattr(error, "retry_after", None) or 0.0


_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


def parse_retry_after(headers: Mapping[str, str], body: Any) -> float | None:
    """Return the seconds to wait that `Retry-After`, or `retry_after` in the body, asks for.

    The value is a number or an HTTP date. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    value = headers.get("Retry-After", "").strip()
    if not value and isinstance(body, dict):
        value = str(body.get("retry_after", ""))
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        # The date is by the server's clock, which may differ from the machine's.
        date = headers.get("Date")
        now = parsedate_to_datetime(date) if date else datetime.now(UTC)
        return (parsedate_to_datetime(value) - now).total_seconds()
    except (ValueError, TypeError):
        return None
