"""Paginators: request the next page of a result set by offset, page number, link or token.

A paginator finishes only when the API reports that no rows follow. A short or empty page proves
nothing: the API may have left out rows that changed, or reduced the page size.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_leads.errors import Code
from tap_leads.replication.errors import PagingError
from tap_leads.replication.positions import Link, Offset, PageNumber, Position, Token

if TYPE_CHECKING:
    from tap_leads.replication.model import Page

__all__ = [
    "OVERLAP",
    "BasePaginator",
    "CursorPaginator",
    "HALPaginator",
    "Link",
    "Offset",
    "OffsetPaginator",
    "PageNumber",
    "PageNumberPaginator",
    "Position",
    "PositionPaginator",
    "Token",
]

OVERLAP = 5
"""Rows of the previous page to request again: if they come again, nothing was skipped."""


class BasePaginator(ABC):
    """Steps through the pages of one result set; `position` is the page to request next."""

    position: Position

    def __init__(self, limit: int, *, overlap: int = 0, result_window: int | None = None) -> None:
        """Start at the first page of at most `limit` rows.

        `overlap` and `result_window` (the number of rows that can be paged through) apply only to
        paginators by position.
        """
        del overlap, result_window
        self.position = self.first(limit)
        self.finished = False
        self.count = 0

    @classmethod
    @abstractmethod
    def first(cls, limit: int) -> Position:
        """Return the position of the first page."""

    def settle(self, page: Page) -> None:
        """Adopt the position actually requested, if the page size was reduced."""
        if page.at is not None:
            self.position = page.at

    def advance(self, page: Page) -> None:
        """Move to the page after `page`, or finish if the API reports that no rows follow.

        Raises:
            PagingError: More rows follow, but the response does not show where.
        """
        self.settle(page)
        self.count += 1
        if not page.has_more:
            self.finished = True
        elif page.rows or page.next:
            self.position = self._get_next(page)
        else:
            raise PagingError("the API returned an empty page but reported more records")

    @abstractmethod
    def _get_next(self, page: Page) -> Position:
        """Return the position of the page after `page`."""


class PositionPaginator(BasePaginator):
    """Pages by position: `start` rows of the result set precede the current page.

    It advances by the number of rows received, minus `overlap`: a server may silently cap the page
    size, and rows that come again prove that none was skipped between two pages.
    """

    position: Offset | PageNumber

    def __init__(self, limit: int, *, overlap: int = 0, result_window: int | None = None) -> None:
        """Start at the first page of at most `limit` rows."""
        super().__init__(limit)
        self._limit = limit
        self._overlap = overlap
        self._window = result_window
        self._is_capped = False
        self._reached = self._received = 0

    @classmethod
    @override
    @abstractmethod
    def first(cls, limit: int) -> Offset | PageNumber: ...

    @abstractmethod
    def _place(self, start: int, limit: int) -> Offset | PageNumber:
        """Return the page of at most `limit` rows that begins at `start` or slightly before it."""

    @property
    def start(self) -> int:
        """Return the number of rows that precede the current page."""
        return self.position.start

    @override
    def settle(self, page: Page) -> None:
        if isinstance(page.at, Offset | PageNumber) and page.at != self.position:
            self.position = page.at
            self._limit = min(self._limit, page.at.limit)

    def is_astray(self, page: Page) -> bool:
        """Return True if a page lacks so many rows that only its next link leads on.

        The first short page shows the server's cap, which then applies to every page. Any page may
        lack a few rows: those that were deleted after the server selected it.
        """
        return page.has_more and len(page.rows) * 2 < (
            self.position.limit if self._is_capped else 1
        )

    def skip(self, rows: int) -> None:
        """Move forward by that many rows, or slightly fewer."""
        self.position = self._at(self.start + rows)

    def overlap_by(self, rows: int) -> None:
        """Request that many rows of the previous page again from now on."""
        self._overlap = rows

    def repeat(self, rows: int) -> bool:
        """Overlap by that many rows from this page on; return False if it does so already."""
        self._overlap = rows
        position = self._following()
        if position.start >= self.start:
            return False
        self.position = position
        return True

    def rewind(self) -> None:
        """Move back one page, to find rows that moved toward the start."""
        self.skip(-min(self.start, self._limit))

    @override
    def _get_next(self, page: Page) -> Offset | PageNumber:
        received = len(page.rows)
        if 0 < received < self.position.limit and not self._is_capped:
            self._limit = received
            self._is_capped = True
        self._reached, self._received = self.start + received, received
        return self._following()

    def _following(self) -> Offset | PageNumber:
        reached, overlap = self._reached, min(self._overlap, self._received // 2)
        position = self._at(reached - overlap)
        while position.start + position.limit <= reached:
            overlap -= 1
            position = self._at(reached - overlap)
        return position

    def _at(self, start: int) -> Offset | PageNumber:
        limit = self._limit
        if self._window is not None:
            limit = min(limit, self._window - start)
            if limit < 1:
                raise PagingError(
                    f"the API does not return records beyond the first {self._window:,}",
                    "Narrow `filters`",
                    code=Code.QUERY_LIMIT,
                )
        return self._place(start, limit)


class OffsetPaginator(PositionPaginator):
    """Pages by `offset` and `limit`."""

    @classmethod
    @override
    def first(cls, limit: int) -> Offset:
        return Offset(0, limit)

    @override
    def _place(self, start: int, limit: int) -> Offset:
        return Offset.at(start, limit)


class PageNumberPaginator(PositionPaginator):
    """Pages by `page`, counted from 1, and `limit`."""

    @classmethod
    @override
    def first(cls, limit: int) -> PageNumber:
        return PageNumber(1, limit)

    @override
    def _place(self, start: int, limit: int) -> PageNumber:
        return PageNumber.at(start, limit)


class HALPaginator(BasePaginator):
    """Follows the next link of each page, an absolute URL in `Page.next`."""

    def __init__(self, limit: int, *, overlap: int = 0, result_window: int | None = None) -> None:
        """Start at the first page of at most `limit` rows."""
        super().__init__(limit, overlap=overlap, result_window=result_window)
        self._followed: set[str] = set()

    @classmethod
    @override
    def first(cls, limit: int) -> Link:
        return Link("", limit)

    @override
    def _get_next(self, page: Page) -> Link:
        if not page.next:
            raise PagingError("the API reported more records but returned no next link")
        if page.next in self._followed:
            raise PagingError("the API returned the same next link twice (pagination loop)")
        self._followed.add(page.next)
        return Link(page.next)


class CursorPaginator(BasePaginator):
    """Follows the opaque token of each page, in `Page.next`."""

    def __init__(self, limit: int, *, overlap: int = 0, result_window: int | None = None) -> None:
        """Start at the first page of at most `limit` rows."""
        super().__init__(limit, overlap=overlap, result_window=result_window)
        self._limit = limit
        self._followed: set[str] = set()

    @classmethod
    @override
    def first(cls, limit: int) -> Token:
        return Token(None, limit)

    @override
    def _get_next(self, page: Page) -> Token:
        if not page.next:
            raise PagingError("the API reported more records but returned no next page token")
        if page.next in self._followed:
            raise PagingError("the API returned the same page token twice (pagination loop)")
        self._followed.add(page.next)
        return Token(page.next, self._limit)
