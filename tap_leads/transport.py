"""Sending a request: a session for each thread, and the budget told when one has left."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from tap_leads.pagination import absolute, origin_of

if TYPE_CHECKING:
    from tap_leads.budget import Budget

_CONNECT_TIMEOUT = 10


class Transport:
    """The way to one account's API; threads may use it at once, each with a session of its own."""

    def __init__(self, budget: Budget) -> None:
        """Tell `budget` when requests leave; the caller waits for its turn before."""
        self._budget = budget
        self._here = threading.local()

    def send(self, prepared: requests.PreparedRequest, seconds: float) -> requests.Response:
        """Send a request and read its whole answer, all in so many seconds.

        The SDK's own way takes no proxy or certificates from the environment, and its timeout
        is for each read from the socket: a body that drips in never ends.

        Raises:
            requests.RequestException: there is no answer, or not all of it.
        """
        deadline = time.monotonic() + seconds
        session = self._session
        url = prepared.url or ""
        options = session.merge_environment_settings(url, {}, stream=True, verify=None, cert=None)
        timeout = (min(_CONNECT_TIMEOUT, seconds), seconds)
        try:
            response = session.send(prepared, timeout=timeout, allow_redirects=False, **options)
            self._budget.answered()
        finally:
            self._budget.left()
        with response:
            body = bytearray()
            try:
                while chunk := response.raw.read1(1 << 16, decode_content=True):
                    body += chunk
                    if time.monotonic() > deadline:
                        raise requests.Timeout
            except urllib3.exceptions.ReadTimeoutError:
                raise requests.Timeout from None
            except urllib3.exceptions.HTTPError as error:
                raise requests.exceptions.ChunkedEncodingError(error) from None
        response._content = bytes(body)  # noqa: SLF001  # as `.content` would have kept it
        return response

    @property
    def _session(self) -> requests.Session:
        """This thread's session: `requests` does not promise that threads can share one."""
        session: requests.Session | None = getattr(self._here, "session", None)
        if session is None:
            session = self._here.session = requests.Session()
            adapter = _TellingAdapter(self._budget)
            session.mount("http://", adapter)
            session.mount("https://", adapter)
        return session


def redirect_of(response: requests.Response) -> str | None:
    """Where an answer sends the tap on its own origin: elsewhere the token must not go along."""
    url = absolute(response.url, response.headers.get("Location", ""))
    stays = response.is_redirect and origin_of(url) == origin_of(response.url)
    return url if stays else None


class _TellingAdapter(HTTPAdapter):
    """Tells the budget when a request has left: `requests` itself returns with the answer."""

    def __init__(self, budget: Budget) -> None:
        self._pools = _pools(budget)
        super().__init__()

    @override
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    @override
    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _pools(budget: Budget) -> dict[str, type[HTTPConnectionPool]]:
    class Connection(HTTPConnection):
        @override
        def request(self, *args: Any, **kwargs: Any) -> None:
            super().request(*args, **kwargs)
            budget.left()

    class ConnectionHTTPS(Connection, HTTPSConnection):
        pass

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    class PoolHTTPS(HTTPSConnectionPool):
        ConnectionCls = ConnectionHTTPS

    return {"http": Pool, "https": PoolHTTPS}
