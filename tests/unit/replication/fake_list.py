"""A list of an API in memory, with the faults that APIs have."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from tap_leads.errors import LeadsError
from tap_leads.replication.model import Order, Page, Query, Row, Traits
from tap_leads.replication.pagination import (
    CursorPaginator,
    HALPaginator,
    Link,
    Offset,
    OffsetPaginator,
    PageNumber,
    Token,
)
from tap_leads.timestamps import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tap_leads.replication.model import Paginator
    from tap_leads.replication.pagination import Position
    from tap_leads.timestamps import Micros

START: Micros = 1_700_000_000 * SECOND
"""The server's clock when the list is made."""
SPLITS = tuple(({"bit": bit, "set": False}, {"bit": bit, "set": True}) for bit in range(12))
"""Filters by the bits of a row's id."""
# Far more than any read here needs; one that never ends is stopped by it.
MOST_REQUESTS = 2000


@dataclass
class Item:
    """A row as the server keeps it."""

    id: int
    cursor: Micros | None
    published: Micros = 0
    """The server's clock from which on the list shows it."""


@dataclass
class Options:
    """How the API behaves."""

    bounds: Literal["inclusive", "exclusive", "half_open"] = "inclusive"
    stable_order: Literal["id", "newest", "cursor", "none"] = "id"
    ties: Literal["stable", "shuffled"] = "stable"
    page_cap: int | None = None
    window: int | None = None
    totals: bool = False
    links: bool = False
    ignore_filters: bool = False
    ignore_until: bool = False
    ignore_order: bool = False
    ignored_order: Literal["mixed", "id", "newest id"] = "mixed"
    """The order of a list that ignores the one that is requested."""
    ignore_position: bool = False
    early_rows: Micros = 0
    empty_at: frozenset[int] = frozenset()
    """The numbers of requests that are answered by an empty page, wrongly."""
    slow_at: frozenset[int] = frozenset()
    """The numbers of requests for which half a page is requested in the end."""
    seconds: float = 0.2
    """Time that passes with each request."""


