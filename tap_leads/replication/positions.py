"""Places in a result set, as the APIs express them; pure values."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias


class Offset(NamedTuple):
    """`limit` rows after the first `offset`."""

    offset: int
    limit: int

    @property
    def start(self) -> int:
        """Return how many rows of the result set lie before this page."""
        return self.offset

    def fit(self, limit: int) -> Offset:
        """Return the same place in a page of at most `limit` rows."""
        return Offset(self.offset, min(self.limit, limit))

    @classmethod
    def at(cls, start: int, limit: int) -> Offset:
        """Return the page of `limit` rows that begins after `start` rows."""
        return cls(start, limit)


class PageNumber(NamedTuple):
    """Page `page`, counted from 1, of pages of `limit` rows."""

    page: int
    limit: int

    @property
    def start(self) -> int:
        """Return how many rows of the result set lie before this page."""
        return (self.page - 1) * self.limit

    def fit(self, limit: int) -> PageNumber:
        """Return the same place, or a little before it, in a page of at most `limit` rows."""
        return self if limit >= self.limit else self.at(self.start, limit)

    @classmethod
    def at(cls, start: int, limit: int) -> PageNumber:
        """Return the page that holds row `start` and the most rows after it.

        A page can begin only at a whole number of pages. To begin at any row or a little before
        it, pages are made smaller: row 245 is the third of page 4 with 81 rows a page, and 79
        rows follow it there; with 100 it would be 55.
        """
        size = max(range(1, limit + 1), key=lambda rows: rows - start % rows)
        return cls(start // size + 1, size)


class Link(NamedTuple):
    """The absolute URL of a page; without one the first page, of at most `limit` rows."""

    url: str
    limit: int = 0

    def fit(self, limit: int) -> Link:
        """Return the same page; only the first one can be made smaller."""
        return self if self.url else Link("", min(self.limit, limit))


class Token(NamedTuple):
    """An opaque token of the API for a page of `limit` rows; None is the first page."""

    value: str | None
    limit: int

    def fit(self, limit: int) -> Token:
        """Return the same place in a page of at most `limit` rows."""
        return Token(self.value, min(self.limit, limit))


Position: TypeAlias = Offset | PageNumber | Link | Token
