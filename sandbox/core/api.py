"""The base class of the simulated APIs."""

from __future__ import annotations

import random
import threading
import time
from abc import abstractmethod
from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from sandbox.core.failures import failure
from sandbox.core.faults import Faults
from sandbox.core.journal import most_per_second, most_under_way
from sandbox.core.limits import RateLimit
from sandbox.core.paging import page_of
from sandbox.core.people import Arrival, moments, person
from sandbox.core.rows import Rows
from sandbox.core.wire import RejectedError, Reply, Request, html_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sandbox.core.actions import Action
    from sandbox.core.clock import Clock
    from sandbox.core.faults import Fault
    from sandbox.core.options import Options
    from sandbox.core.store import Collection, Entry, Key, Lead


@dataclass(frozen=True)
class World:
    """The surroundings that all APIs of a sandbox share."""

    url: str
    clock: Clock
    began: float
    """The initial leads were created and edited before this time."""
    seed: int
    leads: int


class Api(Rows):
    """A simulated API: its leads, its options and faults, and its log of requests.

    `insert`, `edit` and `delete` change the leads. Answers depend on `options`, `faults` and the
    clock.
    """

    options: Options
    token: str

    def __init__(self, slot: str, world: World) -> None:
        rng = random.Random(f"{world.seed} {slot}")
        super().__init__(world.clock, threading.RLock(), rng, self._key)
        self.slot = slot
        self.url = f"{world.url}/{slot}"
        self.seed = world.seed
        self.tokens: set[str] = set()
        self.faults = Faults()
        self.journal: list[Request] = []
        """The requests so far."""
        self.after_request: Callable[[Api, random.Random], None] | None = None
        """Runs after each list request, or during it with the option `late_rows`."""
        self.rewrite: Callable[[Request, Reply], None] | None = None
        """Changes the reply to a list request before it is sent."""
        self.page: list[Any] = []
        """The IDs on the last page, before `after_request` ran."""
        self.order_rng = random.Random(world.seed)
        """Shuffles rows of equal sort keys, and generates request IDs."""
        self.limit = RateLimit()
        self._world = world
        self._arrivals = 0
        self._is_change_due = False

    # -- leads -----------------------------------------------------------------------------------

    @property
    def leads(self) -> dict[Any, Lead]:
        """The stored leads by ID. To change leads in place, read this property for each change."""
        return self.rows

    @property
    def count(self) -> int:
        """The number of leads."""
        with self.lock:
            return len(self.store.rows)

    def rendered(self) -> list[Lead]:
        """Return every lead with all its fields as the API returns it, regardless of the lag."""
        with self.lock:
            return [self._rendered(lead) for lead in self.store.rows.values()]

    @override
    def _seed(self) -> Iterator[tuple[Any, Lead]]:
        for created, updated in moments(self.rng, self._world.leads, self._world.began):
            arrival = self._arrival(created, updated)
            lead_id, lead = self._new(arrival)
            yield lead_id, self._aged(arrival, lead)

    @override
    def _create(self, at: float, fields: dict[str, Any]) -> tuple[Any, Lead]:
        lead_id, lead = self._new(self._arrival(at, at))
        return lead_id, self._with(lead, fields)

    def _arrival(self, created: float, updated: float) -> Arrival:
        number, self._arrivals = self._arrivals, self._arrivals + 1
        return Arrival(number, person(self.seed, number), created, updated)

    @override
    def _visible_at(self) -> float | None:
        return self.clock.now() + self.options.lag if self.options.lag else None

    # -- accounts and requests -------------------------------------------------------------------

    def add_account(self) -> str:
        """Add an account with the same leads; return its token.

        The requests of all accounts count toward one `rate_limit`, as if they shared an IP address.
        """
        with self.lock:
            token = self._another_token(len(self.tokens) + 1)
            self.tokens.add(token)
            return token

    def requests_of(self, token: str | None = None) -> list[Request]:
        """Return the requests so far, of one account or of all."""
        return [request for request in list(self.journal) if token in {None, request.token}]

    def under_way_max(self, token: str | None = None) -> int:
        """Return the largest number of simultaneous requests, of one account or of all."""
        return most_under_way(self.requests_of(token))

    def requests_per_second_max(self, token: str | None = None) -> int:
        """Return the largest number of requests within a second, of one account or of all."""
        return most_per_second(self.requests_of(token))

    def connections(self, token: str | None = None) -> int:
        """Return the number of TCP connections used, by one account or by all."""
        return len({request.connection for request in self.requests_of(token)})

    def unblock(self) -> None:
        """Lift the block that follows `block_after` rejections."""
        with self.lock:
            self.limit.unblock()

    def actions(self) -> Mapping[str, Action]:
        """Return the control plane's actions for this API, besides those that every API has."""
        return {}

    # -- answering -------------------------------------------------------------------------------

    def answer(self, request: Request) -> Reply:
        """Answer a request and log it."""
        request.token = self._token_of(request)
        self.journal.append(request)
        if self.options.latency:
            time.sleep(self.options.latency)
        with self.lock:
            try:
                reply = self._rejection(request) or self._route(self._without_ignored(request))
            except RejectedError as rejected:
                reply = rejected.reply
            if reply.fault.kind not in {"reset", "lost_reply"}:
                request.status, request.rows = reply.status, reply.rows
            if self.options.send_date:
                reply.headers["Date"] = formatdate(self.clock.now(), usegmt=True)
        self._finish(reply)
        request.answered = time.monotonic()
        return reply

    def listing(self, request: Request, produce: Callable[[Request], Reply]) -> Reply:
        """Answer a list request with the reply of `produce`, or with a fault."""
        fault = self.faults.take()
        instead = self.failure(fault, request)
        if instead is not None:
            return instead
        self.store.settle(self.clock.now())
        self._is_change_due = True
        self.page = []
        reply = produce(request)
        reply.fault = fault
        if self.rewrite is not None:
            self.rewrite(request, reply)
        if fault.kind == "half_json200":
            reply.body = reply.body[: len(reply.body) // 2]
        if reply.status in {200, 204}:
            self._run_after_request()
        return reply

    def still_there(self, ids: list[Any], store: Collection) -> list[Any]:
        """Return the IDs of a page whose rows exist by the time they are read."""
        self.page = ids
        if not self.options.late_rows:
            return ids
        self._run_after_request()
        store.settle(self.clock.now())
        return [each for each in ids if each in store.shown]

    def failure(self, fault: Fault, request: Request) -> Reply | None:
        """Return the reply of a fault that replaces the API's reply, or `None`."""
        return failure(
            fault,
            request,
            self.clock.now(),
            error=self.error,
            empty=lambda it: self.empty(len(self.store.rows) if it.counted else 0),
        )

    def _run_after_request(self) -> None:
        """Run `after_request`, once per list request."""
        if self._is_change_due and self.after_request is not None:
            self._is_change_due = False
            self.after_request(self, self.rng)

    def _without_ignored(self, request: Request) -> Request:
        """Return the request without the parameters in `ignored_params`."""
        ignored = self.options.ignored_params
        if not ignored:
            return request
        query = {name: found for name, found in request.query.items() if name not in ignored}
        pairs = [pair for pair in request.pairs if pair[0] not in ignored]
        return replace(request, query=query, pairs=pairs)

    def _rejection(self, request: Request) -> Reply | None:
        """Return the reply to a request that is blocked or exceeds the rate limit, or `None`."""
        options = self.options
        if options.ban_html or self.limit.blocked:
            return html_reply(403)
        if self.limit.admits(request.at, options):
            return None
        reply = html_reply(429) if options.rate_body == "html" else self.error(429)
        if options.rate_retry_after is not None:
            reply.headers["Retry-After"] = f"{options.rate_retry_after:g}"
        return reply

    def _page_of(self, entries: list[Entry], start: int, stop: int) -> list[Any]:
        """Return the IDs at these positions; the option `ties` decides on equal sort keys."""
        shuffled = self.options.ties == "shuffled"
        return page_of(entries, start, stop, self.order_rng if shuffled else None)

    # -- defined by each API ---------------------------------------------------------------------

    @abstractmethod
    def error(self, status: int) -> Reply:
        """Return the API's own reply for an error status."""

    @abstractmethod
    def empty(self, total: int = 0) -> Reply:
        """Return an empty page of a list with `total` rows."""

    @abstractmethod
    def _key(self, name: str) -> Key:
        """Return the function from a lead to its sort key of that name."""

    @abstractmethod
    def _new(self, arrival: Arrival) -> tuple[Any, Lead]:
        """Return a new lead and its ID."""

    @abstractmethod
    def _rendered(self, lead: Lead) -> Lead:
        """Return the lead with all its fields as the API returns it."""

    @abstractmethod
    def _route(self, request: Request) -> Reply:
        """Answer a request that is within the rate limit."""

    @abstractmethod
    def _token_of(self, request: Request) -> str:
        """Return the credential in a request, or an empty string."""

    def _another_token(self, number: int) -> str:
        """Return the credential of an additional account."""
        return f"{self.token}{number}"

    def _with(self, lead: Lead, fields: dict[str, Any]) -> Lead:
        """Return the lead with these values."""
        return {**lead, **fields}

    def _aged(self, _arrival: Arrival, lead: Lead) -> Lead:
        """Return an initial lead as it is by the time the sandbox starts."""
        return lead

    def _finish(self, reply: Reply) -> None:
        """Add the headers that all replies of this API have."""
