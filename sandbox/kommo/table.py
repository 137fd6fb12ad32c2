"""Tables of Kommo besides the leads."""

from __future__ import annotations

import random
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import msgspec
from typing_extensions import override

from sandbox.core.rows import Rows
from sandbox.core.store import Collection

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator

    from sandbox.core.clock import Clock
    from sandbox.core.store import Lead
    from sandbox.kommo.resource import Resource

Row = dict[str, Any]
_SURVIVES = frozenset({"id", "updated_by", "updated_at", "account_id"})
"""The fields that a row keeps in the recycle bin."""


@dataclass(frozen=True)
class Context:
    """The objects that all tables of an account share."""

    lock: threading.RLock
    clock: Clock
    seed: int
    lag: Callable[[], float | None]
    """Returns when lists show a change made now; `None` is at once."""
    on_change: Callable[..., None]
    """Called after each change with the path, the type of change, its time, the row before and
    after, and the IDs of the rows that were merged into it, if any."""


@dataclass(frozen=True, kw_only=True)
class RowFactory:
    """Generates the rows of a table."""

    make: Callable[[int, Any, int], Row]
    """Returns a generated row from its number, its ID and its time of creation."""
    fill: Callable[[], Iterable[Row]] = tuple
    """Returns the initial rows."""
    first_id: int = 50_000_001
    """The ID of the first row that is inserted later."""
    identify: Callable[[Row], Any] = itemgetter("id")
    """Returns the ID of a row."""


class Table(Rows):
    """A table of an account.

    Args:
        context: The objects that all tables of the account share.
        resource: The list of the table's rows.
        path: The path of that list below `/api/v4`; may contain fields of a row.
        factory: Generates the rows.
    """

    def __init__(
        self, context: Context, resource: Resource, path: str, factory: RowFactory
    ) -> None:
        rng = random.Random(f"{context.seed} {path}")
        super().__init__(context.clock, context.lock, rng, itemgetter)
        self.seed = context.seed
        self.resource = resource
        self.path = path
        self.revision = 0
        """Increases with each change."""
        self.removed: set[Any] = set()
        """The IDs of deleted rows."""
        self.bin = Collection(itemgetter)
        """The rows in the recycle bin, with all their values."""
        self._context = context
        self._factory = factory
        self._next_id = factory.first_id
        self._made = 0

    # -- rows ------------------------------------------------------------------------------------

    @property
    @override
    def rows(self) -> dict[Any, Row]:
        with self.lock:
            self.revision += 1
            return super().rows

    def rendered(self, with_: Iterable[str] | None = None, base: str = "") -> list[Row]:
        """Return every row as the list returns it, with these values of `with` or with all."""
        wanted = frozenset(self.resource.needs if with_ is None else with_)
        with self.lock:
            return [self.shown(row, wanted, base) for row in self.store.rows.values()]

    def grow(self, total: int) -> int:
        """Insert rows until there are `total`; return the number of rows."""
        with self.lock:
            self.insert(max(0, total - len(self.store.rows)))
            return len(self.store.rows)

    def add(self, row: Row) -> None:
        """Add a row that was created together with a lead, unless it exists."""
        row_id = self._factory.identify(row)
        if row_id not in self.store.rows:
            self.store.put(row_id, row, self._visible_at())

    def put(self, row: Row) -> None:
        """Replace a row that changed together with a lead."""
        self.store.put(self._factory.identify(row), row, self._visible_at())

    @override
    def _seed(self) -> Iterator[tuple[Any, Row]]:
        for row in self._factory.fill():
            yield self._factory.identify(row), row

    @override
    def _create(self, at: float, fields: Row) -> tuple[Any, Row]:
        row = {**self._factory.make(self._made, self._next_id, int(at)), **fields}
        self._made, self._next_id = self._made + 1, self._next_id + 2
        return self._factory.identify(row), row

    @override
    def _changed(self, row: Row, at: float | None, fields: Row) -> Row:
        moved = {} if at is None or "updated_at" not in row else {"updated_at": int(at)}
        return {**row, **moved, **(fields or self.happening(row))}

    @override
    def _visible_at(self) -> float | None:
        return self._context.lag()

    @override
    def _happened(self, what: str, at: float, before: Row | None, after: Row | None) -> None:
        if what == "deleted" and before is not None:
            row_id = self._factory.identify(before)
            self.removed.add(row_id)
            if self.resource.recycles:
                gone = {**before, "is_deleted": True, "updated_at": int(at)}
                self.bin.put(row_id, gone, self._visible_at())
        self.revision += 1
        self._context.on_change(self.path, what, at, before, after)

    # -- encoding --------------------------------------------------------------------------------

    def encode(self, row: Lead, with_: frozenset[str], base: str) -> tuple[bytes, bytes]:
        """Return a row as JSON."""
        return msgspec.json.encode(self.shown(row, with_, base)), b""

    def shown(self, row: Row, with_: frozenset[str], base: str) -> Row:
        """Return a row as the list returns it."""
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
        """Return the `_links` of a row."""
        if not self.resource.linked:
            return {}
        path, last = self.path.format_map(row), self._factory.identify(row)
        last = last[-1] if isinstance(last, tuple) else last
        return {"_links": {"self": {"href": f"{base}/api/v4/{path}/{last}"}}}

    # -- defined by some tables ------------------------------------------------------------------

    def embedded(self, _row: Row, _with: frozenset[str], _base: str) -> Row | None:
        """Return the `_embedded` of a row, or `None`."""
        return None

    def happening(self, _row: Row) -> Row:
        """Return a typical change of a row."""
        return {}
