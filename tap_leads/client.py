"""A stream of an API: what it asks, what the answers mean, and how long to wait where one fails."""

from __future__ import annotations

import json
import logging
import random
import re
from abc import abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import cached_property
from http import HTTPStatus
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
import requests
from singer_sdk import RESTStream
from singer_sdk.streams.rest import HTTPRequest, PageContext
from typing_extensions import override

from tap_leads.errors import (
    UNREADABLE,
    AnswerError,
    LeadsError,
    TransientError,
    meaning_of,
    request_id,
)
from tap_leads.pagination import Page, Record
from tap_leads.query import Query

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from backoff.types import Details
    from singer_sdk.helpers.types import Context
    from singer_sdk.tap_base import Tap

    from tap_leads.accounts import Account

_MAX_TRIES = 20


@dataclass(frozen=True, slots=True)
class Ask:
    """The SDK's page token: a query, how many rows, and which page of it (None: the first)."""

    query: Query
    limit: int
    page: Any = None


class AccountStream(RESTStream[Ask]):
    """A stream that asks the API of several accounts, each with its own address and credential."""

    source: ClassVar[str]
    """The settings object of the source."""
    credential: ClassVar[str]
    """The setting to look at when the API does not accept the credential."""
    address: ClassVar[str]
    """The settings that say where the API is."""
    page_size: ClassVar[int]
    """The rows of a full page."""

    def __init__(
        self, tap: Tap, accounts: Sequence[Account], schema: dict[str, Any] | None = None
    ) -> None:
        """Read these accounts."""
        self.accounts = {account.label: account for account in accounts}
        super().__init__(tap, schema=schema)

    @abstractmethod
    def get_base(self, account: Account) -> str:
        """The URL that `path` is appended to."""

    @abstractmethod
    def get_credentials(self, account: Account) -> dict[str, str]:
        """The headers that carry the credential."""

    @abstractmethod
    def get_params(self, account: Account, ask: Ask) -> dict[str, Any]:
        """A query in the words of the API, as they are true at this moment."""

    @abstractmethod
    def read_page(self, body: Any, ask: Ask) -> Page:
        """The page that a decoded body holds; a KeyError or TypeError where it holds none."""

    def read_identity(self, record: Record) -> Any:
        """What tells a record as it came from all others of its account."""
        return record["id"]

    @abstractmethod
    def read_codes(self, body: Any) -> str:
        """What an error's body may tell a log: codes and request ids, never its text."""

    def where(self, context: Context) -> str:
        """The stream and account that a message is about."""
        return f"{self.name}, account {context['account']}"

    @override
    def log(self, message: str, *args: Any, level: int = logging.INFO, **kwargs: Any) -> None:
        # Its error says only that there was one: ours has the reason, and `--test` ends by one.
        if level < logging.ERROR:
            super().log(message, *args, level=level, **kwargs)

    @property
    @override
    def url_base(self) -> str:
        return ""  # every account has its own

    @cached_property
    @override
    def user_agent(self) -> str:
        return str(self.config.get("user_agent", f"tap-leads/{self._tap.plugin_version}"))

    @property
    def request_timeout(self) -> float:
        """Seconds that one request may take in all; the SDK's `timeout` has whole ones."""
        return float(self.config["request_timeout"])

    @override
    def get_http_request(self, *, page: PageContext[Ask]) -> HTTPRequest:
        ask = page.next_page_token or Ask(Query(), self.page_size)
        account = self.accounts[(page.stream_context or {})["account"]]
        headers = {"Accept": "application/json", **self.get_credentials(account)}
        if isinstance(ask.page, str):
            return HTTPRequest(url=ask.page, headers=headers)
        url = self.get_base(account) + (ask.query.path or self.path)
        return HTTPRequest(url=url, headers=headers, params=self.get_params(account, ask))

    def prepare(self, ask: Ask, context: Context) -> requests.PreparedRequest:
        """The request for `ask` as it is true at this moment: dates in it may be relative."""
        request = self.get_http_request(page=PageContext(context, ask))
        return self.build_prepared_request(
            method=request.method,
            url=request.url,
            params=request.encode_params(),
            headers=request.headers,
        )

    def read(self, response: requests.Response, ask: Ask) -> Page:
        """The page that an answer holds.

        Raises:
            LeadsError: it holds none; one line says why.
        """
        self.validate_response(response)
        if response.status_code == HTTPStatus.NO_CONTENT:
            return Page([], more=False)
        try:
            page = self.read_page(decode(response.content), ask)
            if all(self.read_identity(record) is not None for record in page.records):
                return page
        except UNREADABLE:
            pass
        msg = "the answer is not what the API promises (cut short, not JSON, or without ids)"
        raise TransientError(msg)

    def log_duration(self, response: requests.Response, context: Context) -> None:
        """Emit the SDK's metric of a request."""
        self._write_request_duration_log(self.path, response, context, None)

    @override
    def parse_response(self, response: requests.Response) -> Iterable[Record]:
        return self.read(response, Ask(Query(), self.page_size)).records

    @override
    def validate_response(self, response: requests.Response) -> None:
        status = response.status_code
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return
        html = "html" in response.headers.get("Content-Type", "").lower()
        body = _json_of(response)
        told = self._codes_of(body) + request_id(response.headers.get("X-Request-Id", ""))
        raise self.failure(status, told, html=html, retry_after=_retry_after(response, body))

    def failure(
        self, status: int, codes: str = "", *, html: bool = False, retry_after: float | None = None
    ) -> LeadsError:
        """What a status means, in one line."""
        meaning = meaning_of(status, html=html)
        advice = meaning.text.format(
            credential=f"{self.source}.{self.credential}", address=self.address
        )
        message = f"{status}: {advice}{codes}"
        if retry_after:
            message += f"; it asks to wait {retry_after:.0f} s"
        if meaning.retry:
            return TransientError(message, status=status, retry_after=retry_after)
        return AnswerError(message, status=status, closes=meaning.closes)

    def _codes_of(self, body: Any) -> str:
        try:
            return self.read_codes(body)
        except UNREADABLE:
            return ""

    @override
    def backoff_max_tries(self) -> int:
        return _MAX_TRIES

    @override
    def backoff_wait_generator(self) -> Generator[float, None, None]:
        """Full jitter under 1, 2, 4 ... 60 seconds, never less than the server asked for."""
        error: Any = yield  # type: ignore[misc]  # `backoff` sends the exception in
        for attempt in count():
            wait = random.uniform(0, min(60, 2**attempt))  # noqa: S311  # no secret hangs on it
            error = yield max(wait, getattr(error, "retry_after", None) or 0)

    @override
    def backoff_jitter(self, value: float) -> float:
        return value  # the generator's waits have it; more would cut a Retry-After short

    @override
    def backoff_handler(self, details: Details) -> None:
        """Say what happened, without the URL: it holds what the user filters by."""
        error = details["exception"]
        self.logger.warning(
            "%s: %s; try %d follows in %.1f s",
            details["args"][0],
            error if isinstance(error, LeadsError) else kind_of(error),
            details["tries"] + 1,
            details["wait"],
        )


