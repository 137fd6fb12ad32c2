"""One scan of a result set by position, and the evidence that it is complete.

Rows move between pages while a set is scanned. A scan is complete if its pages overlap, or if as
many rows were seen as the set had at one moment. `ties.py` decides what to do without evidence.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Final

from tap_leads.replication.behavior import MAX_DELAY
from tap_leads.replication.pagination import OVERLAP
from tap_leads.timestamps import HOUR

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from tap_leads.replication.model import Page, Query, Row
    from tap_leads.timestamps import Micros

_NEVER: Final = object()
# Rows that a page must repeat from the previous one, if it can repeat that many.
_MIN_REPEATED_ROWS = 3
# Rows that cannot be in order by chance: eight rows have 40,320 possible orders.
MIN_ORDERED_ROWS = 8
_CHANCES = math.factorial(MIN_ORDERED_ROWS) - 1
# Rows of another tie to request again if the order of ties is unstable: some may be deleted.
_SPARE_ROWS = 3
# How far an account's dates may be ahead of the clock because of its time zone.
_MAX_ZONE_OFFSET = 26 * HOUR
# How many times more often cursors fall than rise in a list in descending order.
_FALLS_PER_RISE = 4


@dataclass(slots=True)
class Census:
    """The size of a set at one moment, and the rows that are known to have been in it then.

    A total proves nothing about a growing set, unless rows that were added later are not counted.
    """

    total: int
    """The number of rows in the set that the API reported with one page."""
    known: int
    """The number of rows seen by then, including that page."""
    settled: Micros | None
    """Rows with a cursor older than this by more than `MAX_DELAY` were in the set by then."""
    members: set[Hashable]
    """The rows of that page, and rows seen after it that were in the set by then."""

    @property
    def is_complete(self) -> bool:
        """Return True if every row that was in the set then has been seen."""
        return len(self.members) >= self.total


@dataclass(slots=True)
class Scan:
    """One complete pass over a result set: its reported size, and the rows seen since it began."""

    settled: Micros | None = None
    """The server's clock one second before the scan began."""
    bounds: Query | None = None
    """The widened query, the same from the first page to the last."""
    total: int | None = None
    last_total: int | None = None
    gap: bool = False
    rewinds: int = 0
    """The number of consecutive times that the scan went back."""
    lost_at: int = 0
    """The furthest place where a page did not overlap the previous one."""
    cut_off: bool = False
    added: int = 0
    pages: int = 0
    size: int = 0
    """The number of rows that the scan itself saw."""
    reached: int = 0
    """The number of rows up to the end of its last page, by position."""
    length: int | None = None
    """The number of rows of the set, by the position of its last row."""
    largest: int = 0
    """The most rows of a page."""
    ids: dict[Hashable, int] = field(default_factory=dict)
    """The rows seen since the scan began, including by later scans, numbered as they came."""
    came_as: dict[Hashable, object] = field(default_factory=dict)
    """The cursors with which these rows came first, if they were in position then."""
    trusted: dict[Hashable, Micros | None] = field(default_factory=dict)
    """The rows that were in position on their page, with their cursors."""
    censuses: list[Census] = field(default_factory=list)
    cursors: list[Micros] = field(default_factory=list)
    front: list[Micros] = field(default_factory=list)
    """The cursors on the first page."""
    last: list[Micros] = field(default_factory=list)
    """The cursors on the last page, of the rows that were in position."""
    rises: int = 0
    falls: int = 0

    def note_total(self, total: int | None) -> None:
        """Record the number of rows that the API reports."""
        self.last_total = total
        if self.total is None:
            self.total = total

    def note_page(self, rows: Sequence[Row], added: int) -> None:
        """Record a page of this scan; `added` of its rows were not seen by any scan before."""
        self.pages += 1
        self.largest = max(self.largest, len(rows))
        self.added += added
        self.size = len(self.ids)
        cursors = [row.cursor for row in rows if row.cursor is not None]
        self.cursors += cursors
        if self.pages == 1:
            self.front = cursors
        self.last = [c for row in rows if (c := row.cursor) is not None and self.trusts(row)]
        self.rises += sum(one < other for one, other in pairwise(cursors))
        self.falls += sum(one > other for one, other in pairwise(cursors))

    def note(self, rows: Sequence[Row], first: Scan) -> None:
        """Record rows of a page of this scan or a later one; `first` is the first scan of the set.

        A row that no scan saw before may have been added since, unless its cursor shows that it
        has not changed.
        """
        for row in rows:
            self.ids.setdefault(row.id, len(self.ids))
            self.came_as.setdefault(row.id, row.cursor if self.trusts(row) else _NEVER)
        for census in self.censuses:
            settled = -math.inf if census.settled is None else census.settled - MAX_DELAY
            census.members.update(
                row.id
                for row in rows
                if first.ids[row.id] < census.known
                or (row.cursor is not None and row.cursor < settled)
            )

    def count(self, rows: Sequence[Row], first: Scan, settled: Micros | None) -> None:
        """Take a census at a page that is already recorded and was requested after `settled`."""
        if self.last_total is not None and rows:  # an empty page may be wrong
            members = {row.id for row in rows}
            self.censuses.append(Census(self.last_total, len(first.ids), settled, members))

    def trust(
        self,
        rows: Sequence[Row],
        settled: Micros | None,
        before: Mapping[Hashable, Micros | None],
    ) -> None:
        """Record which rows of a page are in position.

        They have not changed since `settled`, or the previous response contained them unchanged
        (`before`). Others may have changed since the server selected the page, and belong to
        another page.
        """
        for row in rows:
            cursor = row.cursor
            if (
                cursor is None
                or (settled is not None and cursor < settled)
                or before.get(row.id, _NEVER) == cursor
            ):
                self.trusted[row.id] = cursor

    def trusts(self, row: Row) -> bool:
        """Return True if a row is in position."""
        return self.trusted.get(row.id, _NEVER) == row.cursor

    def trusts_one_of(self, rows: Sequence[Row]) -> bool:
        """Return True if one of these rows is in position."""
        return any(self.trusts(row) for row in rows)

    def is_followed_by(self, rows: Sequence[Row], repeated: int, *, surely: bool = False) -> bool:
        """Return True if a page begins with rows seen before, and repeats such rows in order.

        `repeated` rows should come again. Rows that changed meanwhile prove nothing, as they may
        have moved. In an unstable order a few rows may be in order by chance, so they must also be
        consecutive, except for one row that may have been deleted. That may still be chance where
        pages are small; it cannot be if the result is to be sure.
        """
        rows = [row for row in rows if row.id not in self.ids or self._has_stayed(row)]
        places = [self.ids.get(row.id) for row in rows]
        known = [place for place in places if place is not None]
        if not places or places[0] is None or known != sorted(known):
            return False
        is_a_run = known[-1] - known[0] <= len(known) and places[: len(known)] == known
        is_enough = len(known) >= min(_MIN_REPEATED_ROWS, repeated)
        if surely:
            is_enough = math.perm(len(self.ids) - 1, len(known) - 1) > _CHANCES
        return (is_a_run and is_enough) or len(known) >= MIN_ORDERED_ROWS

    def is_contradicted_by(self, rows: Sequence[Row]) -> bool:
        """Return True if rows that did not change come again in another order."""
        places = [self.ids[row.id] for row in rows if self._has_stayed(row)]
        return places != sorted(places)

    def _has_stayed(self, row: Row) -> bool:
        """Return True if a row that came before is in position, and was: it has not moved."""
        return self.trusts(row) and self.came_as.get(row.id, _NEVER) == row.cursor

    @property
    def is_sorted(self) -> bool:
        """Return True if the pages are sorted by cursor, in one direction, and not by chance."""
        return (not self.rises or not self.falls) and _orders(self.last) > math.log(_CHANCES + 1)

    @property
    def tail(self) -> int:
        """Return how many rows of the last page must come again to include one that is no tie.

        Where most of the page are ties, they need not: such a set is divided.
        """
        ties = sum(1 for _ in takewhile(lambda cursor: cursor == self.last[-1], self.last[::-1]))
        rows = ties + _SPARE_ROWS
        return max(rows if rows * 2 <= len(self.last) else 0, OVERLAP)

    def is_continued_by(self, rows: Sequence[Row]) -> bool:
        """Return True if a page of a sorted list begins within the previous page.

        Rows with the same cursor may then be in another order in each response: the previous page
        had all rows before its last cursor, and this page has all rows after its first one.
        """
        cursors = [c for row in rows if (c := row.cursor) is not None and self.trusts(row)]
        if not cursors or not self.is_sorted:
            return False
        direction = -1 if self.rises else 1
        cursors = [direction * cursor for cursor in cursors]
        begins_within = direction * self.last[0] >= cursors[0] > direction * self.last[-1]
        return begins_within and all(one >= other for one, other in pairwise(cursors))

    @property
    def overlaps(self) -> bool:
        """Return True if pages overlapped, and at least as many rows came as the API reports."""
        return not self.gap and (self.last_total is None or len(self.ids) >= self.last_total)

    @property
    def is_counted(self) -> bool:
        """Return True if every row that was in the set at one moment of the scan has been seen."""
        return any(census.is_complete for census in self.censuses)

    @property
    def has_as_many_rows(self) -> bool:
        """Return True if as many rows came as the API reported, some of which may be new."""
        return self.total is not None and len(self.ids) >= self.total

    @property
    def may_descend(self) -> bool:
        """Return True if rows may be sorted newest first, so that edits move rows to earlier pages.

        If all cursors are equal, nothing shows the direction.
        """
        return bool(self.cursors) and (not self.rises or self.falls > _FALLS_PER_RISE * self.rises)

    def is_outside(self, row: Row) -> bool:
        """Return True if a cursor does not show when its row changed: null or far in the future."""
        return row.cursor is None or row.cursor > (self.settled or 0) + _MAX_ZONE_OFFSET

    def has_passed(self, rows: Sequence[Row]) -> bool:
        """Return True if rows, newest first, reach one that has not changed since this scan began.

        If dates are ahead of the clock by a time zone, the first page of the scan shows it.
        """
        settled = self.settled or 0
        front = min((c for c in self.front if c <= settled + _MAX_ZONE_OFFSET), default=settled - 1)
        last = max(settled - 1, front)
        return any(row.cursor is not None and row.cursor <= last for row in rows)

    def repeats(self, earlier: Scan) -> bool:
        """Return True if the rows that both scans saw came in the same order."""
        places = [earlier.ids[row] for row in list(self.ids)[: self.size] if row in earlier.ids]
        places = [place for place in places if place < earlier.size]
        return places == sorted(places)


def _orders(cursors: Sequence[Micros]) -> float:
    """Return the logarithm of the number of orders that rows with these cursors may come in."""
    return math.lgamma(len(cursors) + 1) - sum(
        math.lgamma(n + 1) for n in Counter(cursors).values()
    )


def note(page: Page, scans: Sequence[Scan]) -> None:
    """Record a page of the last scan in all scans of the set."""
    first, current = scans[0], scans[-1]
    before = len(first.ids)
    for scan in scans:
        scan.note(page.rows, first)
    current.note_page(page.rows, len(first.ids) - before)
    if current.pages == 1 or not page.has_more:
        # Most lists return new rows on their first page or on their last.
        current.count(page.rows, first, current.settled)
