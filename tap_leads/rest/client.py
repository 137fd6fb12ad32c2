"""Request one account: pace, authorize, send, check, parse, retry."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tap_leads.errors import LeadsError
from tap_leads.rest.errors import (
    AccountClosedError,
    AnswerError,
    CredentialError,
    ForeignLinkError,
    NoAnswerError,
    TransientError,
)
from tap_leads.rest.messages import Request, Response
from tap_leads.rest.session import redirect_of
from tap_leads.rest.status import StatusCheck, Wording
from tap_leads.urls import origin_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tap_leads.rest.auth.token import Auth
    from tap_leads.rest.clock import ServerClock
    from tap_leads.rest.rate_limiter import RateLimiter, Slot
    from tap_leads.rest.retry import RetryPolicy
    from tap_leads.rest.session import Session

__all__ = ["AccountClient", "Observer", "Request", "Response", "Wording"]

T = TypeVar("T")

_MAX_REDIRECTS = 5
# 429s in a row after which another request would only bring a block.
_MAX_REFUSALS = 20


class Observer(Protocol):
    """Receives what happens during a call, for counts, metrics and log lines."""

    def requested(self, throttled: float) -> None:
        """A request is about to be sent; it waited `throttled` seconds for the rate limit."""

    def responded(self, response: Response) -> None:
        """A response, of whatever status, has arrived; not called for requests for tokens."""

    def retrying(self, error: Exception, attempt: int, wait: float) -> None:
        """A try failed; the one with number `attempt` follows in `wait` seconds."""

    def warn(self, message: str) -> None:
        """Something about the account that is no failure."""


class AccountClient:
    """The way to one account's API; threads share it.

    Args:
        auth: The credential.
        limiter: The rate limit, which other accounts may share.
        session: The connections.
        clock: The server's clock, set by each response.
        concurrency: How many requests of the account may be under way at once.
        wording: The settings that messages refer to.
        error_codes: Returns the error codes and request ids in an error's body; it may raise any
            of `UNREADABLE`. What is not fit for a log is left out.
        retry: When a request is retried.
        origin: Any URL of the account's API; nothing is sent to another origin.

    Attributes:
        failure: Why no request of this account can succeed any more, or None.
        has_answered: True if at least one call succeeded.
    """

    def __init__(  # noqa: PLR0913  # the composition root passes every part by name
        self,
        *,
        auth: Auth,
        limiter: RateLimiter,
        session: Session,
        clock: ServerClock,
        concurrency: int,
        wording: Wording,
        error_codes: Callable[[Any], Iterable[object]],
        retry: RetryPolicy,
        origin: str,
    ) -> None:
        self.clock = clock
        self.failure: str | None = None
        self.has_answered = False
        self._auth = auth
        self._limiter = limiter
        self._session = session
        self._status = StatusCheck(wording, error_codes)
        self._retry = retry
        self._origin = origin_of(origin)
        self._under_way = threading.Semaphore(concurrency)
        self._lock = threading.Lock()
        self._refusals = 0

    def call(
        self,
        build: Callable[[], Request],
        parse: Callable[[Response], T],
        *,
        observer: Observer,
        on_failure: Callable[[TransientError], None] | None = None,
    ) -> T:
        """Return what `parse` makes of a successful response to the request of `build`.

        `build` is called for each try, right before it is sent: its request may depend on the
        current time, and on what `on_failure` learned from the error of the try before. `parse`
        may raise a TransientError to have the request retried.

        Raises:
            AnswerError: The API does not answer this request.
            LeadsError: No try succeeded; the message is the last error's.
        """
        call = _Call(self, build, observer)

        def attempt() -> T:
            try:
                with self._under_way:
                    return self._attempt(call, parse)
            except TransientError as error:
                if on_failure is not None:
                    on_failure(error)
                raise

        def report(error: TransientError, number: int, wait: float) -> None:
            if error.status == HTTPStatus.TOO_MANY_REQUESTS and call.slot is not None:
                self._limiter.slow_down(call.slot, wait)
            observer.retrying(error, number, wait)

        try:
            return self._retry.call(attempt, report)
        except NoAnswerError as error:
            raise LeadsError(
                f"no answer ({error}); look at the network and at {self._status.wording.address}"
            ) from None
        except AnswerError as error:
            if error.fatal_for_account:
                self._close(error)
            raise

    def failure_for(self, status: int, body: Any = None) -> LeadsError:
        """Return the error for a status, also for one inside the body of a 200."""
        return self._status.error_for(status, body)

    def _attempt(self, call: _Call, parse: Callable[[Response], T]) -> T:
        response = self._send_authorized(call)
        self._count_refusals(response.status)
        self._status.check(response)
        result = parse(response)
        self.has_answered = True
        return result

    def _send_authorized(self, call: _Call) -> Response:
        """Return a response; a rejected token is renewed and the request sent again."""
        while True:
            self._check_open()
            # Before the slot is acquired: a request for tokens in between would make it late.
            self._auth.ensure_valid(call)
            slot = self._acquire(call)
            self._check_open()
            request = self._own(call.build())
            credential = self._auth.headers()
            headers = {"Accept": "application/json", **request.headers, **credential}
            response = self._send_redirected(call, replace(request, headers=headers), slot)
            if not self._auth.should_retry(response, credential, call):
                return response

    def _own(self, request: Request) -> Request:
        if origin_of(request.url) != self._origin:
            raise ForeignLinkError(
                "the next link leads to another host and was not followed: it would get the token"
            )
        return request

    def _send_redirected(self, call: _Call, request: Request, slot: Slot) -> Response:
        """Return a response; redirects are followed on their own origin, with the token."""
        response = self._send(call, request, slot)
        call.observer.responded(response)
        for _ in range(_MAX_REDIRECTS):
            if (url := redirect_of(response)) is None:
                break
            response = self._send(call, replace(request, url=url, params=None), self._acquire(call))
            call.observer.responded(response)
        return response

    def _acquire(self, call: _Call) -> Slot:
        call.slot = self._limiter.acquire()
        return call.slot

    def _send(self, call: _Call, request: Request, slot: Slot) -> Response:
        call.observer.requested(slot.waited)
        response = self._session.send(request, slot)
        self.clock.learn(response.headers)
        return response

    def post_for_tokens(self, call: _Call, url: str, content: Mapping[str, str]) -> Response:
        """Send a request for tokens: under the rate limit, without a token, never redirected."""
        headers = {"Accept": "application/json"}
        request = Request("POST", url, json=content, headers=headers)
        response = self._send(call, request, self._acquire(call))
        if response.status not in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}:
            try:
                self._status.check(response)
            except AnswerError as error:
                raise CredentialError(f"the API gives no tokens: {error}") from None
        return response

    def _count_refusals(self, status: int) -> None:
        with self._lock:
            is_refused = status == HTTPStatus.TOO_MANY_REQUESTS
            self._refusals = refusals = self._refusals + 1 if is_refused else 0
        if refusals >= _MAX_REFUSALS:
            raise AnswerError(
                f"the API refused {refusals} requests in a row (429); the tap stops before "
                "it is blocked; try later, with a lower `requests_per_second`",
                fatal_for_account=True,
            )

    def _check_open(self) -> None:
        if self.failure is not None:
            raise AccountClosedError(self.failure)

    def _close(self, error: AnswerError) -> None:
        with self._lock:
            if self.failure is None:
                self.failure = str(error)


@dataclass(slots=True)
class _Call:
    """One `call` over all its tries; also the way to the token endpoint meanwhile.

    `slot` is that of the last request.
    """

    client: AccountClient
    build: Callable[[], Request]
    observer: Observer
    slot: Slot | None = None

    def post(self, url: str, content: Mapping[str, str]) -> Response:
        return self.client.post_for_tokens(self, url, content)

    def warn(self, text: str) -> None:
        self.observer.warn(text)
