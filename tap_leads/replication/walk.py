"""One pass over a result set, page by page, by position or by the API's next links."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_leads.replication.behavior import open_set, request
from tap_leads.replication.pagination import OVERLAP, HALPaginator, Link, PositionPaginator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_leads.replication.behavior import ServerBehavior
    from tap_leads.replication.model import Collection, Page, Paginator, Query
    from tap_leads.replication.scan import Scan

# Maximum consecutive rewinds to find a row that moved; after that, the order counts as unstable.
# In a range of time without a total, which costs little to split, it is one, and then none.
MAX_REWINDS = 3
# Maximum consecutive pages of a scan without a new row; an API may return pages without end.
MAX_IDLE_PAGES = 20


class Walker:
    """Requests the pages of result sets of one list, and records in a `Scan` what they show."""

    def __init__(self, collection: Collection, behavior: ServerBehavior) -> None:
        """Prepare to page through result sets of `collection`."""
        self._collection = collection
        self._behavior = behavior
        # True once a page lacked so many rows that only the API's next links lead on.
        self._by_links = False

    def pages(self, query: Query, current: Scan, *, is_range: bool = False) -> Iterator[Page]:
        """Yield the pages of one scan; go back if a page does not overlap the previous one."""
        paginator: Paginator = HALPaginator(0) if self._by_links else self._paginator()
        idle = 0
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
            elif not self._joins(page, current, positions, is_range=is_range):
                continue
            seen = len(current.ids)
            current.reached = len(page.rows) + (positions.start if positions else 0)
            current.length = None if page.has_more or not positions else current.reached
            yield page
            idle = 0 if len(current.ids) > seen else idle + 1
            if idle > MAX_IDLE_PAGES or (
                positions is not None and self._is_cut_off(positions, page, seen)
            ):
                current.cut_off = True
                return
            if positions and self._behavior.has_moving_ties and not current.gap:
                positions.overlap_by(current.tail)
            paginator.advance(page)
        is_short = len(current.ids) < (current.length or 0)
        if is_short and query.cursor == "set" and not self._behavior.is_open(query):
            current.gap = True  # a row came twice in place of another one

    def _joins(
        self, page: Page, current: Scan, positions: PositionPaginator, *, is_range: bool
    ) -> bool:
        """Return False, and move back, if rows may be missing between the previous page and this.

        If they cannot be found, the scan goes on with a gap.
        """
        rows, start = page.rows, positions.start
        if not start or current.gap:
            return True
        is_moving = self._behavior.is_shuffled or self._behavior.has_moving_ties
        is_followed = not (is_range and self._behavior.is_shuffled) and current.is_followed_by(
            rows, current.reached - start, surely=page.total is None and (is_range or is_moving)
        )
        if is_followed or current.is_continued_by(rows):
            current.rewinds = current.rewinds if start < current.lost_at else 0
            return True
        if current.is_sorted and positions.repeat(current.tail):
            self._behavior.has_moving_ties = True
            return False
        # Going back finds nothing in an order that changes with each response.
        is_shuffled = self._behavior.is_shuffled and is_range
        if page.total is None:
            is_shuffled = self._behavior.is_shuffled or current.is_contradicted_by(rows)
        most = 1 if is_range and page.total is None else MAX_REWINDS
        if current.rewinds < most and not is_shuffled:
            current.rewinds += 1
            current.lost_at = max(current.lost_at, start)
            positions.rewind()
            return False
        current.gap = True
        if is_range:
            self._behavior.is_shuffled = True
            positions.overlap_by(0)
        return True

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
        if self._behavior.is_open(query):
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
