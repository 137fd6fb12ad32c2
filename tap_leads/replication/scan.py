"""One pass over a result set by position, and what it proves."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from tap_leads.timestamps import HOUR

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from tap_leads.replication.model import Page, Query, Row
    from tap_leads.timestamps import Micros

_NEVER: Final = object()
# Scans in a row that must add nothing, where nothing else can prove that no row is missing.
_QUIET_SCANS = 2
# The same where the order of the rows does not hold still: a scan then misses a third of them.
_QUIET_SHUFFLED_SCANS = 12
# Rows that must come again between two pages, if so many can.
_LEAST_ORDER = 3
# Rows that are not in order by chance: there are 40,320 orders of eight.
_CLEAR_ORDER = 8
# How far the dates of an account may be ahead of the clock because of its time zone.
_SHIFT = 26 * HOUR
# How many times more often cursors fall than rise in a list that is in descending order.
_DESCENDING = 4


@dataclass(slots=True)
class Census:
    """How many rows a set had at one moment, and the rows that were surely in it then.

    A count proves nothing of a set that grows, unless rows that were added later are left out.
    """

    total: int
    """The rows that the API declared, on one page."""
    known: int
    """How many rows had been seen by then, that page included."""
    settled: Micros | None
    """Rows with an older cursor were there by then, if they are seen at all afterwards."""
    members: set[Hashable]
    """The rows of that page, and rows seen after it that were there by then."""

    @property
    def is_complete(self) -> bool:
        """Return True if each row came that was in the set then."""
        return len(self.members) >= self.total


@dataclass(slots=True)
class Scan:
    """One complete pass over a result set: its declared size, and the rows seen since it began."""

    settled: Micros | None = None
    """The server's clock a second before the scan began."""
    bounds: Query | None = None
    """The query as it is requested, from the first page to the last."""
    total: int | None = None
    last_total: int | None = None
    gap: bool = False
    cut_off: bool = False
    added: int = 0
    pages: int = 0
    size: int = 0
    """How many rows the scan itself saw."""
    ids: dict[Hashable, int] = field(default_factory=dict)
    """The rows seen since the scan began, also by later scans, in the order they came in."""
    trusted: dict[Hashable, Micros | None] = field(default_factory=dict)
    """The rows that stood at their place on their page, with their cursors."""
    censuses: list[Census] = field(default_factory=list)
    cursors: list[Micros] = field(default_factory=list)
    front: list[Micros] = field(default_factory=list)
    """The cursors on the first page."""
    rises: int = 0
    falls: int = 0

    def note_total(self, total: int | None) -> None:
        """Remember how many rows the API declares."""
        self.last_total = total
        if self.total is None:
            self.total = total

    def note_page(self, rows: Sequence[Row], added: int) -> None:
        """Remember a page of the scan itself, which had so many rows that no scan saw before."""
        self.pages += 1
        self.added += added
        self.size = len(self.ids)
        cursors = [row.cursor for row in rows if row.cursor is not None]
        self.cursors += cursors
        if self.pages == 1:
            self.front = cursors
        self.rises += sum(one < other for one, other in pairwise(cursors))
        self.falls += sum(one > other for one, other in pairwise(cursors))

    def note(self, rows: Sequence[Row], first: Scan) -> None:
        """Remember rows of a page, also of a later scan; `first` is the first scan of the set.

        A row that no scan saw before may have been added since, unless its cursor shows that it
        did not change.
        """
        for row in rows:
            self.ids.setdefault(row.id, len(self.ids))
        for census in self.censuses:
            settled = census.settled
            census.members.update(
                row.id
                for row in rows
                if first.ids[row.id] < census.known
                or (row.cursor is not None and settled is not None and row.cursor < settled)
            )

    def count(self, rows: Sequence[Row], first: Scan, settled: Micros | None) -> None:
        """Take a census at a page that was noted already, requested when `settled` had passed."""
        if self.last_total is not None and rows:  # an empty page may be a wrong one
            members = {row.id for row in rows}
            self.censuses.append(Census(self.last_total, len(first.ids), settled, members))

    def trust(
        self,
        rows: Sequence[Row],
        settled: Micros | None,
        before: Mapping[Hashable, Micros | None],
    ) -> None:
        """Remember which rows of a page stand at their place.

        They did not change since `settled`, or came in the answer `before` as they are now. Others
        may have changed since the page was chosen, and moved to another one.
        """
        for row in rows:
            cursor = row.cursor
            if (
                cursor is None
                or (settled is not None and cursor < settled)
                or before.get(row.id, _NEVER) == cursor
            ):
                self.trusted[row.id] = cursor

    def trusts_one_of(self, rows: Sequence[Row]) -> bool:
        """Return True if one of these rows stands at its place."""
        return any(self.trusted.get(row.id, _NEVER) == row.cursor for row in rows)

    def is_followed_by(self, rows: Sequence[Row], repeated: int) -> bool:
        """Return True if a page begins with rows seen before, and repeats such rows in order.

        `repeated` rows should come again. Those that changed meanwhile prove nothing, as they may
        have moved. A few others may be in order by chance, where the order does not hold still:
        then nothing may stand between them, but for one row that is gone.
        """
        rows = [row for row in rows if row.id not in self.ids or self.trusts_one_of((row,))]
        places = [self.ids.get(row.id) for row in rows]
        known = [place for place in places if place is not None]
        if not places or places[0] is None or known != sorted(known):
            return False
        is_a_run = known[-1] - known[0] <= len(known) and places[: len(known)] == known
        is_enough = len(known) >= min(_LEAST_ORDER, repeated)
        return (is_a_run and is_enough) or len(known) >= _CLEAR_ORDER

    @property
    def overlaps(self) -> bool:
        """Return True if pages overlapped, and no fewer rows came than are declared."""
        return not self.gap and (self.last_total is None or len(self.ids) >= self.last_total)

    @property
    def is_counted(self) -> bool:
        """Return True if all rows came that were in the set at one moment of the scan."""
        return any(census.is_complete for census in self.censuses)

    @property
    def has_as_many_rows(self) -> bool:
        """Return True if as many rows came as were declared, some of which may be new ones."""
        return self.total is not None and len(self.ids) >= self.total

    @property
    def may_descend(self) -> bool:
        """Return True if rows may come newest first: what is edited moves to pages that were read.

        Where all cursors are the same, nothing shows the direction.
        """
        return bool(self.cursors) and (not self.rises or self.falls > _DESCENDING * self.rises)

    def is_outside(self, row: Row) -> bool:
        """Return True if a row says nothing of when it changed: no date, or one far ahead."""
        return row.cursor is None or row.cursor > (self.settled or 0) + _SHIFT

    def has_passed(self, rows: Sequence[Row]) -> bool:
        """Return True if rows, newest first, lead to one that did not change since this scan began.

        Where dates are ahead of the clock by a time zone, those of the first page show it.
        """
        settled = self.settled or 0
        front = min((c for c in self.front if c <= settled + _SHIFT), default=settled - 1)
        last = max(settled - 1, front)
        return any(row.cursor is not None and row.cursor <= last for row in rows)

    def repeats(self, earlier: Scan) -> bool:
        """Return True if the rows that both scans saw came in the same order."""
        places = [earlier.ids[row] for row in list(self.ids)[: self.size] if row in earlier.ids]
        places = [place for place in places if place < earlier.size]
        return places == sorted(places)