_decoder = msgspec.json.Decoder(float_hook=Decimal)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def decode(body: bytes) -> Any:
    """A JSON body, its numbers exact; a ValueError where it is none.

    `msgspec` refuses a body with half of a surrogate pair, which JSON allows and no database
    takes: such a body is read by the standard library, and the halves are dropped.
    """
    try:
        return _decoder.decode(body)
    except msgspec.DecodeError:
        return _whole_characters(json.loads(body, parse_float=Decimal))


def _whole_characters(value: Any) -> Any:
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("", value)
    if isinstance(value, list):
        return [_whole_characters(item) for item in value]
    if isinstance(value, dict):
        return {_whole_characters(k): _whole_characters(v) for k, v in value.items()}
    return value


def _json_of(response: requests.Response) -> Any:
    try:
        return decode(response.content)
    except UNREADABLE:
        return None


_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


def _retry_after(response: requests.Response, body: Any) -> float | None:
    """The seconds that `Retry-After`, or a word of the body, asks to wait: a number or a date."""
    value = response.headers.get("Retry-After", "").strip()
    if not value and isinstance(body, dict):
        value = str(body.get("retry_after", ""))
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        # A date is one of the server's clock, which may not be ours.
        date = response.headers.get("Date")
        now = parsedate_to_datetime(date) if date else datetime.now(UTC)
        return (parsedate_to_datetime(value) - now).total_seconds()
    except (ValueError, TypeError):
        return None


def kind_of(error: BaseException | None) -> str:
    """What kind of failure a request had, without its text: that names the URL."""
    if isinstance(error, requests.Timeout):
        return "it took longer than request_timeout"
    if isinstance(error, requests.exceptions.SSLError):
        return "the server's certificate is not trusted"
    if isinstance(error, requests.ConnectionError):
        return "the connection failed"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the answer was cut short"
    return type(error).__name__
