"""Request one account: pace, authorize, send, check, parse, retry."""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

import backoff

from tap_leads.errors import Code, LeadsError
from tap_leads.rest.call import Call, Observer
from tap_leads.rest.errors import (
    AccountClosedError,
    CredentialError,
    ForeignLinkError,
    NoResponseError,
    PermanentError,
    TransientError,
)
from tap_leads.rest.http import Request, Response
from tap_leads.rest.retry import retry_after
from tap_leads.rest.session import redirect_of
from tap_leads.rest.status import StatusErrors, Wording
from tap_leads.urls import absolute, origin_of

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
# Calls that fail with a server error in all attempts while no call ever succeeded.
_MAX_SERVER_ERRORS = 2
# Renewals of the token for one attempt: an endpoint may reject a token that all others accept.
_MAX_RENEWALS = 2
_ACCEPT = {"Accept": "application/json"}
_SUCCESS = range(200, 300)
_REDIRECTION = range(300, 400)
# Statuses with which a token endpoint rejects a code or refresh token.
_NO_TOKENS = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED})


class AccountClient:
    """The HTTP client of one account; thread-safe.

    Args:
        auth: The credential.
        limiter: The rate limit, which other accounts may share.
        session: The connections.
        clock: The server's clock, which responses set.
        concurrency: Maximum number of concurrent requests of the account.
        wording, error_codes: As in `StatusErrors`.
        retry: When a request is retried.
        origin: Any URL of the account's API; nothing is sent to another origin.

    Attributes:
        errors: Makes errors of statuses.
        failure: Why no request of this account can succeed any more, or None.
        has_succeeded: True if at least one call succeeded.
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
        self.limiter = limiter
        self.failure: str | None = None
        self.has_succeeded = False
        self._auth = auth
        self._session = session
        self.errors = StatusErrors(wording, error_codes)
        self._retry = retry
        self._root = absolute(origin, "/")
        self._under_way = threading.Semaphore(concurrency)
        self._lock = threading.Lock()
        self._refusals = 0
        self._server_errors = 0
        self._date: str | None = None

    def call(
        self,
        build: Callable[[], Request],
        parse: Callable[[Response], T],
        *,
        observer: Observer,
        on_failure: Callable[[TransientError], None] | None = None,
        max_seconds: float = math.inf,
    ) -> T:
        """Return what `parse` makes of a successful response to the request of `build`.

        `build` is called for each try, right before it is sent: its request may depend on the
        current time, and on what `on_failure` learned from the error of the try before. `parse`
        may raise a TransientError to have the request retried, for `max_seconds` at most.

        Raises:
            PermanentError: A retry cannot succeed.
            LeadsError: No try succeeded; the message is the last error's.
        """
        call = Call(build, observer, on_failure, self.limiter, self._send_for_tokens)
        max_seconds = min(max_seconds, self._retry.max_seconds)
        deadline = self._retry.clock.monotonic() + max_seconds
        failures = count()

        def wait(error: Exception) -> float:
            return self._retry.wait(error, next(failures))

        def is_hopeless(error: Exception) -> bool:
            return retry_after(error) > deadline - self._retry.clock.monotonic()

        send = backoff.on_exception(
            backoff.runtime,
            TransientError,
            value=wait,
            max_tries=self._retry.max_tries,
            max_time=max_seconds,
            jitter=None,  # `wait` has it; more would cut a Retry-After short
            giveup=lambda error: self._retry.outages.concern(self._root) or is_hopeless(error),
            on_backoff=call.report_retry,
            logger=None,  # a failure is reported once, by whoever made the call
        )(self._attempt)
        try:
            return send(call, parse)
        except TransientError as error:
            failure: LeadsError = error
            if isinstance(error, NoResponseError):
                cause = f"no response: {error.cause}" if error.is_of_api else error.cause
                advice = error.advice or f"Check the network and {self.errors.wording.base_url}"
                failure = LeadsError(cause, advice, code=error.code)
            is_refused = error.status == HTTPStatus.TOO_MANY_REQUESTS and error.retry_after
            if (is_refused and is_hopeless(error)) or self._is_dead(error):
                raise self.close(failure) from None
            raise failure from None
        except PermanentError as error:
            if error.fatal_for_account or self._has_moved(error):
                raise self.close(error) from None
            raise

    def close(self, error: LeadsError) -> LeadsError:
        """Send nothing more, because of an error; return it as one that ends the account."""
        with self._lock:
            if self.failure is None:
                self.failure = str(error)
        if isinstance(error, PermanentError) and error.fatal_for_account:
            return error
        return PermanentError(error.cause, error.advice, code=error.code, fatal_for_account=True)

    def _attempt(self, call: Call, parse: Callable[[Response], T]) -> T:
        """Make one try."""
        try:
            with self._under_way:
                response = self._send(call)
            if response.status == HTTPStatus.TOO_MANY_REQUESTS:
                self._count_refusal()
            else:
                self._refusals = 0
            if response.status not in _SUCCESS:
                raise self.errors.error_of(response)
            result = parse(response)
        except TransientError as error:
            if call.on_failure is not None:
                call.on_failure(error)
            raise
        self.has_succeeded = self._retry.outages.has_answered = True
        return result

    def _send(self, call: Call) -> Response:
        """Return the response to the request of a call, sent again with each renewed token."""
        renewals = 0
        while True:
            if self.failure is not None:
                self._refuse_if_closed()
            # Before the slot is acquired: a request for tokens in between would make it late.
            credential = self._auth.headers(call)
            try:
                slot = call.slot = self.limiter.acquire()
                if self.failure is not None:  # by now
                    self._refuse_if_closed()
                request = call.build()
                if not request.url.startswith(self._root):
                    self._check_origin(request.url)
                headers = {**_ACCEPT, **request.headers, **credential}
                request = replace(request, headers=headers)
                response = self._exchange(call, request, slot)
                if response.status in _REDIRECTION:
                    response = self._follow_redirects(call, request, response)
            except BaseException:
                self._auth.record_no_answer(credential)
                raise
            is_rejected = response.status == HTTPStatus.UNAUTHORIZED
            if is_rejected and renewals >= _MAX_RENEWALS:
                self._auth.record_no_answer(credential)
                return response
            concerns_token = is_rejected or self._auth.is_on_trial
            if not concerns_token or not self._auth.renew_if_rejected(response, credential, call):
                return response
            renewals += 1

    def _refuse_if_closed(self) -> None:
        if self.failure is not None:
            raise AccountClosedError(self.failure)

    def _exchange(self, call: Call, request: Request, slot: Slot) -> Response:
        response = None
        try:
            response = self._session.send(request, partial(self.limiter.record_answer, slot))
        finally:
            call.observer.sent(slot.waited, response)
        date = response.headers.get("Date")
        if date is not None and date != self._date:
            # `Date` has whole seconds: the first response of a second is closest to it.
            self._date = date
            self.clock.learn(response.headers)
        return response

    def _check_origin(self, url: str) -> None:
        if origin_of(url) != origin_of(self._root):
            raise ForeignLinkError(
                "the next link points to another host; not followed, to protect the credential",
                "If `api_url` is a proxy, it must rewrite the links in responses",
            )

    def _follow_redirects(self, call: Call, request: Request, response: Response) -> Response:
        """Return the response at the end of redirects on the same origin; the token goes along."""
        for _ in range(_MAX_REDIRECTS):
            if (url := redirect_of(response)) is None:
                break
            slot = call.slot = self.limiter.acquire()
            response = self._exchange(call, replace(request, url=url, params=None), slot)
        return response

    def _send_for_tokens(self, call: Call, url: str, content: Mapping[str, str]) -> Response:
        """Send a request for tokens: in the slot of the call, without a token, never redirected."""
        request = Request("POST", url, json=content, headers=_ACCEPT)
        response = self._exchange(call, request, call.slot or self.limiter.acquire())
        if response.status in _NO_TOKENS or response.status in _SUCCESS:
            return response
        error = self.errors.error_of(response)
        if isinstance(error, PermanentError):
            cause = f"the API issued no tokens: {error.cause}"
            raise CredentialError(cause, error.advice, code=Code.NO_TOKENS_ISSUED)
        raise error

    def _count_refusal(self) -> None:
        with self._lock:
            self._refusals = refusals = self._refusals + 1
        if refusals >= _MAX_REFUSALS:
            raise PermanentError(
                f"the API rejected {refusals} requests in a row (HTTP 429); syncing stopped before "
                "the API blocks the IP address",
                "Run the sync again later with a lower `requests_per_second`",
                code=Code.RATE_LIMITED,
                fatal_for_account=True,
            )

    def _is_dead(self, error: TransientError) -> bool:
        """True if an error in all attempts of a call concerns the whole account.

        A server that answers may fail for one list alone, so a second call has to fail as well.
        """
        if isinstance(error, NoResponseError) and error.is_unreachable:
            self._retry.outages.add(self._root)
            return True
        if self.has_succeeded:
            return False
        if isinstance(error, NoResponseError):
            return True
        if (error.status or 0) < HTTPStatus.INTERNAL_SERVER_ERROR:
            return False
        with self._lock:
            self._server_errors += 1
            return self._server_errors >= _MAX_SERVER_ERRORS

    def _has_moved(self, error: PermanentError) -> bool:
        """True for a redirect that is not followed, if nothing else was ever answered."""
        return not self.has_succeeded and error.status in _REDIRECTION
