"""A table of Kommo beside its leads: rows that people and tests change, filled when first used."""

from __future__ import annotations

import random
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import msgspec

from sandbox.core.store import Collection, pick

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable

    from sandbox.core.clock import Clock
    from sandbox.core.store import Lead
    from sandbox.kommo.lists import Resource

Row = dict[str, Any]
_SURVIVES = frozenset({"id", "updated_by", "updated_at", "account_id"})
"""What is left of a row in the recycle bin."""


@dataclass(frozen=True)
class Ground:
    """What all tables of an account stand on."""

    lock: threading.RLock
    clock: Clock
    seed: int
    lag: Callable[[], float | None]
    """The moment at which lists show a change that is made now."""
    heard: Callable[[str, str, float, Row | None, Row | None], None]
    """Told of each change: the path, what happened, when, the row before and after."""


@dataclass(frozen=True, kw_only=True)
class Making:
    """How the rows of a table come about."""

    make: Callable[[int, Any, int], Row]
    """A made-up row from its number, its id and the moment of its creation."""
    fill: Callable[[], Iterable[Row]] = tuple
    """The rows that there are to begin with."""
    first_id: int = 50_000_001
    """The id of the first row that is inserted later."""
    identify: Callable[[Row], Any] = itemgetter("id")
    """The id of a row."""


