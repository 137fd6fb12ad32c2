"""Send one request over the connections of an account, and read the complete response."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakSet

import requests
import urllib3
from requests.adapters import HTTPAdapter

from tap_leads.rest.connection_errors import connection_error
from tap_leads.rest.http import Response
from tap_leads.urls import absolute, origin_of

if TYPE_CHECKING:
    from tap_leads.rest.http import Request

_CONNECT_SECONDS = 10
_CHUNK_BYTES = 1 << 16


class OnAnswer(Protocol):
    """A function to call when a response begins."""

    def __call__(self, *, new_connection: bool) -> None:
        """Record it; `new_connection` is True if a connection was set up for it."""


class Session:
    """The connections of one account; threads share them.

    Args:
        timeout: Seconds for a complete exchange, from connecting to the end of the body.
        user_agent: The `User-Agent` header.
        concurrency: How many connections are kept open.
    """

    def __init__(self, *, timeout: float, user_agent: str, concurrency: int) -> None:
        self._timeout = timeout
        self._timeouts = (min(_CONNECT_SECONDS, timeout), timeout)
        self._headers = {**requests.utils.default_headers(), "User-Agent": user_agent}
        self._session = requests.Session()
        # Requests are sent by the adapter, a pool of connections that is made for threads.
        # `Session.send` is not: it keeps cookies, which these APIs do not need. It would also
        # read the body of a redirect without a deadline. The session itself finds proxies and
        # certificates.
        self._adapter = HTTPAdapter(pool_maxsize=concurrency)
        self._sockets: WeakSet[Any] = WeakSet()

    def send(self, request: Request, on_answer: OnAnswer) -> Response:
        """Send a request and return its response; a redirect is returned, not followed.

        `on_answer` is called when the response begins. Proxies and certificates are taken from
        the environment.

        Raises:
            NoResponseError: There is no response, or not all of it within `timeout`.
            PermanentError: The URL, the proxy or the certificates cannot be used.
        """
        started = time.monotonic()
        options: dict[str, Any] = {}
        try:
            # Not prepared by the session: it would put a login of ~/.netrc in the token's place.
            prepared = requests.Request(
                request.method,
                request.url,
                params=request.params,
                json=request.json,
                headers={**self._headers, **request.headers},
            ).prepare()
            options |= self._session.merge_environment_settings(
                prepared.url or "", {}, stream=True, verify=None, cert=None
            )
            with self._adapter.send(prepared, timeout=self._timeouts, **options) as response:
                # A connection that the server is about to close has no socket any more.
                socket = getattr(getattr(response.raw, "connection", None), "sock", None)
                on_answer(new_connection=socket is None or socket not in self._sockets)
                if socket is not None:
                    self._sockets.add(socket)
                # The timeout of `requests` covers one read, not a body that drips in.
                body = bytearray()
                while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
                    body += chunk
                    if time.monotonic() - started > self._timeout:
                        raise requests.Timeout
        except (urllib3.exceptions.HTTPError, OSError) as error:  # `requests` raises OSErrors
            # The text of the exception names the URL, and with it what the user filters by.
            raise connection_error(error, request.url, options, self._timeouts[0]) from None
        seconds = time.monotonic() - started
        url = response.url or request.url
        return Response(response.status_code, response.headers, bytes(body), url, seconds, request)


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
