"""Result sets that only position can page through: ties, and rows without a cursor.

Ties are rows that share a cursor, so that no bound can separate them. Such a set is scanned in
pages that overlap. If the overlap proves that no row was skipped, one scan is enough. If the order
is unstable, the set is split, and what cannot be split is scanned until its rows are counted.
"""

from __future__ import annotations

import math
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING

from tap_leads.errors import Code
from tap_leads.replication.errors import FilterIgnoredError, IncompleteError
from tap_leads.replication.scan import Scan, note
from tap_leads.replication.splits import spans_steps, split, windows, without_new_rows
from tap_leads.replication.walk import Walker
from tap_leads.timestamps import SECOND

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from tap_leads.replication.behavior import ServerBehavior
    from tap_leads.replication.model import Collection, Page, Query, Row, Split
    from tap_leads.timestamps import Micros

# Maximum scans of a result set whose order is unstable.
MAX_SCANS = 30
# Consecutive scans that must find no new row if nothing else proves that the set is complete.
_QUIET_SCANS = 2
# The same if the order is unstable: such a scan misses about a third of the rows.
_QUIET_SHUFFLED_SCANS = 12
# Maximum times that a part of a set is divided again.
_MAX_DEPTH = 40
# How full the pages of time ranges are to be that a set in unstable order is split into.
_FILL = 0.9
# Rows that parts of a set must share to prove that the API ignores the filters that split it.
MIN_SHARED_ROWS = 3


class OverlappingScan:
    """Reads result sets until it is certain that no row is missing."""

    def __init__(self, collection: Collection, behavior: ServerBehavior) -> None:
        """Prepare to read result sets of `collection`."""
        self._collection = collection
        self._behavior = behavior
        self.is_proven = True
        """False if a growing set was verified by count only, or kept changing until the end: the
        bookmark must not pass it."""
        self.page: Page | None = None
        """The page that was read last."""
        self._walker = Walker(collection, behavior)

    def read(self, query: Query, splits: Sequence[Split]) -> Iterator[list[Row]]:
        """Yield the rows of a result set page by page, including duplicates.

        One scan whose pages overlap proves that the set is complete. If the order of ties is
        unstable, there is no such proof: the set is split, ideally into parts of one page. What
        the scan saw shows where to split a range of time. A set that cannot be split is scanned
        until as many rows were seen as the API reports.

        Raises:
            IncompleteError: Rows exist that could not be read.
            FilterIgnoredError: The API ignores the filter.
        """
        for page in self._read(query, splits):
            yield self._rows_of(page, query)

    def _read(self, query: Query, splits: Sequence[Split], depth: int = 0) -> Iterator[Page]:
        scans: list[Scan] = []
        by_time = spans_steps(query, self._collection.traits.granularity)
        # What a scan of a range of time sees shows where to split it, unless it never ends.
        is_sample = by_time and (query.until is not None or not depth)
        can_be_split = by_time or bool(self._parts(query, splits, Scan()))
        while len(scans) < MAX_SCANS:
            current = self._begin(scans)
            scans.append(current)
            for page in self._walker.pages(query, current, is_range=by_time):
                note(page, scans)
                self.page = page
                yield page
                is_unproven = current.gap and current.total is None
                if can_be_split and (
                    (is_unproven and not is_sample) or self._fills_window(current)
                ):
                    break
            else:
                if self._is_complete(scans, query):
                    if query.cursor == "any" and current.may_descend and current.pages > 1:
                        yield from self._catch_up(query, current)
                    return
            if can_be_split and (parts := self._parts(query, splits, current, is_part=depth > 0)):
                yield from self._read_parts(query, parts, depth + 1)
                return
            if self._is_cut_off(scans):
                break
        is_cut_off = self._is_cut_off(scans)
        if is_cut_off or query.cursor != "set" or not self._behavior.is_open(query):
            raise missing(scans, is_cut_off=is_cut_off)
        self.is_proven = False  # it kept changing: the next run reads it again

    def _is_cut_off(self, scans: Sequence[Scan]) -> bool:
        """Return True if rows exist that no page returns: a limit cuts each scan at one place.

        A set that shrinks while it is read is hardly cut twice at the same place.
        """
        last = scans[-2:]
        return self._fills_window(last[-1]) or (
            len(last) > 1
            and all(scan.cut_off for scan in last)
            and last[0].reached == last[1].reached
        )

    def _read_parts(
        self, query: Query, parts: Sequence[tuple[Query, Sequence[Split]]], depth: int
    ) -> Iterator[Page]:
        """Yield the pages of the parts that a set was split into, itself a part of a part.

        Raises:
            IncompleteError: The parts change faster than they are read.
            FilterIgnoredError: Parts that must be disjoint have the same rows.
        """
        if depth > _MAX_DEPTH:
            raise _outrun()
        others: set[tuple[Hashable, Micros | None]] = set()
        for part, further in parts:
            found: set[tuple[Hashable, Micros | None]] = set()
            shared = 0
            for page in self._read(part, further, depth):
                fresh = {(row.id, row.cursor) for row in page.rows} - found
                found |= fresh
                if part.filters != query.filters:
                    shared += len(fresh & others)
                # A few rows may have moved between parts without a change of their cursor.
                if shared >= MIN_SHARED_ROWS and shared * 2 > len(found):
                    raise FilterIgnoredError
                yield page
            others |= found

    def _begin(self, scans: Sequence[Scan]) -> Scan:
        if self._behavior.run_started is None:
            return Scan()  # the clock is unknown before the first response
        return Scan(
            settled=self._collection.now() - SECOND,
            bounds=scans[-1].bounds if scans else None,
        )

    def _catch_up(self, query: Query, scan: Scan) -> Iterator[Page]:
        """Yield the rows that changed since `scan` began, if a list is sorted newest first.

        A row that is edited before its page is read moves to the front, which was already read.
        The front is read again, down to unchanged rows, until everything that changed since the
        previous scan is on one page.

        Raises:
            IncompleteError: Rows change faster than they are read.
        """
        for _ in range(MAX_SCANS):
            again = self._begin((scan,))
            for page in self._walker.pages(query, again):
                again.note(page.rows, scan)
                again.note_page(page.rows, 0)
                yield page
                if scan.has_passed(page.rows):
                    if again.pages == 1 or scan.is_outside(page.rows[0]):
                        return
                    break
            else:
                if again.pages == 1:
                    return
                if again.cut_off:
                    continue  # it did not get as far as the scan before it
            scan = again
        raise _outrun()

    def _parts(
        self, query: Query, splits: Sequence[Split], seen: Scan, *, is_part: bool = False
    ) -> list[tuple[Query, Sequence[Split]]]:
        step, started = self._collection.traits.granularity, self._behavior.run_started
        is_last = is_part and query.cursor == "set" and query.until is None
        if is_last and started is not None and (query.after or 0) <= started:
            # The last part of a list grows while it is read, and may never fit on a page.
            both = without_new_rows(query, started, self._collection.now(), step)
            return [(part, splits) for part in both]
        if seen.gap and spans_steps(query, step):
            cursors = [cursor for cursor in seen.trusted.values() if cursor is not None]
            limit = int(seen.largest * _FILL)
            parts = windows(query, step, cursors, seen.total or seen.reached, limit)
            if len(parts) > 1:
                return [(part, splits) for part in parts]
        return split(query, splits, step, seen.cursors if seen.gap else ())

    def _fills_window(self, current: Scan) -> bool:
        """Return True if the total is at least the result window: it may be capped there."""
        window = self._collection.traits.result_window
        return window is not None and (current.total or 0) >= window

    def _is_complete(self, scans: Sequence[Scan], query: Query) -> bool:
        """Return True if no row of a set can be missing after these scans."""
        if scans[-1].cut_off or self._fills_window(scans[-1]):
            return False
        if scans[-1].overlaps or any(scan.is_counted for scan in scans):
            return True
        if (
            query.cursor == "set"
            and self._behavior.is_open(query)
            and any(scan.has_as_many_rows for scan in scans)
        ):
            self.is_proven = False
            return True
        if scans[-1].total is not None:
            return False
        is_closed = query.cursor == "set" and not self._behavior.is_open(query)
        return (is_closed and are_counted(scans)) or are_quiet(scans)

    def _rows_of(self, page: Page, query: Query) -> list[Row]:
        """Return the rows of a page that belong to the requested set.

        A row that changed since the server selected the page may have left the set.
        """
        if query.cursor == "null":
            if any(
                row.cursor is not None and self._behavior.is_settled(row.cursor)
                for row in page.rows
            ):
                raise FilterIgnoredError
            return [row for row in page.rows if row.cursor is None]
        after, until = query.after, query.until
        return [
            row
            for row in page.rows
            if row.cursor is None
            or ((after is None or row.cursor >= after) and (until is None or row.cursor <= until))
        ]


