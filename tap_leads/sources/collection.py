"""Lists of an account as replication reads them: a source's API over the account's client."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from tap_leads.errors import UNREADABLE, LeadsError
from tap_leads.replication.model import Order, Page, Row
from tap_leads.replication.pagination import Link
from tap_leads.rest.body import decode
from tap_leads.rest.client import Request
from tap_leads.rest.errors import TransientError
from tap_leads.sources.base import FieldError, RecordError, StatusInBodyError, odd_record
from tap_leads.timestamps import MINUTE, SECOND
from tap_leads.urls import absolute

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tap_leads.replication.model import Query, Record
    from tap_leads.replication.pagination import Position
    from tap_leads.rest.client import Observer, Response
    from tap_leads.sources.base import Account, StreamSpec

# Full pages that must arrive before a page that was made smaller is made larger again.
_GOOD_PAGES = 5


class AccountReader:
    """Reads one stream of an account; what a replication strategy knows of the account."""

    def __init__(
        self,
        account: Account,
        stream: StreamSpec,
        observer: Observer,
        *,
        deselected: Collection[str] = (),
    ) -> None:
        """Read `stream`, without asking for `deselected` columns where the API can omit them."""
        self.account = account
        self.stream = stream
        self.observer = observer
        self.deselected = deselected
        self.lookback = int(account.settings["lookback_seconds"]) * SECOND
        self.is_closed = False

    def collection(self, stream: StreamSpec | None = None) -> ApiCollection:
        """Return the stream's list, or that of another stream of the account."""
        return ApiCollection(self, stream or self.stream)

    def warn(self, message: str) -> None:
        """Log a warning that names the stream and the account."""
        self.observer.warn(message)

    def close(self) -> None:
        """Send no more requests: nobody waits for the answers."""
        self.is_closed = True


class ApiCollection:
    """One list of an account over its API; threads may share it."""

    def __init__(self, reader: AccountReader, stream: StreamSpec) -> None:
        """Read the list of `stream`."""
        self.traits = stream.traits
        self.paginator = stream.paginator
        self._reader = reader
        self._stream = stream
        self._account = reader.account
        self._client = reader.account.client
        self._params = (
            stream.params(reader.account.settings, reader.deselected)
            if callable(stream.params)
            else stream.params
        )
        self._size = PageSize(stream.traits.page_size)

    def now(self) -> int:
        """Return the server's clock."""
        return self._client.clock.now()

    def fetch(self, query: Query, at: Position | None = None, *, expect_rows: bool = False) -> Page:
        """Return one page of `query`; with `expect_rows` an empty one is requested again.

        Raises:
            LeadsError: the page cannot be had; one line says why.
        """
        offset = self._client.clock.offset
        page = self._request(query, at, expect_rows=expect_rows)
        if self.traits.relative_bounds and abs(self._client.clock.offset - offset) > MINUTE:
            # The bounds were counted back from a wrong clock, and the answer shows the right one.
            page = self._request(query, at, expect_rows=expect_rows)
        return page

    def _request(self, query: Query, at: Position | None, *, expect_rows: bool) -> Page:
        size, position = self._size.rows, at

        def build() -> Request:
            nonlocal size, position
            if self._reader.is_closed:
                raise LeadsError("the run has ended")
            size = 1 if query.order is Order.NEWEST else self._size.rows
            position = self.paginator.first(size) if at is None else at.fit(size)
            if isinstance(position, Link):
                return Request("GET", position.url)
            request = self._account.api.request(self._stream, query, position, self.now())
            return replace(request, params={**self._params, **(request.params or {})})

        def parse(response: Response) -> Page:
            assert position is not None  # noqa: S101  # build() has set it
            page = self._page(response, position)
            if expect_rows and not page.rows:
                raise TransientError("an empty answer where there was a lead a moment ago")
            return page

        def note(error: TransientError) -> None:
            if error.is_too_slow:
                self._size.shrink(size)

        page = self._client.call(build, parse, observer=self._reader.observer, on_failure=note)
        self._size.arrived(len(page.rows))
        return page

    def _page(self, response: Response, at: Position) -> Page:
        if response.status == HTTPStatus.NO_CONTENT:
            return Page([], has_more=False, at=at)
        body = None
        try:
            body = decode(response.body)
            raw = self._account.api.page(self._stream, body, at)
        except FieldError as error:
            raise odd_record(error) from None
        except StatusInBodyError as error:
            raise self._client.failure_for(error.status, body) from None
        except UNREADABLE:
            raise TransientError(
                "the answer is not what the API promises (cut short, not JSON, or without ids)"
            ) from None
        return Page(
            self._rows(raw.records),
            has_more=raw.has_more,
            total=raw.total,
            next=None if raw.next is None else absolute(response.url, raw.next),
            at=at,
        )

    def _rows(self, records: Sequence[Record]) -> list[Row]:
        identity, cursor = self._stream.identity, self._stream.replication_key
        settings = self._account.settings
        try:
            if cursor is None:
                rows = [Row(record, identity(record), None) for record in records]
            else:
                read = cursor.read
                rows = [Row(rec, identity(rec), read(rec, settings)) for rec in records]
        except UNREADABLE as error:
            raise odd_record(error) from None
        if not all(isinstance(row.id, (int, str, tuple)) for row in rows):
            raise RecordError(
                f"the API returned a record without a usable `{self._stream.primary_key[-1]}`"
            )
        return rows


class PageSize:
    """The rows to request: fewer after answers that took too long, then more again.

    A size that fails before it ever succeeded is too large, and is tried again later each time;
    one that succeeded and fails now and then is not.
    """

    def __init__(self, full: int) -> None:
        """Start with full pages."""
        self.rows = self._full = full
        self._good = 0
        self._patience = _GOOD_PAGES
        self._is_untried = False

    def shrink(self, tried: int) -> None:
        """Halve the size after a page of `tried` rows took too long; another thread may have."""
        if tried == self.rows > 1:
            self.rows //= 2
            self._good = 0
            self._patience = self._patience * 2 if self._is_untried else _GOOD_PAGES
            self._is_untried = False

    def arrived(self, rows: int) -> None:
        """Count a page that arrived in time; only a full one shows what is not too much."""
        if rows < self.rows:
            return
        self._good += 1
        self._is_untried = False
        if self._good >= self._patience and self.rows < self._full:
            self.rows = min(self._full, self.rows * 2)
            self._good = 0
            self._is_untried = True