@dataclass
class FakeList:
    """The rows of a list on its server; also the collection that reads it."""

    traits: Traits
    paginator: type[Paginator] = OffsetPaginator
    options: Options = field(default_factory=Options)
    seed: int = 0
    clock: Micros = START
    requests: list[tuple[Query, Position | None]] = field(default_factory=list)
    after_request: Callable[[FakeList], None] | None = None
    """Called between two requests: the client knows nothing of the time that passes there."""
    before_rows: Callable[[FakeList, Sequence[int]], None] | None = None
    """Called with the ids of a page once it is chosen, and before its rows are read."""

    def __post_init__(self) -> None:
        """Start without rows."""
        self.items: dict[int, Item] = {}
        self.random = random.Random(self.seed)
        self._next_id = 1
        self._tokens: dict[str, tuple[Query, int, int]] = {}
        self._lock = threading.Lock()

    # What people do

    def insert(self, count: int = 1, at: Micros | None = None, *, null: bool = False) -> list[int]:
        """Add rows with the cursor `at` (now by default), or without one."""
        ids = []
        for _ in range(count):
            cursor = None if null else self.step(self.clock if at is None else at)
            self.items[self._next_id] = Item(self._next_id, cursor)
            ids.append(self._next_id)
            self._next_id += 1
        return ids

    def edit(self, ids: Iterable[int]) -> None:
        """Change rows now."""
        for each in ids:
            if each in self.items:
                self.items[each].cursor = self.step(self.clock)

    def delete(self, ids: Iterable[int]) -> None:
        """Remove rows."""
        for each in ids:
            self.items.pop(each, None)

    def pick(self, count: int) -> list[int]:
        """Choose rows at random."""
        return self.random.sample(sorted(self.items), min(count, len(self.items)))

    def step(self, moment: Micros) -> Micros:
        """Round a moment down to what the API keeps: whole seconds, or whole steps if smaller."""
        unit = min(SECOND, self.traits.granularity)
        return moment - moment % unit

    @property
    def table(self) -> dict[int, Micros | None]:
        """Return the list as it is now."""
        return {item.id: item.cursor for item in self.items.values()}

    # What the API does

    def now(self) -> Micros:
        """Return the server's clock."""
        return self.clock - self.clock % SECOND

    def fetch(self, query: Query, at: Position | None = None) -> Page:
        """Answer one request, and let the hooks change the list around it."""
        with self._lock:
            return self._answer_alone(query, at)

    def _answer_alone(self, query: Query, at: Position | None) -> Page:
        number = len(self.requests)
        if number and self.after_request:
            self.after_request(self)
        self.requests.append((query, at))
        if number > MOST_REQUESTS:
            raise AssertionError("this read never ends")
        self.clock += int(self.options.seconds * SECOND)
        size = 1 if query.order is Order.NEWEST else self.traits.page_size
        position = self.paginator.first(size) if at is None else at
        if number in self.options.slow_at:
            position = position.fit(max(1, size // 2))
        return self._page(query, position, number)

    def _page(self, query: Query, position: Position, number: int) -> Page:
        query, start, limit = self._place(query, position)
        limit = min(limit, self.options.page_cap or limit)
        window = self.options.window
        if window is not None and start + limit > window and start >= window:
            raise LeadsError("the API refuses to page so far")
        chosen = self._chosen(query)
        ids = [item.id for item in chosen[start : start + limit]]
        if window is not None:
            ids = ids[: max(0, window - start)]
        has_more = start + len(ids) < len(chosen)
        if number in self.options.empty_at:
            return Page([], has_more=False, total=0 if self.options.totals else None, at=position)
        if self.before_rows:
            self.before_rows(self, ids)
        found = [self.items[each] for each in ids if each in self.items]
        rows = [Row({"id": x.id, "cursor": x.cursor}, x.id, x.cursor) for x in found]
        total = len(chosen) if self.options.totals else None
        following = self._token(query, start + limit, limit) if has_more else None
        return Page(rows, has_more=has_more, total=total, next=following, at=position)

    def _place(self, query: Query, position: Position) -> tuple[Query, int, int]:
        if self.options.ignore_position:
            limit = position.limit
            return query, 0, limit
        match position:
            case Offset() | PageNumber():
                return query, position.start, position.limit
            case Link(url, limit):
                return self._tokens[url] if url else (query, 0, limit)
            case Token(value, limit):
                return self._tokens[value] if value else (query, 0, limit)

    def _token(self, query: Query, start: int, limit: int) -> str | None:
        if not (self.options.links or issubclass(self.paginator, HALPaginator | CursorPaginator)):
            return None
        token = f"page {len(self._tokens)}"
        self._tokens[token] = query, start, limit
        return token

    def _chosen(self, query: Query) -> list[Item]:
        shown = [item for item in self.items.values() if item.published <= self.clock]
        if not self.options.ignore_filters:
            shown = [item for item in shown if self._matches(item, query)]
        if self.options.ties == "shuffled":
            chance = self.random.random
            ties = {item.id: chance() for item in shown}
        else:
            ties = {item.id: item.id for item in shown}

        def by_cursor(item: Item) -> tuple[float, float]:
            return -1 if item.cursor is None else item.cursor, ties[item.id]

        stable = self.options.stable_order
        if self.options.ignore_order and self.options.ignored_order != "mixed":
            shown.sort(key=lambda item: item.id, reverse=self.options.ignored_order != "id")
        elif self.options.ignore_order:
            groups = 5 if self.options.ties == "shuffled" else 1009
            shown.sort(key=lambda item: ((item.id * 7919) % groups, ties[item.id]))
        elif query.order is Order.STABLE and stable == "id":
            shown.sort(key=lambda item: item.id)
        elif query.order is Order.STABLE and stable == "none":
            shown.sort(key=lambda item: ties[item.id])
        elif query.order is Order.NEWEST or (query.order is Order.STABLE and stable == "newest"):
            shown.sort(key=lambda item: (-by_cursor(item)[0], ties[item.id]))
        else:
            shown.sort(key=by_cursor)
        return shown

    def _matches(self, item: Item, query: Query) -> bool:
        for part in query.filters:
            if bool(item.id >> part["bit"] & 1) is not part["set"]:
                return False
        if query.cursor == "any":
            return True
        if query.cursor == "null" or item.cursor is None:
            return query.cursor == "null" and item.cursor is None
        unit = self.traits.granularity
        bounds, place = self.options.bounds, item.cursor // unit
        if query.after is not None:
            after = (query.after - self.options.early_rows) // unit
            if place < after or (place == after and bounds == "exclusive"):
                return False
        if query.until is not None and not self.options.ignore_until:
            until = query.until // unit
            if place > until or (place == until and bounds != "inclusive"):
                return False
        return True


def fake_list(
    *,
    page_size: int = 10,
    granularity: Micros = SECOND,
    paginator: type[Paginator] = OffsetPaginator,
    seed: int = 0,
    nullable: bool = False,
    sortable: bool = True,
    splits: int = 0,
    result_window: int | None = None,
    **options: Any,
) -> FakeList:
    """Return an empty list with these traits and options."""
    traits = Traits(
        page_size=page_size,
        granularity=granularity,
        result_window=result_window,
        cursor_nullable=nullable,
        early_rows=options.get("early_rows", 0),
        sortable=sortable,
        splits=SPLITS[:splits],
    )
    options.setdefault("window", result_window)
    return FakeList(traits, paginator, Options(**options), seed)
