"""Positions in a result set as APIs express them: an offset, page number, link or token."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias


class Offset(NamedTuple):
    """The `limit` rows after the first `offset` rows."""

    offset: int
    limit: int

    @property
    def start(self) -> int:
        """Return the number of rows that precede this page."""
        return self.offset

    def fit(self, limit: int) -> Offset:
        """Return the same position in a page of at most `limit` rows."""
        return Offset(self.offset, min(self.limit, limit))

    @classmethod
    def at(cls, start: int, limit: int) -> Offset:
        """Return the page of `limit` rows that `start` rows precede."""
        return cls(start, limit)


class PageNumber(NamedTuple):
    """Page `page`, counted from 1, of pages of `limit` rows."""

    page: int
    limit: int

    @property
    def start(self) -> int:
        """Return the number of rows that precede this page."""
        return (self.page - 1) * self.limit

    def fit(self, limit: int) -> PageNumber:
        """Return the same position, or slightly before it, in a page of at most `limit` rows."""
        return self if limit >= self.limit else self.at(self.start, limit)

    @classmethod
    def at(cls, start: int, limit: int) -> PageNumber:
        """Return the page that contains row `start` and as many rows after it as possible.

        A page begins at a multiple of its size, so a smaller size may begin closer to `start`.
        With 81 rows a page, row 245 (counted from 0) is the third row of page 4, which returns 79
        rows from there on; with 100 rows a page it would be 55.
        """
        size = max(range(1, limit + 1), key=lambda rows: rows - start % rows)
        return cls(start // size + 1, size)


class Link(NamedTuple):
    """The absolute URL of a page; if it is empty, the first page, of at most `limit` rows."""

    url: str
    limit: int = 0

    def fit(self, limit: int) -> Link:
        """Return the same page; only the size of the first one can be reduced."""
        return self if self.url else Link("", min(self.limit, limit))


class Token(NamedTuple):
    """An opaque token of the API for a page of `limit` rows; None means the first page."""

    value: str | None
    limit: int

    def fit(self, limit: int) -> Token:
        """Return the same position in a page of at most `limit` rows."""
        return Token(self.value, min(self.limit, limit))


Position: TypeAlias = Offset | PageNumber | Link | Token
