"""One call of a client, with all its attempts."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from backoff.types import Details

    from tap_leads.errors import Code, LeadsError
    from tap_leads.rest.errors import TransientError
    from tap_leads.rest.http import Request, Response
    from tap_leads.rest.rate_limiter import RateLimiter, Slot


class Observer(Protocol):
    """Receives what happens during a call, for counts, metrics and log lines."""

    def sent(self, throttled: float, response: Response | None) -> None:
        """Record a request: seconds throttled, and its response, or None if there was none."""

    def retrying(self, error: LeadsError, attempt: int, wait: float) -> None:
        """Report that a request failed; attempt number `attempt` starts in `wait` seconds."""

    def warn(self, message: str, code: Code) -> None:
        """Log a warning about the account."""

    def inform(self, message: str) -> None:
        """Log a line about the account."""


@dataclass(slots=True)
class Call:
    """One `call` with all its attempts; also the token endpoint for its `auth`.

    Attributes:
        build: Returns the request, for each attempt.
        observer: Receives what happens.
        on_failure: Receives the error of each failed attempt.
        limiter: The rate limit of the account.
        send_for_tokens: Sends a request for tokens as part of this call.
        slot: The place of the last request under the rate limit.
    """

    build: Callable[[], Request]
    observer: Observer
    on_failure: Callable[[TransientError], None] | None
    limiter: RateLimiter
    send_for_tokens: Callable[[Call, str, Mapping[str, str]], Response]
    slot: Slot | None = None

    def report_retry(self, details: Details) -> None:
        """Report a retry, and slow all requests down after a 429."""
        error = cast("TransientError", details["exception"])
        if error.status == HTTPStatus.TOO_MANY_REQUESTS and self.slot is not None:
            self.limiter.slow_down(self.slot, details["wait"])
        self.observer.retrying(error, details["tries"] + 1, details["wait"])

    def acquire(self) -> None:
        """Wait until the rate limit allows a request for tokens."""
        self.slot = self.limiter.acquire()

    def post(self, url: str, content: Mapping[str, str]) -> Response:
        """Send a request for tokens as JSON; the response is a success, a 400 or a 401."""
        return self.send_for_tokens(self, url, content)

    def warn(self, text: str, code: Code) -> None:
        """Log a warning that names the account."""
        self.observer.warn(text, code)
