"""How to ask for the next page of one fixed query: by offset, by page number, by HAL next link.

All three are paginators of the SDK that take the decoded `Page` in place of the response, so that
a body is decoded once. They differ from the SDK's own in what ends a walk: not a short page and
not an empty one, but the source saying that no more follows.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar
from urllib.parse import urljoin, urlsplit

from singer_sdk.pagination import BaseAPIPaginator
from typing_extensions import override

from tap_leads.errors import PagingError

if TYPE_CHECKING:
    from collections.abc import Sequence

Record: TypeAlias = dict[str, Any]
Token = TypeVar("Token")

# Rows of the page before that are asked for once more, as the proof that nothing moved between.
OVERLAP = 5


@dataclass(frozen=True, slots=True)
class Page:
    """One decoded answer.

    `more` is what the source says of rows after these; `total` counts the whole query, where the
    source declares it.
    """

    records: Sequence[Record]
    more: bool
    total: int | None = None
    next_url: str | None = None


class Offset(NamedTuple):
    """Ask for `limit` rows after the first `offset`."""

    offset: int
    limit: int


class PageNumber(NamedTuple):
    """Ask for page `page`, counted from 1, of pages of `limit` rows."""

    page: int
    limit: int


Position = TypeVar("Position", bound=Offset | PageNumber)


class Paginator(BaseAPIPaginator[Token]):
    """A walk over the pages of one query; `current_value` says what to ask for next."""

    @override
    def advance(self, response: Page) -> None:  # type: ignore[override]  # decoded once, see above
        """Move on to the next page, or finish where the source says that none follows.

        Raises:
            PagingError: the source says that more follows and does not say what.
        """
        self._page_count += 1
        if not response.more:
            self._finished = True
        elif response.records or response.next_url:
            self._value = self.get_next(response)
        else:
            msg = "an empty page says that more leads follow"
            raise PagingError(msg)

    def fit(self, limit: int) -> Token:
        """What to ask for next, in a page of at most `limit` rows where that can be chosen."""
        del limit
        return self._value

    @override
    @abstractmethod
    def get_next(self, response: Page) -> Token:  # type: ignore[override]  # as above
        """What to ask for after `response`."""


class PositionPaginator(Paginator[Position]):
    """A walk by position: `start` rows of the query lie before the current page.

    It advances by the rows received, less `overlap`: a server may cap the page size without a
    word, and a row that is seen a second time proves that no other slipped through between.
    """

    def __init__(self, first: Position, limit: int, overlap: int) -> None:
        """Begin with the page `first` of at most `limit` rows."""
        super().__init__(first)
        self.start = 0
        self._limit = limit
        self._overlap = overlap
        self._is_capped = False

    @override
    def get_next(self, response: Page) -> Position:  # type: ignore[override]  # as above
        received = len(response.records)
        if 0 < received < self._value.limit:
            self._limit = received
            self._is_capped = True
        reached = self.start + received
        overlap = min(self._overlap, received // 2)
        token = self._at(reached - overlap)
        while self.start + token.limit <= reached:
            overlap -= 1
            token = self._at(reached - overlap)
        return token

    @override
    def fit(self, limit: int) -> Position:
        """The same place or a little before it, in a page that is as small as it has to be."""
        if limit < self._value.limit:
            self._limit = limit
            self._value = self._at(self.start)
        return self._value

    def is_astray(self, page: Page) -> bool:
        """Whether rows are left out of a page, so that those received do not tell its place.

        A page that is the first to be short shows the server's cap, which holds for all others.
        """
        return page.more and len(page.records) < (self._value.limit if self._is_capped else 1)

    def skip(self, rows: int) -> None:
        """Begin that many rows further on, or a little before."""
        self._value = self._at(self.start + rows)

    def rewind(self) -> None:
        """Go back by a page, to find again what moved towards the front."""
        self.skip(-min(self.start, self._limit))

    @abstractmethod
    def _at(self, start: int) -> Position:
        """Make `start`, or a little before it, the beginning of the page to ask for."""


class OffsetPaginator(PositionPaginator[Offset]):
    """`offset` and `limit`; `reach` is the last row that the source lets anyone ask for."""

    def __init__(self, limit: int, *, overlap: int = 0, reach: int | None = None) -> None:
        """Begin at offset 0."""
        super().__init__(Offset(0, limit), limit, overlap)
        self._reach = reach

    @override
    def _at(self, start: int) -> Offset:
        limit = self._limit
        if self._reach is not None:
            limit = min(limit, self._reach - start)
            if limit < 1:
                msg = f"leads beyond the first {self._reach:,} cannot be reached"
                raise PagingError(msg)
        self.start = start
        return Offset(start, limit)


class PageNumberPaginator(PositionPaginator[PageNumber]):
    """`page` and `limit`: a page can begin only at a whole number of pages.

    To begin at any row or a little before it, pages are made smaller: row 245 is the third of
    page 4 with 81 rows a page, and 79 rows follow it there; with 100 it would be 55.
    """

    def __init__(self, limit: int, *, overlap: int = 0) -> None:
        """Begin with page 1."""
        super().__init__(PageNumber(1, limit), limit, overlap)

    @override
    def _at(self, start: int) -> PageNumber:
        limit = max(range(1, self._limit + 1), key=lambda size: size - start % size)
        self.start = start - start % limit
        return PageNumber(start // limit + 1, limit)


class HALPaginator(Paginator[str | None]):
    """`_links.next` of the answer; None asks for the query itself."""

    def __init__(self, origin: str) -> None:
        """Follow links on `origin` (scheme, host and port) alone: they carry the token."""
        super().__init__(None)
        self._origin = origin
        self._followed: set[str] = set()

    @override
    def get_next(self, response: Page) -> str:  # type: ignore[override]  # as above
        """The next link as an absolute URL.

        Raises:
            PagingError: the link is missing, was followed before, or leaves the origin.
        """
        if not response.next_url:
            msg = "more leads follow, but the answer has no next link"
            raise PagingError(msg)
        url = absolute(self._value or self._origin, response.next_url)
        if origin_of(url) != origin_of(self._origin):
            msg = "the next link leads to another host and was not followed: it would get the token"
            raise PagingError(msg)
        if url in self._followed:
            msg = "the next link was followed before: the source sends the tap in circles"
            raise PagingError(msg)
        self._followed.add(url)
        return url


def absolute(base: str, link: str) -> str:
    """A link as an absolute URL; what is no URL stays as it is, and has no origin."""
    try:
        return urljoin(base, link)
    except ValueError:
        return link


_DEFAULT_PORTS = {"http": 80, "https": 443}


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of a URL: what must stay the same where a token travels."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "", "", -1
    return parts.scheme, parts.hostname or "", port or _DEFAULT_PORTS.get(parts.scheme)
