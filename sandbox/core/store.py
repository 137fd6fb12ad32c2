"""A collection of leads: what is true, what lists show of it yet, and sorted indexes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

Lead = dict[str, Any]
Key = Callable[[Lead], Any]
Entry = tuple[Any, Any]
"""A sort key and the id of the lead that has it."""


class Change(NamedTuple):
    """A change that lists do not show yet."""

    at: float
    lead_id: Any
    lead: Lead | None


class Collection:
    """Leads by id. A changed lead is a new dict, so what a reader holds stays as it was.

    Args:
        key: Gives, for the name of an index, the function from a lead to its sort key.
    """

    def __init__(self, key: Callable[[str], Key]) -> None:
        self.rows: dict[Any, Lead] = {}
        self.shown: dict[Any, Lead] = {}
        self.fragments: dict[Any, dict[Any, tuple[Any, ...]]] = {}
        """Rendered leads by kind of rendering and id; each entry begins with its lead."""
        self._found: dict[Any, list[Entry]] = {}
        self._key = key
        self._indexes: dict[str, list[Entry]] = {}
        self._waiting: list[Change] = []
        self._doubtful = False

    def put(self, lead_id: Any, lead: Lead, visible_at: float | None = None) -> None:
        """Insert or replace a lead; lists show it at once, or at a later moment."""
        self.rows[lead_id] = lead
        self._change(lead_id, lead, visible_at)

    def remove(self, lead_id: Any, visible_at: float | None = None) -> Lead:
        """Take a lead out."""
        lead = self.rows.pop(lead_id)
        self._change(lead_id, None, visible_at)
        return lead

    def doubt(self) -> None:
        """Say that the rows may be changed from outside: nothing worked out from them is kept."""
        self._doubtful = True

    def settle(self, now: float) -> None:
        """Let the changes show whose moment has come."""
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
        """The index of that name, ascending. Not to be changed by the caller."""
        index = self._indexes.get(name)
        if index is None:
            key = self._key(name)
            index = sorted((key(lead), lead_id) for lead_id, lead in self.shown.items())
            self._indexes[name] = index
        return index

    def found(self, question: Any, find: Callable[[], list[Entry]]) -> list[Entry]:
        """The answer of `find`, remembered until the next change."""
        if question not in self._found:
            if len(self._found) >= 64:  # noqa: PLR2004 - more is memory without use
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
    """The entries with `low <= key <= high`; `None` is no bound."""
    start = 0 if low is None else bisect_left(entries, low, key=itemgetter(0))
    stop = len(entries) if high is None else bisect_right(entries, high, key=itemgetter(0))
    return entries[start:stop]


def page_of(entries: list[Entry], start: int, stop: int, rng: random.Random | None) -> list[Any]:
    """The ids in those places of a list that is in its final order.

    Args:
        entries: The list.
        start: The first place.
        stop: The place after the last.
        rng: Shuffles entries of equal keys; without it they stay as they are.
    """
    if rng is None or start >= len(entries):
        return [lead_id for _, lead_id in entries[start:stop]]
    stop = min(stop, len(entries))
    first, last = start, stop
    while first > 0 and entries[first - 1][0] == entries[start][0]:
        first -= 1
    while last < len(entries) and entries[last][0] == entries[stop - 1][0]:
        last += 1
    ids: list[Any] = []
    for _, same in groupby(entries[first:last], key=itemgetter(0)):
        group = [lead_id for _, lead_id in same]
        if len(group) > 1:
            rng.shuffle(group)
        ids += group
    return ids[start - first : stop - first]


def pick(rows: dict[Any, Lead], which: int | Iterable[Any], rng: random.Random) -> list[Any]:
    """The ids meant: those given, or so many at random."""
    if isinstance(which, int):
        return rng.sample(list(rows), min(which, len(rows)))
    return list(which)