def _outrun() -> IncompleteError:
    return IncompleteError(
        "records changed faster than the API returned them, so some may be missing; run the sync "
        "again"
    )


def missing(scans: Sequence[Scan], *, is_cut_off: bool) -> IncompleteError:
    """Return the error for rows that could not be read, counted if there is a total."""
    rest = max((scans[-1].total or 0) - len(scans[0].ids), 1)
    if is_cut_off:
        return IncompleteError(
            f"the API does not return more than the first {len(scans[0].ids):,} records of a "
            f"query, and at least {rest:,} more exist; narrow `filters`",
            code=Code.QUERY_LIMIT,
        )
    return IncompleteError(
        f"at least {rest:,} records could not be read: the API keeps changing the order of "
        "records with the same timestamp, or its total is higher than the number of records it "
        "returns; run the sync again"
    )


def are_quiet(scans: Sequence[Scan]) -> bool:
    """Return True if the last scans found no row that earlier scans had not seen."""
    holds_still = all(
        later.repeats(earlier) for earlier, later in pairwise(scans[-_QUIET_SCANS - 1 :])
    )
    needed = _QUIET_SCANS if holds_still else _QUIET_SHUFFLED_SCANS
    return len(scans) > needed and not any(scan.added for scan in scans[-needed:])


def are_counted(scans: Sequence[Scan]) -> bool:
    """Return True if every row of a set that cannot grow was seen: scans agree how many it has.

    A row that is deleted makes the set shorter, so none was deleted since the first of these scans
    ended, and as many rows were seen since then.
    """
    same = [*takewhile(lambda scan: scan.length == scans[-1].length, reversed(scans))]
    return len(same) > 1 and len(same[-2].ids) >= (scans[-1].length or math.inf)
