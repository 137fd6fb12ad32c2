"""Adapter from a source's API and an account's client to the `Collection` of replication.

Sources and replication do not know each other or HTTP; they meet here.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from tap_leads.errors import DATA_ERRORS, Code, LeadsError
from tap_leads.replication.model import Order, Page, Query, Row
from tap_leads.replication.pagination import Link
from tap_leads.rest.body import decode
from tap_leads.rest.client import Request
from tap_leads.rest.errors import OPTIONAL_MEANINGS, PermanentError, TransientError
from tap_leads.sources.base import FieldError, RawPage, StatusInBodyError, record_error
from tap_leads.timestamps import MINUTE, SECOND
from tap_leads.urls import absolute

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from tap_leads.replication.model import Record
    from tap_leads.replication.pagination import Position
    from tap_leads.rest.client import Observer, Response
    from tap_leads.sources.base import Account, StreamSpec

OPTIONAL_SECONDS = 60
"""How long a request for an optional list is retried: the streams after it wait for it."""
# Statuses of a list that may be those of the whole account.
_OF_ACCOUNT = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.PAYMENT_REQUIRED})
_EMPTY = RawPage((), has_more=False)
# Full pages to receive before a reduced page size is doubled again.
_GOOD_PAGES = 5


class ApiLists:
    """The lists of one account, as the strategy of one stream reads them.

    Attributes:
        answered: The paths of lists with at least one page.
        refused: The path of the list whose request was refused last.
    """

    def __init__(
        self,
        account: Account,
        stream: StreamSpec,
        observer: Observer,
        *,
        deselected: Collection[str] = (),
    ) -> None:
        """Read `stream`, without requesting `deselected` columns if the API can omit them."""
        self.account = account
        self.stream = stream
        self.observer = observer
        self.deselected = deselected
        self.lookback = int(account.settings["lookback_seconds"]) * SECOND
        self.settings, self.shared = account.settings, account.shared.values
        self.kept: Mapping[str, Any] = {}
        self.is_closed = False
        self.answered: set[str] = set()
        self.refused = ""

    def collection(self, stream: StreamSpec | None = None) -> ApiCollection:
        """Return the stream's list, or that of another stream of the account."""
        return ApiCollection(self, stream or self.stream)

    def warn(self, message: str, code: Code) -> None:
        """Log a warning that names the stream and the account."""
        self.observer.warn(message, code)

    def inform(self, message: str) -> None:
        """Log a line that names the stream and the account."""
        self.observer.inform(message)

    def has_no_list(self, error: Exception) -> bool:
        """Return True if an error means that the API does not have the list for the account."""
        status = error.status if isinstance(error, PermanentError) else None
        is_refused = self.stream.optional and status in OPTIONAL_MEANINGS
        is_refused = is_refused and self.refused not in self.answered
        return is_refused and self.account.client.failure is None

    def close(self) -> None:
        """Reject further requests, because nobody would use the responses."""
        self.is_closed = True


