"""What the tests of `rest/` share: a fake clock, an observer that records, and a small server."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from heapq import heappop, heappush
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_leads.errors import Code
from tap_leads.rest.auth.token import HeaderToken
from tap_leads.rest.client import AccountClient, Request, Response, Wording
from tap_leads.rest.clock import ServerClock, SystemClock
from tap_leads.rest.rate_limiter import RateLimiter
from tap_leads.rest.retry import RetryPolicy
from tap_leads.rest.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tap_leads.rest.auth.token import Auth

SECRET = "canary-4f1c"
LEADS = {"leads": [1, 2, 3]}
WORDING = Wording(credential="`crm.api_key`", base_url="`crm.api_url`")


class FakeClock:
    """Time that passes only when somebody sleeps, or a test says so."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        while self._due and self._due[0][0] <= until:
            self.now, _, action = heappop(self._due)
            action()
        self.now = until

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something once that many seconds have been slept."""
        heappush(self._due, (self.now + seconds, next(self._numbers), action))


class NoJitter:
    """An `rng` that always draws the lower bound, so that retries do not wait."""

    def uniform(self, a: float, _b: float, /) -> float:
        return a


@dataclass
class Recorder:
    """An observer that keeps what it receives."""

    throttled: list[float] = field(default_factory=list)
    responses: list[Response | None] = field(default_factory=list)
    retries: list[tuple[str, int, float]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def sent(self, throttled: float, response: Response | None) -> None:
        self.throttled.append(throttled)
        self.responses.append(response)

    @property
    def statuses(self) -> list[int | None]:
        return [None if response is None else response.status for response in self.responses]

    def retrying(self, error: Exception, attempt: int, wait: float) -> None:
        self.retries.append((str(error), attempt, wait))

    def warn(self, message: str, code: Code) -> None:
        assert code in Code
        self.warnings.append(message)

    def inform(self, message: str) -> None:
        self.warnings.append(message)


class Exchange(BaseHTTPRequestHandler):
    """One connection to a `Server`; a test's `respond` writes the response."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server
    content: bytes = b""
    date: str = ""
    """The `Date` of the response, if it is not the time of the machine."""

    def do_GET(self) -> None:
        self.content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.server.counted(self):
            self.server.respond(self)

    def do_POST(self) -> None:
        self.do_GET()

    @override
    def date_time_string(self, timestamp: float | None = None) -> str:
        return self.date or super().date_time_string(timestamp)

    @override
    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def answer(self, body: Any = None, status: int = 200, **headers: str) -> None:
        """Send a JSON body, or bytes as they are."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    @override
    def log_message(self, *_args: Any) -> None:
        """Keep quiet."""


@dataclass(frozen=True)
class Seen:
    """A request as the server saw it."""

    at: float
    path: str
    headers: Mapping[str, str]
    content: bytes


class Server(ThreadingHTTPServer):
    """A server on this machine that records requests, connections and how many are under way."""

    daemon_threads = True
    request_queue_size = 100

    def __init__(self, respond: Callable[[Exchange], None]) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.respond = respond
        self.journal: list[Seen] = []
        self.connections = 0
        self.under_way = self.most_under_way = 0
        self._counts = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet: tests hang up in the middle of a response."""

    @contextmanager
    def counted(self, exchange: Exchange) -> Iterator[None]:
        seen = Seen(time.monotonic(), exchange.path, dict(exchange.headers), exchange.content)
        with self._counts:
            self.journal.append(seen)
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            yield
        finally:
            with self._counts:
                self.under_way -= 1

    def most_in_a_second(self) -> int:
        """Return the most requests that arrived within any second."""
        times = sorted(seen.at for seen in self.journal)
        return max(sum(0 <= at - first < 1 for at in times) for first in times)


def leads(exchange: Exchange) -> None:
    exchange.answer(LEADS)


def scripted(*script: Callable[[Exchange], None]) -> Callable[[Exchange], None]:
    """Answer the first requests as scripted, and all that follow with leads."""
    steps = iter(script)

    def respond(exchange: Exchange) -> None:
        step = next(steps, leads)
        step(exchange)

    return respond


def status(code: int, body: Any = None, **headers: str) -> Callable[[Exchange], None]:
    return lambda exchange: exchange.answer(body, code, **headers)


def hang_up(exchange: Exchange) -> None:
    exchange.close_connection = True


@contextmanager
def serving(respond: Callable[[Exchange], None]) -> Iterator[Server]:
    """Serve until the block ends."""
    with Server(respond) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        try:
            yield server
        finally:
            server.shutdown()


def quick_limiter() -> RateLimiter:
    """Return a limiter whose pauses take no time."""
    return RateLimiter(10_000, FakeClock())


def client_for(
    url: str,
    *,
    auth: Auth | None = None,
    concurrency: int = 4,
    timeout: float = 10,
    per_second: float = 10_000,
    limiter: RateLimiter | None = None,
    max_tries: int = 20,
    retry: RetryPolicy | None = None,
) -> AccountClient:
    """Return a client of the account at `url` that neither waits nor is slowed down."""
    clock = SystemClock()
    return AccountClient(
        auth=auth or HeaderToken("X-API-KEY", SECRET),
        limiter=limiter or RateLimiter(per_second, clock),
        session=Session(timeout=timeout, user_agent="tap-leads/test", concurrency=concurrency),
        clock=ServerClock(clock),
        concurrency=concurrency,
        wording=WORDING,
        error_codes=lambda body: [body["code"]],
        retry=retry or RetryPolicy(rng=NoJitter(), max_tries=max_tries),
        origin=url,
    )


def get(client: AccountClient, url: str, observer: Recorder | None = None, **params: Any) -> Any:
    """Request a URL and return the decoded body."""
    return client.call(
        lambda: Request("GET", url, params=params),
        lambda response: json.loads(response.body),
        observer=observer or Recorder(),
    )
