"""One account of a stream, as a sweep sees it: requests, tried again where that may help."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import backoff
import requests

from tap_leads import instants
from tap_leads.client import Ask, kind_of
from tap_leads.errors import AnswerError, CredentialError, LeadsError, TransientError
from tap_leads.pagination import HALPaginator
from tap_leads.transport import redirect_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from backoff.types import Details
    from singer_sdk.helpers.types import Context

    from tap_leads.accounts import Account
    from tap_leads.leads import LeadsStream
    from tap_leads.pagination import Page, Paginator, PositionPaginator, Record
    from tap_leads.progress import Tally
    from tap_leads.query import Query

_MAX_REDIRECTS = 5
_MAX_RETRY_SECONDS = 300
# Pages that must come well before a page that was made smaller is made larger again.
_GOOD_PAGES = 5
_TOO_SLOW = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.GATEWAY_TIMEOUT}


class AccountReader:
    """Asks one account for pages; threads may do so at once."""

    def __init__(
        self, stream: LeadsStream, account: Account, context: Context, tally: Tally
    ) -> None:
        """Ask for what `stream` is made of, and count in `tally` what it took."""
        self._stream = stream
        self._account = account
        self._context = context
        self._tally = tally
        self._size = _PageSize(stream.page_size)
        self._closed = False
        self.page_size = stream.page_size
        self.tick = stream.tick
        self.slack = stream.slack
        self.has_keyless = stream.reads_keyless(account)
        self.reach = stream.reach
        self.cuts = stream.cuts
        self.lookback = account.lookback
        self._ask = backoff.on_exception(
            stream.backoff_wait_generator,
            (TransientError, requests.RequestException),
            max_tries=stream.backoff_max_tries,
            max_time=_MAX_RETRY_SECONDS,
            jitter=stream.backoff_jitter,
            on_backoff=self._on_backoff,
            logger=None,  # it would log the URL
        )(self._try)

    def ask(
        self, query: Query, paginator: Paginator[Any] | None = None, *, rows_expected: bool = False
    ) -> Page:
        """The page that answers; with `rows_expected` an empty one is asked for again.

        Raises:
            LeadsError: there is no such page; one line says why.
        """
        try:
            page: Page = self._ask(
                self._stream.where(self._context), query, paginator, rows_expected=rows_expected
            )
        except requests.RequestException as error:
            msg = f"no answer ({kind_of(error)}); look at the network and at {self._stream.address}"
            raise LeadsError(msg) from None
        except AnswerError as error:
            if error.closes:
                self._account.closed = error
            raise
        return page

    def close(self) -> None:
        """Ask nothing more: nobody waits for the answers."""
        self._closed = True

    def identity(self, record: Record) -> Any:
        """What tells a row from all others."""
        return self._stream.read_identity(record)

    def key(self, record: Record) -> int | None:
        """The replication key of a row as it came."""
        return self._stream.read_key(self._account, record)

    def now(self) -> int:
        """The source's clock."""
        return self._account.clock.now()

    def positions(self, query: Query) -> PositionPaginator[Any]:
        """Walk by position."""
        return self._stream.get_positions(query)

    def links(self) -> HALPaginator:
        """Walk by next links."""
        return HALPaginator(self._stream.get_base(self._account))

    def post(self, url: str, content: Mapping[str, str]) -> requests.Response:
        """A request for tokens, for the account's `auth`: under the budget, and not redirected."""
        waited = self._account.budget.wait()
        headers = {"Accept": "application/json", "User-Agent": self._stream.user_agent}
        prepared = requests.Request("POST", url, headers=headers, json=content).prepare()
        response = self._transmit(prepared, waited)
        if response.status_code not in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}:
            try:
                self._stream.validate_response(response)
            except AnswerError as error:
                raise CredentialError(f"the API gives no tokens: {error}") from None
        return response

    def warn(self, text: str) -> None:
        """Say something about the account that is no failure."""
        self._stream.logger.warning("%s: %s", self._stream.where(self._context), text)

    def _try(
        self, _where: str, query: Query, paginator: Paginator[Any] | None, *, rows_expected: bool
    ) -> Page:
        size = 1 if query.newest else self._size.rows
        ask = Ask(query, size, paginator.fit(size) if paginator else None)
        ahead = self._account.clock.ahead
        try:
            page = self._send(ask)
            if self._stream.bounds_are_ages and self._is_shifted(ahead):
                page = self._send(ask)
        except requests.Timeout:
            self._size.shrink(size)
            raise
        except TransientError as error:
            if error.status in _TOO_SLOW:
                self._size.shrink(size)
            raise
        self._size.came_well(len(page.records))
        self._account.has_answered = True
        if rows_expected and not page.records:
            msg = "an empty answer where there was a lead a moment ago"
            raise TransientError(msg)
        return page

    def _is_shifted(self, ahead: int) -> bool:
        """Whether the server's clock turned out to be another one than was thought."""
        return abs(self._account.clock.ahead - ahead) > instants.MINUTE

    def _send(self, ask: Ask) -> Page:
        """One request, and another where its token was refused and there is a new one."""
        auth = self._account.auth
        response = self._send_with_token(ask)
        while auth and auth.is_worth_another_try(response, self):
            response = self._send_with_token(ask)
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            self._account.refused()
        else:
            self._account.answered()
        return self._stream.read(response, ask)

    def _send_with_token(self, ask: Ask) -> requests.Response:
        """One request; a redirect is followed on its own origin alone: the token goes along."""
        self._check_open()
        if self._account.auth:
            # Before the turn of the request: another one in between would make it late.
            self._account.auth.ready(self)
        waited = self._account.budget.wait()
        self._check_open()
        prepared = self._stream.prepare(ask, self._context)
        response = self._send_once(prepared, waited)
        for _ in range(_MAX_REDIRECTS):
            if (url := redirect_of(response)) is None:
                break
            prepared.url = url
            response = self._send_once(prepared, self._account.budget.wait())
        return response

    def _check_open(self) -> None:
        if self._closed:
            raise LeadsError("the run has ended")
        if self._account.closed:
            raise self._account.closed

    def _send_once(self, prepared: requests.PreparedRequest, waited: float) -> requests.Response:
        response = self._transmit(prepared, waited)
        self._stream.log_duration(response, self._context)
        return response

    def _transmit(self, prepared: requests.PreparedRequest, waited: float) -> requests.Response:
        self._tally.add(requests=1, waited=waited / self._stream.config["concurrency"])
        response = self._account.transport.send(prepared, self._stream.request_timeout)
        self._account.clock.learn(response)
        return response

    def _on_backoff(self, details: Details) -> None:
        error = details["exception"]
        if isinstance(error, TransientError):
            if (error.retry_after or 0) > details["wait"]:
                raise error  # there is not that much time left
            if error.status == HTTPStatus.TOO_MANY_REQUESTS:
                self._account.budget.refused(details["wait"])
        self._tally.add(retries=1)
        self._stream.backoff_handler(details)


class _PageSize:
    """The rows to ask for: fewer after answers that took too long, then more again.

    A size that fails before it ever came is too large, and is tried again later each time; one
    that came and fails now and then is not.
    """

    def __init__(self, full: int) -> None:
        self.rows = self._full = full
        self._good = 0
        self._patience = _GOOD_PAGES
        self._is_untried = False

    def shrink(self, tried: int) -> None:
        """A page of that size took too long; another thread may have told so before."""
        if tried == self.rows > 1:
            self.rows //= 2
            self._good = 0
            self._patience = self._patience * 2 if self._is_untried else _GOOD_PAGES
            self._is_untried = False

    def came_well(self, rows: int) -> None:
        """So many rows came in time; fewer than a page has do not show what is too large."""
        if rows < self.rows:
            return
        self._good += 1
        self._is_untried = False
        if self._good >= self._patience and self.rows < self._full:
            self.rows = min(self._full, self.rows * 2)
            self._good = 0
            self._is_untried = True
