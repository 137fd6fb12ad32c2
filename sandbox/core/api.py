"""What the four APIs have in common: leads that change, a journal, limits and faults."""

from __future__ import annotations

import math
import random
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass, replace
from email.utils import formatdate
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import msgspec

from sandbox.core.faults import Fault, Faults
from sandbox.core.people import Arrival, moments, person
from sandbox.core.store import Collection, Key, Lead, page_of, pick
from sandbox.core.wire import RefusedError, Reply, Request, html_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sandbox.core.clock import Clock
    from sandbox.core.options import Options
    from sandbox.core.store import Entry


@dataclass(frozen=True)
class World:
    """Where an API lives."""

    url: str
    clock: Clock
    began: float
    """The moment up to which there are leads to begin with."""
    seed: int
    leads: int


class Api(ABC):
    """One API: its leads, what it accepts, and how it behaves.

    Leads are changed by `insert`, `edit` and `delete`. Rows of `leads` may also be changed in
    place, if `leads` is fetched anew each time.
    """

    options: Options
    token: str

    def __init__(self, slot: str, world: World) -> None:
        self.slot = slot
        self.url = f"{world.url}/{slot}"
        self.clock = world.clock
        self.seed = world.seed
        self.tokens: set[str] = set()
        self.faults = Faults()
        self.journal: list[Request] = []
        self.after_request: Callable[[Api, random.Random], None] | None = None
        """Runs after each list request, or in the middle of it with the option `late_rows`."""
        self.rewrite: Callable[[Request, Reply], None] | None = None
        """Changes the reply to a list request on its way to the client."""
        self.page: list[Any] = []
        """The ids of the last page, as they were chosen: what `after_request` may change."""
        self.lock = threading.RLock()
        self.rng = random.Random(f"{world.seed} {slot}")
        self._order_rng = random.Random(world.seed)
        self._store = Collection(self._key)
        self._to_seed = world.leads
        self._began = world.began
        self._made = 0
        self._recent: deque[float] = deque()
        self._refusals: deque[float] = deque()
        self._blocked = False
        self._is_change_due = False

    # -- leads ---------------------------------------------------------------------------------

    @property
    def leads(self) -> dict[Any, Lead]:
        """The stored leads by id."""
        with self.lock:
            store = self._ready()
            store.doubt()
            return store.rows

    @property
    def count(self) -> int:
        """How many leads there are."""
        with self.lock:
            return len(self._ready().rows)

    def rendered(self) -> list[Lead]:
        """Every stored lead in full, as the API renders it, whatever the lag."""
        with self.lock:
            return [self._rendered(lead) for lead in self._ready().rows.values()]

    def insert(self, count: int = 1, *, at: float | None = None, **fields: object) -> list[Any]:
        """Insert made-up leads.

        Args:
            count: How many.
            at: The moment of their creation. Default: the clock's now.
            fields: Values that they all have, by the API's own names.

        Returns:
            Their ids.
        """
        with self.lock:
            store, ids = self._ready(), []
            moment = self.clock.now() if at is None else at
            for _ in range(count):
                lead_id, lead = self._new(self._arrival(moment, moment))
                store.put(lead_id, self._with(lead, fields), self._visible_at())
                ids.append(lead_id)
            return ids

    def edit(
        self,
        which: int | Iterable[Any],
        *,
        at: float | None = None,
        touch: bool = True,
        **fields: object,
    ) -> list[Any]:
        """Change leads.

        Args:
            which: Ids, or how many to choose at random.
            at: The moment of the change. Default: the clock's now.
            touch: Whether the change moves the time that the API keeps of changes.
            fields: The new values; without any, something that happens to leads happens.

        Returns:
            Their ids.
        """
        with self.lock:
            store = self._ready()
            ids = pick(store.rows, which, self.rng)
            moment = (self.clock.now() if at is None else at) if touch else None
            for lead_id in ids:
                lead = self._changed(store.rows[lead_id], moment, fields)
                store.put(lead_id, lead, self._visible_at())
            return ids

    def delete(self, which: int | Iterable[Any]) -> list[Any]:
        """Delete leads, by id or so many at random; returns their ids."""
        with self.lock:
            store = self._ready()
            ids = pick(store.rows, which, self.rng)
            for lead_id in ids:
                self._deleted(store.remove(lead_id, self._visible_at()))
            return ids

    def act(self, _action: str, _content: dict[str, Any]) -> object:
        """Do what the control plane asks of this API alone; `None` if it has no such action."""
        return None

    # -- accounts ------------------------------------------------------------------------------

    def add_account(self) -> str:
        """Accept another account, with the same leads and the same limits; returns its token.

        Requests of all accounts count towards one `rate_limit`, as those of one IP address do.
        """
        with self.lock:
            number = len(self.tokens) + 1
            token = self._another_token(number)
            self.tokens.add(token)
            return token

    # -- observing -----------------------------------------------------------------------------

    def requests_of(self, token: str | None = None) -> list[Request]:
        """The requests so far, of one account or of all."""
        return [request for request in list(self.journal) if token in {None, request.token}]

    def under_way_max(self, token: str | None = None) -> int:
        """The most requests that were under way at once, of one account or of all."""
        moments = [
            moment
            for request in self.requests_of(token)
            for moment in ((request.at, 1), (request.answered or math.inf, -1))
        ]
        # An answer and a request of the same moment were not under way together.
        return max(accumulate((step for _, step in sorted(moments)), initial=0))

    def connections(self, token: str | None = None) -> int:
        """The TCP connections that requests came on, of one account or of all."""
        return len({request.connection for request in self.requests_of(token)})

    def requests_per_second_max(self, token: str | None = None) -> int:
        """The most requests that arrived within any one second, of one account or of all."""
        times = sorted(request.at for request in self.requests_of(token))
        most, first = 0, 0
        for last, at in enumerate(times):
            while at - times[first] >= 1.0:
                first += 1
            most = max(most, last - first + 1)
        return most

    def unblock(self) -> None:
        """Forget the violations of the rate limit."""
        with self.lock:
            self._blocked = False
            self._refusals.clear()

    # -- answering -----------------------------------------------------------------------------

    def answer(self, request: Request) -> Reply:
        """The reply to a request; both are complete afterwards."""
        request.token = self._token_of(request)
        self.journal.append(request)
        if self.options.latency:
            time.sleep(self.options.latency)
        with self.lock:
            try:
                reply = self._gate(request) or self._route(self._heeded(request))
            except RefusedError as refused:
                reply = refused.reply
            if reply.fault.kind not in {"reset", "lost_reply"}:
                request.status, request.rows = reply.status, reply.rows
            if self.options.send_date:
                reply.headers["Date"] = formatdate(self.clock.now(), usegmt=True)
        self._finish(reply)
        request.answered = time.monotonic()
        return reply

    def _heeded(self, request: Request) -> Request:
        """The request without the parameters that have no effect."""
        ignored = self.options.ignored_params
        if not ignored:
            return request
        query = {name: found for name, found in request.query.items() if name not in ignored}
        pairs = [pair for pair in request.pairs if pair[0] not in ignored]
        return replace(request, query=query, pairs=pairs)

    def _gate(self, request: Request) -> Reply | None:
        options = self.options
        if options.ban_html or self._blocked:
            return html_reply(403)
        if options.rate_limit is None:
            return None
        while self._recent and request.at - self._recent[0] >= 1.0:
            self._recent.popleft()
        if len(self._recent) < options.rate_limit:
            self._recent.append(request.at)
            return None
        while self._refusals and request.at - self._refusals[0] >= 60.0:  # noqa: PLR2004 - a minute
            self._refusals.popleft()
        self._refusals.append(request.at)
        self._blocked = options.block_after is not None and (
            len(self._refusals) >= options.block_after
        )
        reply = html_reply(429) if options.rate_body == "html" else self._error(429)
        if options.rate_retry_after is not None:
            reply.headers["Retry-After"] = f"{options.rate_retry_after:g}"
        return reply

    def _listing(self, request: Request, produce: Callable[[Request], Reply]) -> Reply:
        """Answer a list request: with a fault, or with what `produce` gives."""
        fault = self.faults.take()
        instead = self._instead(fault, request)
        if instead is not None:
            return instead
        self._ready().settle(self.clock.now())
        self._is_change_due = True
        self.page = []
        reply = produce(request)
        reply.fault = fault
        if self.rewrite is not None:
            self.rewrite(request, reply)
        if fault.kind == "half_json200":
            reply.body = reply.body[: len(reply.body) // 2]
        if reply.status in {200, 204}:
            self._change()
        return reply

    def _change(self) -> None:
        """Run `after_request`, once for each list request."""
        if self._is_change_due and self.after_request is not None:
            self._is_change_due = False
            self.after_request(self, self.rng)

    def _left_of(self, ids: list[Any], store: Collection) -> list[Any]:
        """The ids of a page whose rows are there when they are read."""
        self.page = ids
        if not self.options.late_rows:
            return ids
        self._change()
        store.settle(self.clock.now())
        return [each for each in ids if each in store.shown]

    def _instead(self, fault: Fault, request: Request) -> Reply | None:
        match fault.kind:
            case "html200":
                return html_reply(200)
            case "early_204":
                return self._empty(len(self._ready().rows) if fault.counted else 0)
            case "meta_error200":
                reply = self._error(500)
                reply.status = 200
                return reply
            case "redirect":
                return Reply(fault.code, headers={"Location": fault.to})
            case "status":
                reply = self._failure(fault, request)
                if fault.retry_after_date is not None:
                    moment = self.clock.now() + fault.retry_after_date
                    reply.headers["Retry-After"] = formatdate(moment, usegmt=True)
                elif fault.retry_after is not None:
                    reply.headers["Retry-After"] = str(fault.retry_after)
                return reply
            case _:
                return None

    def _failure(self, fault: Fault, request: Request) -> Reply:
        """The body of a status: the API's own, a web server's page, or all that was asked for."""
        if fault.body == "html":
            return html_reply(fault.code)
        reply = self._error(fault.code)
        if fault.body == "echo" or fault.retry_after_body is not None:
            content = msgspec.json.decode(reply.body)
            if fault.body == "echo":
                content["request"] = {"pairs": request.pairs, "headers": request.headers.items()}
            if fault.retry_after_body is not None:
                content["retry_after"] = fault.retry_after_body
            reply.body = msgspec.json.encode(content)
        return reply

    def _page(self, entries: list[Entry], start: int, stop: int) -> list[Any]:
        """The ids in those places, equal keys shuffled if the API is to do so."""
        shuffled = self.options.ties == "shuffled"
        return page_of(entries, start, stop, self._order_rng if shuffled else None)

    def _starved(self, *, beyond_first: bool) -> bool:
        """Whether this page is to come empty before its time."""
        if beyond_first and self.options.empty_early > 0:
            self.options.empty_early -= 1
            return True
        return False

    def _refuse_heavy(self, limit: int) -> None:
        above = self.options.gateway_timeout_above
        if above is not None and limit > above:
            raise RefusedError(html_reply(504))

    def _visible_at(self) -> float | None:
        return self.clock.now() + self.options.lag if self.options.lag else None

    def _ready(self) -> Collection:
        """The store, filled at its first use."""
        if self._to_seed:
            count, self._to_seed = self._to_seed, 0
            for created, updated in moments(self.rng, count, self._began):
                arrival = self._arrival(created, updated)
                lead_id, lead = self._new(arrival)
                self._store.put(lead_id, self._aged(arrival, lead))
        return self._store

    def _arrival(self, created: float, updated: float) -> Arrival:
        number, self._made = self._made, self._made + 1
        return Arrival(number, person(self.seed, number), created, updated)

    # -- what each API says for itself ---------------------------------------------------------

    @abstractmethod
    def _key(self, name: str) -> Key:
        """The sort key of that name."""

    @abstractmethod
    def _new(self, arrival: Arrival) -> tuple[Any, Lead]:
        """A new lead and its id."""

    @abstractmethod
    def _changed(self, lead: Lead, at: float | None, fields: dict[str, object]) -> Lead:
        """The lead after a change; without a moment its time stays."""

    @abstractmethod
    def _rendered(self, lead: Lead) -> Lead:
        """The lead as the API renders it in full."""

    @abstractmethod
    def _route(self, request: Request) -> Reply:
        """The answer to a request that has passed the limits."""

    @abstractmethod
    def _error(self, status: int) -> Reply:
        """The API's own body for an error."""

    @abstractmethod
    def _empty(self, total: int = 0) -> Reply:
        """A page without rows of a list that has `total` rows."""

    @abstractmethod
    def _token_of(self, request: Request) -> str:
        """The credential that a request carries; empty without one."""

    def _another_token(self, number: int) -> str:
        """The credential of a further account."""
        return f"{self.token}{number}"

    def _with(self, lead: Lead, fields: dict[str, object]) -> Lead:
        """The lead with other values."""
        return {**lead, **fields}

    def _aged(self, _arrival: Arrival, lead: Lead) -> Lead:
        """What has become of a lead that was there before the sandbox began."""
        return lead

    def _deleted(self, lead: Lead) -> None:  # noqa: B027 - most have nothing to do
        """What becomes of a deleted lead."""

    def _finish(self, reply: Reply) -> None:  # noqa: B027 - most have nothing to do
        """Headers that every answer has."""