class ApiCollection:
    """One list of an account, read through its API; several threads may use it concurrently."""

    def __init__(self, lists: ApiLists, stream: StreamSpec) -> None:
        """Read the list of `stream`."""
        self.traits = stream.traits
        self.paginator = stream.paginator
        self._lists = lists
        self._stream = stream
        self._account = lists.account
        self._first = stream.paginator.first(stream.traits.page_size)
        self._params = (
            stream.params(lists.account.settings, lists.deselected)
            if callable(stream.params)
            else stream.params
        )
        self._sizes = PageSize(stream.traits.page_size)
        endpoint = lists.account.endpoint
        is_of_account = endpoint is not None and stream.path == endpoint.path
        # A 402 of the account itself ends the account, whichever stream requests it.
        self._is_optional = lists.stream.optional and not is_of_account
        is_short = stream.optional and stream.strategy.prefetch
        self._max_seconds = OPTIONAL_SECONDS if is_short else math.inf

    def now(self) -> int:
        """Return the server's clock."""
        return self._account.client.clock.now()

    def fetch(self, query: Query, at: Position | None = None) -> Page:
        """Return the first page of `query`, or the page at `at`.

        Raises:
            LeadsError: The page cannot be fetched; the message is one line.
        """
        client, sizes = self._account.client, self._sizes
        size = sizes.rows

        def build() -> Request:
            nonlocal size
            if self._lists.is_closed:
                raise LeadsError("the run has ended")
            position = at or self._first
            size = 1 if query.order is Order.NEWEST else sizes.rows
            if size < self.traits.page_size:
                position = position.fit(size)
            if isinstance(position, Link) and position.url:
                return Request("GET", position.url, at=position, optional=self._is_optional)
            now = self.now() if self.traits.relative_bounds else 0
            request = self._account.api.request(self._stream, query, position, now)
            params = {**self._params, **(request.params or {})}
            return replace(request, params=params, at=position, optional=self._is_optional)

        def note(error: TransientError) -> None:
            sizes.failed(error, size)

        offset = client.clock.offset
        send = partial(
            client.call,
            build,
            observer=self._lists.observer,
            on_failure=note,
            max_seconds=self._max_seconds,
        )
        call: Callable[[], Page] = partial(send, self._page)
        if self._stream.is_shared:
            key = f"{self._stream.path} {self._params} {query} {at}"
            call = partial(self._account.shared.page, key, self._page, send)
        try:
            page = call()
            if self.traits.relative_bounds and abs(client.clock.offset - offset) > MINUTE:
                # The bounds were counted from a local clock that is wrong (apis/dashly.md 3).
                page = call()
        except PermanentError as error:
            self._lists.refused = self._stream.path
            raise self._explained(error) from None
        self._lists.answered.add(self._stream.path)
        if sizes.is_reduced:
            sizes.arrived(len(page.rows))
        return page

    def _explained(self, error: PermanentError) -> LeadsError:
        """Return the error to raise for one.

        If it is the first response, it may concern the whole account: a 404 if the account does
        not exist, a 402 for an optional list if nothing is paid. The account's endpoint shows it.
        """
        endpoint, client = self._account.endpoint, self._account.client
        advice = self._stream.forbidden_advice
        if advice and error.status == HTTPStatus.FORBIDDEN and not error.fatal_for_account:
            return PermanentError(error.cause, advice, code=error.code, status=error.status)
        if error.status not in _OF_ACCOUNT or error.fatal_for_account or client.has_succeeded:
            return error
        if endpoint is None:
            return client.close(error)
        if endpoint.path == self._stream.path:
            return client.close(client.errors.no_account(self._account.api.base_url))
        lists = ApiLists(self._account, endpoint, self._lists.observer)
        try:
            lists.collection().fetch(Query())
        except PermanentError as failure:
            if failure.fatal_for_account:
                return failure
        return error

    def _page(self, response: Response) -> Page:
        """Return the page in a response.

        Raises:
            RecordError: A record cannot be read.
            TransientError: The response does not contain a page.
        """
        records, has_more, total, link = _EMPTY
        at, body = response.request.at if response.request else None, None
        try:
            if response.status != HTTPStatus.NO_CONTENT:  # an empty page (apis/kommo.md 5)
                body = (self._stream.decode or decode)(response.body)
                page: Any = self._account.api.page(self._stream, body, at)
                records, has_more, total, link = page
                if not isinstance(total, int | None) or not isinstance(link, str | None):
                    raise TypeError
        except FieldError as error:
            raise record_error(error) from None
        except StatusInBodyError as error:
            raise self._account.client.errors.error_for(error.status, body) from None
        except DATA_ERRORS:
            raise TransientError(
                "the response has an unexpected format (incomplete, not JSON, or without IDs)",
                "Check that `api_url` points to the API",
                code=Code.INVALID_RESPONSE,
            ) from None
        if isinstance(at, Link) and link is not None and "://" not in link:
            link = absolute(response.url, link)
        return Page(self._rows(records), has_more, total, link, at)

    def _rows(self, records: Sequence[Record]) -> list[Row]:
        """Return the rows of records.

        Raises:
            RecordError: A record has no valid ID, or is not an object.
        """
        identity = self._stream.identity
        cursor = self._stream.replication_key or self._stream.edited_at
        try:
            if cursor is None:
                rows = [Row(record, identity(record), None) for record in records]
            elif cursor.read is not None:
                settings = self._account.settings
                rows = [Row(each, identity(each), cursor.read(each, settings)) for each in records]
            else:
                field, parse = cursor.field, cursor.parse
                rows = [Row(each, identity(each), parse(each.get(field))) for each in records]
        except DATA_ERRORS as error:
            raise record_error(error) from None
        if not all(isinstance(row.id, (int, str, tuple)) for row in rows):
            raise record_error(FieldError(self._stream.primary_key[-1]))
        return rows


class PageSize:
    """The number of rows to request: halved after a timeout, later doubled (apis/kommo.md 25).

    `is_reduced` is True while `arrived` must be called.

    If a size times out before it ever succeeded, it is too large, and twice as many pages must
    succeed before the next attempt. A size that succeeded before is attempted again as usual.
    """

    def __init__(self, full: int) -> None:
        """Start with full pages."""
        self.rows = self._full = full
        self.is_reduced = False
        self._good = 0
        self._patience = _GOOD_PAGES
        self._is_untried = False

    def failed(self, error: TransientError, tried: int) -> None:
        """Halve the size after a page of `tried` rows timed out, unless another thread did so."""
        if error.is_too_slow and tried == self.rows > 1:
            self.rows //= 2
            self.is_reduced = True
            self._good = 0
            self._patience = self._patience * 2 if self._is_untried else _GOOD_PAGES
            self._is_untried = False

    def arrived(self, rows: int) -> None:
        """Count a page that arrived in time; only a full page proves that its size works."""
        if rows < self.rows:
            return
        self._good += 1
        self._is_untried = False
        self.is_reduced = self.rows < self._full
        if self._good >= self._patience and self.rows < self._full:
            self.rows = min(self._full, self.rows * 2)
            self._good = 0
            self.is_reduced = self._is_untried = True
