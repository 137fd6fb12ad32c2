"""Result sets that only position can page through: ties, and rows without a cursor.

Ties are rows that share a cursor, so that no bound can separate them. Such a set is scanned in
pages that overlap. If the overlap proves that no row was skipped, one scan is enough. If the order
is unstable, the set is split, and what cannot be split is scanned until its rows are counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_leads.replication.behavior import open_set, request
from tap_leads.replication.errors import FilterIgnoredError, IncompleteError
from tap_leads.replication.pagination import OVERLAP, HALPaginator, Link, PositionPaginator
from tap_leads.replication.scan import Scan, are_quiet, missing, note
from tap_leads.replication.splits import spans_steps, split, windows
from tap_leads.timestamps import SECOND

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from tap_leads.replication.behavior import ServerBehavior
    from tap_leads.replication.model import Collection, Page, Paginator, Query, Row, Split
    from tap_leads.timestamps import Micros

# Maximum scans of a result set whose order is unstable.
MAX_SCANS = 30
# Maximum consecutive rewinds to find a row that moved; after that, the order counts as unstable.
# In a range of time, which costs little to split, it is one, and none once the order is unstable.
MAX_REWINDS = 3
# How full the pages of time ranges are to be that a set in unstable order is split into.
_FILL = 0.9
# Rows that parts of a set must share to prove that the API ignores the filters that split it.
MIN_SHARED_ROWS = 3
# Maximum consecutive pages of a scan without a new row; an API may return pages without end.
MAX_IDLE_PAGES = 20


class OverlappingScan:
    """Reads result sets until it is certain that no row is missing."""

    def __init__(self, collection: Collection, behavior: ServerBehavior) -> None:
        """Prepare to read result sets of `collection`."""
        self._collection = collection
        self._behavior = behavior
        self.is_proven = True
        """False if a growing set was verified by count only: the bookmark must not pass it."""
        self.has_more = True
        """False if the page that was just read is the last one of its scan."""
        # True once a page lacked so many rows that only the API's next links lead on.
        self._by_links = False

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

    def _read(self, query: Query, splits: Sequence[Split]) -> Iterator[Page]:
        scans: list[Scan] = []
        by_time = spans_steps(query, self._collection.traits.granularity)
        can_be_split = by_time or bool(self._parts(query, splits, Scan()))
        while len(scans) < MAX_SCANS:
            current = self._begin(scans)
            scans.append(current)
            is_range = by_time or (query.cursor == "set" and query.until is None)
            for page in self._walk(query, current, is_range=is_range):
                note(page, scans)
                self.has_more = page.has_more
                yield page
                is_unproven = current.gap and current.total is None and not by_time
                if can_be_split and (is_unproven or self._fills_window(current)):
                    break
            else:
                if self._is_complete(scans, query):
                    if query.cursor == "any" and current.may_descend and current.pages > 1:
                        yield from self._catch_up(query, current)
                    return
            if can_be_split and (parts := self._parts(query, splits, current)):
                yield from self._read_parts(query, parts)
                return
            if current.cut_off or self._fills_window(current):
                break
        is_cut_off = scans[-1].cut_off or self._fills_window(scans[-1])
        raise missing(scans, is_cut_off=is_cut_off)

    def _read_parts(
        self, query: Query, parts: Sequence[tuple[Query, Sequence[Split]]]
    ) -> Iterator[Page]:
        """Yield the pages of the parts that a set was split into.

        Raises:
            FilterIgnoredError: Parts that must be disjoint have the same rows.
        """
        others: set[tuple[Hashable, Micros | None]] = set()
        for part, further in parts:
            found: set[tuple[Hashable, Micros | None]] = set()
            shared = 0
            for page in self._read(part, further):
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
            for page in self._walk(query, again):
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
            scan = again
        raise IncompleteError(
            "records changed faster than the API returned them, so some may be missing; run the "
            "sync again"
        )

    def _parts(
        self, query: Query, splits: Sequence[Split], seen: Scan
    ) -> list[tuple[Query, Sequence[Split]]]:
        step = self._collection.traits.granularity
        if seen.gap and spans_steps(query, step):
            cursors = [cursor for cursor in seen.trusted.values() if cursor is not None]
            limit = int(seen.largest * _FILL)
            parts = windows(query, step, cursors, seen.total or seen.reached, limit)
            if len(parts) > 1:
                return [(part, splits) for part in parts]
        return split(query, splits, step, seen.cursors if seen.gap else ())

    def _walk(self, query: Query, current: Scan, *, is_range: bool = False) -> Iterator[Page]:
        """Yield the pages of one scan; go back if a page does not overlap the previous one."""
        paginator: Paginator = HALPaginator(0) if self._by_links else self._paginator()
        rewinds = lost_at = idle = 0
        max_rewinds = int(not self._behavior.is_shuffled) if is_range else MAX_REWINDS
        while not paginator.finished:
            page = self._fetch_surely(query, current, paginator)
            paginator.settle(page)
            current.note_total(page.total)
            positions = paginator if isinstance(paginator, PositionPaginator) else None
            if positions is None:
                current.gap = paginator.count > 0  # pages found by links do not overlap
            elif page.next and positions.is_astray(page):
                self._by_links = True
                paginator = HALPaginator(0)
                continue
            elif positions.start and not current.gap:
                if current.is_followed_by(page.rows, current.reached - positions.start):
                    rewinds = rewinds if positions.start < lost_at else 0
                elif rewinds < max_rewinds:
                    rewinds, lost_at = rewinds + 1, positions.start
                    positions.rewind()
                    continue
                else:
                    current.gap = True
                    if is_range:
                        self._behavior.is_shuffled = True
                        positions.stop_overlapping()
            seen = len(current.ids)
            current.reached = len(page.rows) + (positions.start if positions else 0)
            yield page
            idle = 0 if len(current.ids) > seen else idle + 1
            if idle > MAX_IDLE_PAGES or (
                positions is not None and self._is_cut_off(positions, page, seen)
            ):
                current.cut_off = True
                return
            paginator.advance(page)

    def _paginator(self) -> Paginator:
        traits = self._collection.traits
        return self._collection.paginator(
            traits.page_size, overlap=OVERLAP, result_window=traits.result_window
        )

    def _fetch_surely(self, query: Query, current: Scan, paginator: Paginator) -> Page:
        """Return the next page, and record which of its rows are in position.

        A page of a growing set may end with rows that changed since the server selected it. It is
        then requested again: rows that come again unchanged are in position.
        """
        page = self._fetch_nonempty(query, current, paginator)
        current.trust(page.rows, self._behavior.settled, {})
        if current.gap or not page.has_more or current.trusts_one_of(page.rows[-OVERLAP:]):
            return page
        if self._is_open(query):
            before = {row.id: row.cursor for row in page.rows}
            page = self._fetch_nonempty(query, current, paginator)
            current.trust(page.rows, self._behavior.settled, before)
        return page

    def _fetch_nonempty(self, query: Query, current: Scan, paginator: Paginator) -> Page:
        """Return the next page; an empty page may be wrong and is requested a second time."""
        page = self._fetch(query, current, paginator)
        return page if page.rows or page.has_more else self._fetch(query, current, paginator)

    def _fetch(self, query: Query, current: Scan, paginator: Paginator) -> Page:
        at = None if paginator.position == Link("") else paginator.position
        if current.bounds is None:
            page, current.bounds = open_set(self._collection, self._behavior, query, at)
        else:
            page = request(self._collection, self._behavior, current.bounds, at)
            self._behavior.observe(page, current.bounds)
        if current.settled is None:
            current.settled = self._behavior.settled
        self._behavior.check_bounds(page.rows, query)
        return page

    def _is_cut_off(self, positions: PositionPaginator, page: Page, seen: int) -> bool:
        """Return True if more rows exist but no page returns them, as beyond the result window.

        An empty page is the end of the set if it begins after all rows seen, or if the set has
        shrunk to that size meanwhile, which another scan will prove.
        """
        if not page.rows:
            is_smaller = page.total is not None and page.total <= positions.start
            return page.has_more or (positions.start < seen and not is_smaller)
        window = self._collection.traits.result_window
        return page.has_more and window is not None and positions.start + len(page.rows) >= window

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
            and self._is_open(query)
            and any(scan.has_as_many_rows for scan in scans)
        ):
            self.is_proven = False
            return True
        return scans[-1].total is None and are_quiet(scans)

    def _is_open(self, query: Query) -> bool:
        """Return True if the bounds extend into this run, so that the set may grow."""
        return query.until is None or not self._behavior.is_settled(query.until)

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
