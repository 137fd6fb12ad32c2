"""Result sets whose rows only position can tell apart: rows of one moment, rows without a cursor.

Such a set is read in pages that overlap. Where that proves that no row slipped through, one scan
is enough; where the order of the rows does not hold still, the set is split.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tap_leads.replication.behaviour import open_set, request
from tap_leads.replication.errors import FilterIgnoredError, IncompleteError
from tap_leads.replication.pagination import OVERLAP, HALPaginator, Link, PositionPaginator

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from tap_leads.replication.behaviour import ServerBehaviour
    from tap_leads.replication.model import Collection, Page, Paginator, Query, Row, Split
    from tap_leads.timestamps import Micros

# How often a set that does not hold still is read before the tap reports that it cannot be sure.
MAX_SCANS = 30
# Scans in a row that must add nothing, where nothing else can prove that no row is missing.
QUIET_SCANS = 2
# Pages to go back in a row for a row that moved; more says that the order itself does not hold.
MAX_REWINDS = 3
# Pages in a row of one scan that may add nothing; an API that goes on has no end.
MAX_IDLE_PAGES = 20


@dataclass(slots=True)
class Scan:
    """One complete pass over a result set: its declared size, and the rows seen since it began."""

    bounds: Query | None = None
    """The query as it is requested, from the first page to the last."""
    total: int | None = None
    last_total: int | None = None
    gap: bool = False
    cut_off: bool = False
    added: int = 0
    ids: dict[Hashable, int] = field(default_factory=dict)
    cursors: list[Micros] = field(default_factory=list)

    def note_total(self, total: int | None) -> None:
        """Remember how many rows the API declares."""
        self.last_total = total
        if self.total is None:
            self.total = total

    def note(self, rows: Sequence[Row]) -> None:
        """Remember the rows of a page in the order in which they came."""
        for row in rows:
            self.ids.setdefault(row.id, len(self.ids))

    def is_followed_by(self, rows: Sequence[Row]) -> bool:
        """Return True if a page begins with a row seen before, and repeats such rows in order."""
        places = [self.ids.get(row.id) for row in rows]
        known = [place for place in places if place is not None]
        return bool(known) and places[0] is not None and known == sorted(known)

    def proves_itself(self) -> bool:
        """Return True if pages overlapped, and no fewer rows came than are declared."""
        return not self.gap and (self.last_total is None or len(self.ids) >= self.last_total)


class OverlappingScan:
    """Reads result sets until it is sure that none of their rows is missing."""

    def __init__(
        self, collection: Collection, behaviour: ServerBehaviour, *, checks_bounds: bool = False
    ) -> None:
        """Read sets of `collection`; check the bounds of each page where nothing else does."""
        self._collection = collection
        self._behaviour = behaviour
        self._checks_bounds = checks_bounds
        # True once pages lacked rows, so that only the API's own links lead on.
        self._by_links = False

    def read(self, query: Query, splits: Sequence[Split]) -> Iterator[list[Row]]:
        """Yield the rows of a result set page by page, rows that come again included.

        One scan whose pages overlapped is a proof. Where the order of ties does not hold still
        there is none: then the set is split, at best into parts of one page, and what cannot be
        split is read until the rows seen are as many as the API declares.

        Raises:
            IncompleteError: rows are there that could not be reached.
            FilterIgnoredError: the API ignores the filter.
        """
        scans: list[Scan] = []
        can_be_split = bool(self._parts(query, splits, Scan()))
        while len(scans) < MAX_SCANS:
            current = Scan(bounds=scans[-1].bounds if scans else None)
            scans.append(current)
            for page in self._walk(query, current):
                before = len(scans[0].ids)
                for scan in scans:
                    scan.note(page.rows)
                current.added += len(scans[0].ids) - before
                current.cursors += [row.cursor for row in page.rows if row.cursor is not None]
                yield _rows_of(page, query)
                is_unproven = current.gap and current.total is None
                if can_be_split and (is_unproven or self._fills_window(current)):
                    break
            else:
                if self._is_complete(scans):
                    return
            if can_be_split:
                for part, further in self._parts(query, splits, current):
                    yield from self.read(part, further)
                return
            if current.cut_off or self._fills_window(current):
                break
        raise IncompleteError(self._missing(scans))

    def _parts(
        self, query: Query, splits: Sequence[Split], seen: Scan
    ) -> list[tuple[Query, Sequence[Split]]]:
        """Split a set in two by time while a bound can tell the halves apart, then by filters.

        Rows whose order does not hold still lie close together: they are split where they were
        seen. A set that is too large is halved.
        """
        if query.after is not None and query.until is not None:
            step = self._collection.traits.granularity
            steps = (query.until - query.after) // step + 1
            if steps > 1:
                middle = query.after + steps // 2 * step
                if seen.gap and seen.cursors:
                    median = sorted(seen.cursors)[len(seen.cursors) // 2]
                    median -= (median - query.after) % step
                    middle = min(max(median, query.after + step), query.after + (steps - 1) * step)
                halves = replace(query, until=middle - 1), replace(query, after=middle)
                return [(half, splits) for half in halves]
        if not splits:
            return []
        return [(replace(query, filters=(*query.filters, part)), splits[1:]) for part in splits[0]]

    def _walk(self, query: Query, current: Scan) -> Iterator[Page]:
        """Yield the pages of one scan; where one does not overlap the last, go back for it."""
        paginator: Paginator = HALPaginator(0) if self._by_links else self._paginator()
        rewinds = lost_at = idle = 0
        while not paginator.finished:
            page = self._fetch_surely(query, current, paginator)
            paginator.settle(page)
            current.note_total(page.total)
            positions = paginator if isinstance(paginator, PositionPaginator) else None
            if positions is None:
                current.gap = paginator.count > 0  # pages of links do not overlap
            elif page.next and positions.is_astray(page):
                self._by_links = True
                paginator = HALPaginator(0)
                continue
            elif positions.start and not current.gap:
                if current.is_followed_by(page.rows):
                    rewinds = rewinds if positions.start < lost_at else 0
                elif rewinds < MAX_REWINDS:
                    rewinds, lost_at = rewinds + 1, positions.start
                    positions.rewind()
                    continue
                else:
                    current.gap = True
            seen = len(current.ids)
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
        """Return the next page; an empty one may be wrong, and is requested a second time."""
        page = self._fetch(query, current, paginator)
        return page if page.rows or page.has_more else self._fetch(query, current, paginator)

    def _fetch(self, query: Query, current: Scan, paginator: Paginator) -> Page:
        at = None if paginator.position == Link("") else paginator.position
        if current.bounds is None:
            page, current.bounds = open_set(self._collection, self._behaviour, query, at)
        else:
            page = request(self._collection, self._behaviour, current.bounds, at)
            self._behaviour.observe(page, current.bounds)
        if self._checks_bounds:
            self._behaviour.check_bounds(page.rows, query)
        return page

    def _is_cut_off(self, positions: PositionPaginator, page: Page, seen: int) -> bool:
        """Return True if more rows are there but cannot be paged to: past the window, or nowhere.

        An empty page is the end where it begins behind the rows seen, and not among them; or
        where the set has become so small meanwhile, which another scan will prove.
        """
        if not page.rows:
            is_smaller = page.total is not None and page.total <= positions.start
            return page.has_more or (positions.start < seen and not is_smaller)
        window = self._collection.traits.result_window
        return page.has_more and window is not None and positions.start + len(page.rows) >= window

    def _fills_window(self, current: Scan) -> bool:
        """Return True if a set is as large as can be reached, or larger: a total may be capped."""
        window = self._collection.traits.result_window
        return window is not None and (current.total or 0) >= window

    def _is_complete(self, scans: Sequence[Scan]) -> bool:
        """Return True if no row of a set can be missing after these scans."""
        if scans[-1].cut_off or self._fills_window(scans[-1]):
            return False
        if scans[-1].proves_itself():
            return True
        if any(scan.total is not None and len(scan.ids) >= scan.total for scan in scans):
            return True
        quiet = scans[-QUIET_SCANS:]
        return (
            scans[-1].total is None
            and len(scans) > QUIET_SCANS
            and not any(scan.added for scan in quiet)
        )

    def _missing(self, scans: Sequence[Scan]) -> str:
        """Return what could not be reached, counted where the API declares a total."""
        missing = max((scans[-1].total or 0) - len(scans[0].ids), 1)
        if scans[-1].cut_off or self._fills_window(scans[-1]):
            return (
                f"the API lets nobody page beyond the first {len(scans[0].ids):,} rows of one "
                f"query, and at least {missing:,} more are there; narrower `filters` reach them"
            )
        return (
            f"{missing:,} records at least could not be read: the order in which the API lists "
            "those of one moment keeps changing, or it counts more than it lists"
        )


def _rows_of(page: Page, query: Query) -> list[Row]:
    """Return the rows of a page that are of the set that was asked for."""
    if query.cursor == "null" and any(row.cursor is not None for row in page.rows):
        raise FilterIgnoredError
    after, until = query.after, query.until
    return [
        row
        for row in page.rows
        if row.cursor is None
        or ((after is None or row.cursor >= after) and (until is None or row.cursor <= until))
    ]
