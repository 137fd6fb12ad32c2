"""Collections of rows, with sorted indexes and changes that lists show later."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

Lead = dict[str, Any]
Key = Callable[[Lead], Any]
Entry = tuple[Any, Any]
"""A sort key, and the ID of the row that has it."""


class Change(NamedTuple):
    """A change that lists do not show yet. `lead` is `None` for a deletion."""

    at: float
    lead_id: Any
    lead: Lead | None


class Collection:
    """Rows by ID: the current state, and the state that lists show.

    A changed row is a new dict, so a row that was read earlier keeps its values.

    Args:
        key: Returns, for the name of an index, the function from a row to its sort key.
    """

    def __init__(self, key: Callable[[str], Key]) -> None:
        self.rows: dict[Any, Lead] = {}
        """The current rows."""
        self.shown: dict[Any, Lead] = {}
        """The rows as lists show them."""
        self.fragments: dict[Any, dict[Any, tuple[Any, ...]]] = {}
        """Encoded rows by rendering and ID; each entry starts with the row it was made from."""
        self._found: dict[Any, list[Entry]] = {}
        self._key = key
        self._indexes: dict[str, list[Entry]] = {}
        self._waiting: list[Change] = []
        self._doubtful = False

    def put(self, lead_id: Any, lead: Lead, visible_at: float | None = None) -> None:
        """Insert or replace a row; lists show it at once, or at a later time."""
        self.rows[lead_id] = lead
        self._change(lead_id, lead, visible_at)

    def remove(self, lead_id: Any, visible_at: float | None = None) -> Lead:
        """Remove a row and return it; lists show that at once, or at a later time."""
        lead = self.rows.pop(lead_id)
        self._change(lead_id, None, visible_at)
        return lead

    def doubt(self) -> None:
        """Discard indexes and caches before the next read: rows may be changed in place."""
        self._doubtful = True

    def settle(self, now: float) -> None:
        """Show the changes that are due."""
        if self._doubtful:
            self._doubtful = False
            self._forget()
            if not self._waiting:
                self.shown = dict(self.rows)
        if self._waiting:
            due = [change for change in self._waiting if change.at <= now]
            self._waiting = [change for change in self._waiting if change.at > now]
            for change in due:
                self._show(change.lead_id, change.lead)

    def sorted(self, name: str) -> list[Entry]:
        """Return the index of that name, ascending. The caller must not change it."""
        index = self._indexes.get(name)
        if index is None:
            key = self._key(name)
            index = sorted((key(lead), lead_id) for lead_id, lead in self.shown.items())
            self._indexes[name] = index
        return index

    def found(self, question: Any, find: Callable[[], list[Entry]]) -> list[Entry]:
        """Return the result of `find`, cached until the next change."""
        if question not in self._found:
            if len(self._found) >= 64:  # noqa: PLR2004 - bounds the memory
                self._found.clear()
            self._found[question] = find()
        return self._found[question]

    def _change(self, lead_id: Any, lead: Lead | None, visible_at: float | None) -> None:
        if visible_at is not None:
            self._waiting.append(Change(visible_at, lead_id, lead))
            return
        if self._waiting:
            self._waiting = [change for change in self._waiting if change.lead_id != lead_id]
        self._show(lead_id, lead)

    def _show(self, lead_id: Any, lead: Lead | None) -> None:
        old = self.shown.get(lead_id)
        for name, index in list(self._indexes.items()):
            key = self._key(name)
            if old is not None:
                entry = (key(old), lead_id)
                place = bisect_left(index, entry)
                if place == len(index) or index[place] != entry:
                    del self._indexes[name]
                    continue
                del index[place]
            if lead is not None:
                insort(index, (key(lead), lead_id))
        self._found.clear()
        if lead is None:
            self.shown.pop(lead_id, None)
        else:
            self.shown[lead_id] = lead

    def _forget(self) -> None:
        self._indexes.clear()
        self._found.clear()
        self.fragments.clear()


def between(entries: list[Entry], low: Any, high: Any) -> list[Entry]:
    """Return the entries with `low <= key <= high`; `None` is no bound."""
    start = 0 if low is None else bisect_left(entries, low, key=itemgetter(0))
    stop = len(entries) if high is None else bisect_right(entries, high, key=itemgetter(0))
    return entries[start:stop]


def pick(rows: dict[Any, Lead], which: int | Iterable[Any], rng: random.Random) -> list[Any]:
    """Return the given IDs, or a number of IDs chosen at random."""
    if isinstance(which, int):
        return rng.sample(list(rows), min(which, len(rows)))
    return list(which)