class Table:
    """Rows by id.

    Args:
        ground: What the account's tables share.
        resource: How the list of the rows is served.
        path: Where, below `/api/v4`; may name fields of the row.
        making: How the rows come about.
    """

    def __init__(self, ground: Ground, resource: Resource, path: str, making: Making) -> None:
        self.resource = resource
        self.path = path
        self.revision = 0
        """Grows with each change."""
        self.removed: set[Any] = set()
        """The ids of what was deleted."""
        self._ground = ground
        self._make = making.make
        self._fill: Callable[[], Iterable[Row]] | None = making.fill
        self._next_id = making.first_id
        self._made = 0
        self._identify = making.identify
        self._store = Collection(itemgetter)
        self._bin = Collection(itemgetter)
        self._rng = random.Random(f"{ground.seed} {path}")

    # -- rows ----------------------------------------------------------------------------------

    @property
    def store(self) -> Collection:
        """The rows, filled at their first use."""
        with self._ground.lock:
            if self._fill is not None:
                fill, self._fill = self._fill, None
                for row in fill():
                    self._store.put(self._identify(row), row)
            return self._store

    @property
    def bin(self) -> Collection:
        """The rows in the recycle bin, as they were."""
        return self._bin

    @property
    def filled(self) -> bool:
        """Whether anything has asked for the rows yet."""
        return self._fill is None

    @property
    def rows(self) -> dict[Any, Row]:
        """The rows by id. They may be changed in place, if fetched anew each time."""
        with self._ground.lock:
            self.store.doubt()
            self.revision += 1
            return self._store.rows

    def rendered(self, with_: Iterable[str] | None = None, base: str = "") -> list[Row]:
        """Every row in full as the list gives it, or with no more than those values of `with`."""
        wanted = frozenset(self.resource.needs if with_ is None else with_)
        with self._ground.lock:
            return [self.shown(row, wanted, base) for row in self.store.rows.values()]

    def insert(self, count: int = 1, *, at: float | None = None, **fields: Any) -> list[Any]:
        """Insert made-up rows with these values; returns their ids."""
        with self._ground.lock:
            moment = self._ground.clock.now() if at is None else at
            store, ids = self.store, []
            for _ in range(count):
                row = {**self._make(self._made, self._next_id, int(moment)), **fields}
                self._made, self._next_id = self._made + 1, self._next_id + 2
                row_id = self._identify(row)
                store.put(row_id, row, self._ground.lag())
                ids.append(row_id)
                self._say("added", moment, None, row)
            return ids

    def grow(self, total: int) -> int:
        """Insert as many rows as it takes to have so many; returns how many there are."""
        with self._ground.lock:
            self.insert(max(0, total - len(self.store.rows)))
            return len(self.store.rows)

    def edit(
        self,
        which: int | Iterable[Any],
        *,
        at: float | None = None,
        touch: bool = True,
        **fields: Any,
    ) -> list[Any]:
        """Change rows, by id or so many at random; returns their ids.

        Args:
            which: Ids, or how many to choose at random.
            at: The moment of the change. Default: the clock's now.
            touch: Whether the change moves `updated_at`, where there is one.
            fields: The new values; without any, something happens to the row.
        """
        with self._ground.lock:
            store = self.store
            ids = pick(store.rows, which, self._rng)
            moment = self._ground.clock.now() if at is None else at
            for row_id in ids:
                old = store.rows[row_id]
                moved = {"updated_at": int(moment)} if touch and "updated_at" in old else {}
                row = {**old, **moved, **(fields or self.happening(old))}
                store.put(row_id, row, self._ground.lag())
                self._say("edited", moment, old, row)
            return ids

    def delete(self, which: int | Iterable[Any]) -> list[Any]:
        """Delete rows, by id or so many at random; returns their ids."""
        with self._ground.lock:
            store, now = self.store, self._ground.clock.now()
            ids = pick(store.rows, which, self._rng)
            for row_id in ids:
                old = store.remove(row_id, self._ground.lag())
                self.removed.add(row_id)
                if self.resource.recycles:
                    gone = {**old, "is_deleted": True, "updated_at": int(now)}
                    self._bin.put(row_id, gone, self._ground.lag())
                self._say("deleted", now, old, None)
            return ids

    def add(self, row: Row) -> None:
        """Put a row in that came into being with something else, if it is not there yet."""
        row_id = self._identify(row)
        if row_id not in self.store.rows:
            self.store.put(row_id, row, self._ground.lag())

    def put(self, row: Row) -> None:
        """Replace a row that changed along with something else."""
        self.store.put(self._identify(row), row, self._ground.lag())

    def _say(self, what: str, at: float, before: Row | None, after: Row | None) -> None:
        self.revision += 1
        self._ground.heard(self.path, what, at, before, after)

    # -- on the wire ---------------------------------------------------------------------------

    def halves(self, row: Lead, with_: frozenset[str], base: str) -> tuple[bytes, bytes]:
        """A row in JSON."""
        return msgspec.json.encode(self.shown(row, with_, base)), b""

    def shown(self, row: Row, with_: frozenset[str], base: str) -> Row:
        """A row as the list gives it."""
        if self.resource.recycles and row["is_deleted"]:
            content = {name: row[name] if name in _SURVIVES else None for name in row}
            content = {name: value for name, value in content.items() if name[0] != "_"}
            content["is_deleted"] = True
            return content | self.linked(row, base)
        asked: set[str] = set()
        unasked: set[str] = set()
        for value, names in self.resource.needs.items():
            (asked if value in with_ else unasked).update(names)
        hidden = unasked - asked
        content = {n: v for n, v in row.items() if n[0] != "_" and n not in hidden}
        content |= self.linked(row, base)
        embedded = self.embedded(row, with_, base)
        return content if embedded is None else {**content, "_embedded": embedded}

    def linked(self, row: Row, base: str) -> Row:
        """The row's `_links`."""
        if not self.resource.linked:
            return {}
        path, last = self.path.format_map(row), self._identify(row)
        last = last[-1] if isinstance(last, tuple) else last
        return {"_links": {"self": {"href": f"{base}/api/v4/{path}/{last}"}}}

    # -- what some tables say for themselves ---------------------------------------------------

    def embedded(self, _row: Row, _with: frozenset[str], _base: str) -> Row | None:
        """The row's `_embedded`, where it has one."""
        return None

    def happening(self, _row: Row) -> Row:
        """What people do to such a row."""
        return {}
