"""When a request is retried, and after how long."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import backoff

from tap_leads.rest.clock import Clock, SystemClock
from tap_leads.rest.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from backoff.types import Details

T = TypeVar("T")

_LONGEST_WAIT = 60


class Rng(Protocol):
    """A source of random numbers, such as `random.Random`."""

    def uniform(self, a: float, b: float, /) -> float:
        """Return a number from `a` to `b`."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and for how long a request is tried.

    `max_tries` counts the first try; no try begins later than `max_seconds` after it.

    `backoff` sleeps by itself with `time.sleep` and measures `max_seconds` on the machine's
    clock; it takes no other. `clock` decides only whether a `Retry-After` fits into the time
    left. A test without waits passes an `rng` that always returns 0.
    """

    rng: Rng = field(default_factory=random.Random)
    clock: Clock = field(default_factory=SystemClock)
    max_tries: int = 20
    max_seconds: float = 300

    def call(
        self, attempt: Callable[[], T], on_retry: Callable[[TransientError, int, float], None]
    ) -> T:
        """Return what `attempt` returns, retried for as long as it raises a TransientError.

        `on_retry` receives the error, the number of the try that follows and the seconds until
        then. A `Retry-After` that is longer than the time left ends the retries at once.
        """
        deadline = self.clock.monotonic() + self.max_seconds

        def is_hopeless(error: Exception) -> bool:
            return retry_after(error) > deadline - self.clock.monotonic()

        def report(details: Details) -> None:
            error = details["exception"]
            if isinstance(error, TransientError):
                on_retry(error, details["tries"] + 1, details["wait"])

        retried = backoff.on_exception(
            self.waits,
            TransientError,
            max_tries=self.max_tries,
            max_time=self.max_seconds,
            jitter=None,  # `waits` has it; more would cut a Retry-After short
            giveup=is_hopeless,
            on_backoff=report,
            logger=None,  # a failed account is reported once, where its error ends
        )(attempt)
        return retried()

    def waits(self) -> Generator[float, Any, None]:
        """Yield seconds to wait after each error sent in: full jitter under 1, 2, 4 ... 60.

        A wait is never shorter than the error's `Retry-After`.
        """
        error = yield 0.0
        for attempt in count():
            wait = self.rng.uniform(0, min(_LONGEST_WAIT, 2**attempt))
            error = yield max(wait, retry_after(error))


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