def are_quiet(scans: Sequence[Scan]) -> bool:
    """Return True if the last scans saw nothing that the ones before had not seen."""
    holds_still = all(
        later.repeats(earlier) for earlier, later in pairwise(scans[-_QUIET_SCANS - 1 :])
    )
    needed = _QUIET_SCANS if holds_still else _QUIET_SHUFFLED_SCANS
    return len(scans) > needed and not any(scan.added for scan in scans[-needed:])


def note(page: Page, scans: Sequence[Scan]) -> None:
    """Remember a page of the last scan in all scans of the set."""
    first, current = scans[0], scans[-1]
    before = len(first.ids)
    for scan in scans:
        scan.note(page.rows, first)
    current.note_page(page.rows, len(first.ids) - before)
    if current.pages == 1 or not page.has_more:
        # Most lists have rows that are new on their first page or on their last one.
        current.count(page.rows, first, current.settled)


def missing(scans: Sequence[Scan], *, is_cut_off: bool) -> str:
    """Return what could not be reached, counted where the API declares a total."""
    rest = max((scans[-1].total or 0) - len(scans[0].ids), 1)
    if is_cut_off:
        return (
            f"the API does not return more than the first {len(scans[0].ids):,} records of a "
            f"query, and at least {rest:,} more exist; narrow `filters`"
        )
    return (
        f"at least {rest:,} records could not be read: the API keeps changing the order of "
        "records with the same timestamp, or its total is higher than the number of records it "
        "returns; run the sync again"
    )
