"""Rows that tests and people insert, edit and delete."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from sandbox.core.store import Collection, Key, Lead, pick

if TYPE_CHECKING:
    import random
    import threading
    from collections.abc import Callable, Iterable

    from sandbox.core.clock import Clock


class Rows(ABC):
    """Rows by ID, created on first use.

    Args:
        clock: Gives the time of each change.
        lock: Held during each change.
        rng: Chooses the rows of a change that names a count instead of IDs.
        key: Returns the sort key of each index.
    """

    def __init__(
        self, clock: Clock, lock: threading.RLock, rng: random.Random, key: Callable[[str], Key]
    ) -> None:
        self.clock = clock
        self.lock = lock
        self.rng = rng
        self.filled = False
        """True once the initial rows exist."""
        self._collection = Collection(key)

    @property
    def store(self) -> Collection:
        """The collection that holds the rows."""
        with self.lock:
            if not self.filled:
                self.filled = True
                for row_id, row in self._seed():
                    self._collection.put(row_id, row)
            return self._collection

    @property
    def rows(self) -> dict[Any, Lead]:
        """The rows by ID. To change rows in place, read this property again for each change."""
        with self.lock:
            store = self.store
            store.doubt()
            return store.rows

    def insert(self, count: int = 1, *, at: float | None = None, **fields: object) -> list[Any]:
        """Insert generated rows.

        Args:
            count: The number of rows.
            at: The time of creation in epoch seconds. Default: the clock's time.
            fields: Values that all new rows get, by the API's field names.

        Returns:
            The IDs of the new rows.
        """
        with self.lock:
            store, ids = self.store, []
            moment, given = self._moment(at), self._completed(fields)
            for _ in range(count):
                row_id, row = self._create(moment, given)
                store.put(row_id, row, self._visible_at())
                self._happened("added", moment, None, row)
                ids.append(row_id)
            return ids

    def edit(
        self,
        which: int | Iterable[Any],
        *,
        at: float | None = None,
        touch: bool = True,
        **fields: object,
    ) -> list[Any]:
        """Edit rows.

        Args:
            which: IDs, or the number of rows to choose at random.
            at: The time of the edit in epoch seconds. Default: the clock's time.
            touch: Update the row's modification date.
            fields: The new values. Default: a typical change, chosen at random.

        Returns:
            The IDs of the edited rows.
        """
        with self.lock:
            store = self.store
            ids = pick(store.rows, which, self.rng)
            moment, given = self._moment(at), self._completed(fields)
            for row_id in ids:
                old = store.rows[row_id]
                row = self._changed(old, moment if touch else None, given)
                store.put(row_id, row, self._visible_at())
                self._happened("edited", moment, old, row)
            return ids

    def delete(self, which: int | Iterable[Any]) -> list[Any]:
        """Delete rows by ID, or a number of rows chosen at random; return their IDs."""
        with self.lock:
            store, now = self.store, self.clock.now()
            ids = pick(store.rows, which, self.rng)
            for row_id in ids:
                old = store.remove(row_id, self._visible_at())
                self._happened("deleted", now, old, None)
            return ids

    def _moment(self, at: float | None) -> float:
        return self.clock.now() if at is None else at

    # -- defined by each kind of row -------------------------------------------------------------

    @abstractmethod
    def _seed(self) -> Iterable[tuple[Any, Lead]]:
        """Return the initial rows, each with its ID."""

    @abstractmethod
    def _create(self, at: float, fields: dict[str, Any]) -> tuple[Any, Lead]:
        """Return a new row with these values, and its ID."""

    @abstractmethod
    def _changed(self, row: Lead, at: float | None, fields: dict[str, Any]) -> Lead:
        """Return the row after an edit; `None` as the time keeps its modification date."""

    @abstractmethod
    def _visible_at(self) -> float | None:
        """Return when lists show a change made now; `None` is at once."""

    def _completed(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Return the values of an insert or edit, with those that follow from them."""
        return fields

    def _happened(  # noqa: B027 - optional
        self, what: str, at: float, before: Lead | None, after: Lead | None
    ) -> None:
        """Handle a change that was made: `added`, `edited` or `deleted`."""
