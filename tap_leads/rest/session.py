"""Send one request over the connections of an account, and read the complete response."""

from __future__ import annotations

import time
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Protocol

import requests
import urllib3
from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3.connectionpool import HTTPConnectionPool

from tap_leads.rest.errors import NoAnswerError
from tap_leads.rest.messages import Response
from tap_leads.urls import absolute, origin_of

if TYPE_CHECKING:
    from urllib3.connectionpool import ConnectionPool

    from tap_leads.rest.messages import Request

_CONNECT_SECONDS = 10
_CHUNK_BYTES = 1 << 16


class Slot(Protocol):
    """A request's place under the rate limit."""

    def answered(self, *, new_connection: bool) -> None:
        """Record that the response has begun; a connection may have been set up before."""


class Session:
    """The connections of one account; threads share them.

    Args:
        timeout: Seconds for a complete exchange, from connecting to the end of the body.
        user_agent: The `User-Agent` header.
        concurrency: How many connections are kept open.
    """

    def __init__(self, *, timeout: float, user_agent: str, concurrency: int) -> None:
        self._timeout = timeout
        self._headers = {**requests.utils.default_headers(), "User-Agent": user_agent}
        self._adapter = _CountingAdapter(pool_maxsize=concurrency)
        self._session = _Session()
        # Cookies are the state that makes a session unsafe to share between threads. These APIs
        # need none, so all of them are refused.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, self._adapter)

    @property
    def connections(self) -> int:
        """The number of connections opened so far."""
        return self._adapter.connections

    def send(self, request: Request, slot: Slot) -> Response:
        """Send a request and return its response; a redirect is returned, not followed.

        Proxies and certificates are taken from the environment.

        Raises:
            NoAnswerError: There is no response, or not all of it within `timeout`.
        """
        started = time.monotonic()
        try:
            response, body = self._exchange(request, slot, started + self._timeout)
        except requests.RequestException as error:
            # The text of the exception names the URL, and with it what the user filters by.
            timed_out = isinstance(error, requests.Timeout)
            raise NoAnswerError(_kind_of(error), timed_out=timed_out) from None
        seconds = time.monotonic() - started
        return Response(response.status_code, response.headers, body, response.url, seconds)

    def _exchange(
        self, request: Request, slot: Slot, deadline: float
    ) -> tuple[requests.Response, bytes]:
        # Not prepared by the session: it would put a login of ~/.netrc in the token's place.
        prepared = requests.Request(
            request.method,
            request.url,
            params=request.params,
            json=request.json,
            headers={**self._headers, **request.headers},
        ).prepare()
        options = self._session.merge_environment_settings(
            prepared.url or "", {}, stream=True, verify=None, cert=None
        )
        timeout = (min(_CONNECT_SECONDS, self._timeout), self._timeout)
        connections = self.connections
        response = self._session.send(prepared, timeout=timeout, allow_redirects=False, **options)
        slot.answered(new_connection=self.connections > connections)
        with response:
            return response, _read(response, deadline)


def redirect_of(response: Response) -> str | None:
    """Return where a response redirects to on its own origin; elsewhere the token may not go."""
    location = response.headers.get("Location")
    if location is None or response.status not in _REDIRECTS:
        return None
    url = absolute(response.url, location)
    return url if origin_of(url) == origin_of(response.url) else None


_REDIRECTS = frozenset(
    {
        HTTPStatus.MOVED_PERMANENTLY,
        HTTPStatus.FOUND,
        HTTPStatus.SEE_OTHER,
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.PERMANENT_REDIRECT,
    }
)


def _read(response: requests.Response, deadline: float) -> bytes:
    """Return the body; a timeout of `requests` covers one read, not a body that drips in."""
    body = bytearray()
    try:
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
            body += chunk
            if time.monotonic() > deadline:
                raise requests.Timeout
    except urllib3.exceptions.ReadTimeoutError:
        raise requests.Timeout from None
    except urllib3.exceptions.HTTPError as error:
        raise requests.exceptions.ChunkedEncodingError(error) from None
    return bytes(body)


def _kind_of(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return "it took longer than request_timeout"
    if isinstance(error, requests.exceptions.SSLError):
        return "the server's certificate is not trusted"
    if isinstance(error, requests.ConnectionError):
        return "the connection failed"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the answer was cut short"
    return type(error).__name__


class _Session(requests.Session):
    """A session that leaves redirects alone."""

    @override
    def get_redirect_target(self, resp: requests.Response) -> str | None:
        # Even with `allow_redirects=False` a redirect would be prepared for `Response.next`,
        # and its body read without a deadline.
        return None


class _CountingAdapter(HTTPAdapter):
    """Counts the connections that its pools have opened."""

    def __init__(self, *, pool_maxsize: int) -> None:
        self._pools: dict[int, HTTPConnectionPool] = {}
        super().__init__(pool_maxsize=pool_maxsize)

    @property
    def connections(self) -> int:
        return sum(pool.num_connections for pool in list(self._pools.values()))

    @override
    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> ConnectionPool:
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        if isinstance(pool, HTTPConnectionPool):
            self._pools[id(pool)] = pool
        return pool
