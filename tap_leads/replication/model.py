"""Data types of replication: queries, pages, and chunks to emit.

The protocols state what replication requires of an API (`Collection`, `Paginator`) and of an
account (`AccountLists`), and what it provides (`Strategy`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Hashable

    from tap_leads.errors import Code
    from tap_leads.replication.positions import Position
    from tap_leads.timestamps import Micros

Record: TypeAlias = dict[str, Any]
Filter: TypeAlias = Mapping[str, Any]
"""A filter in the source's own terms; replication only passes it through."""
Split: TypeAlias = Sequence[Filter]
"""Filters that divide any result set into disjoint parts that together cover it."""


class Row(NamedTuple):
    """A record as the API returned it, with its ID and cursor, which are parsed only once."""

    record: Record
    id: Hashable
    cursor: Micros | None


class Order(Enum):
    """The sort order of a query.

    CURSOR: ascending by cursor. NEWEST: descending by cursor, one row only. STABLE: the order that
    edits change least, for result sets that are paged by position.
    """

    CURSOR = auto()
    NEWEST = auto()
    STABLE = auto()


@dataclass(frozen=True, slots=True)
class Query:
    """A result set in absolute times, which the source translates when it sends the request.

    `after` and `until` are inclusive bounds of the cursor. `cursor` selects rows that have a
    cursor ("set"), rows without one ("null"), or all rows regardless of bounds ("any").
    """

    after: Micros | None = None
    until: Micros | None = None
    order: Order = Order.CURSOR
    cursor: Literal["set", "null", "any"] = "set"
    filters: tuple[Filter, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True if the bounds exclude every cursor."""
        return self.after is not None and self.until is not None and self.after > self.until


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a result set.

    `has_more`: True if the API reports more rows. `total`: the number of rows in the whole result
    set, if the API reports it. `next`: a link or token, if the API pages by one. `at`: the
    position actually requested, if the page size was reduced.
    """

    rows: Sequence[Row]
    has_more: bool
    total: int | None = None
    next: str | None = None
    at: Position | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Traits:
    """Facts about one list of an API.

    Attributes:
        page_size: Rows in a full page.
        granularity: The finest step of the cursor filter, in microseconds.
        result_window: The maximum number of rows of one query that can be paged through, if any.
        cursor_nullable: True if a row may lack a cursor.
        early_rows: How far before `after` the filter may return rows, in microseconds.
        relative_bounds: True if the filter counts back from now, so that a wrong clock shifts it.
        sortable: True if the list can be sorted by the cursor.
        splits: Filters that divide a result set whose order is unstable.
        cursor_hint: What to check if rows are dated ahead of the API's clock; ends the warning.
    """

    page_size: int
    granularity: Micros = 1
    result_window: int | None = None
    cursor_nullable: bool = False
    early_rows: Micros = 0
    relative_bounds: bool = False
    sortable: bool = True
    splits: Sequence[Split] = ()
    cursor_hint: str = ""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The rows of a list to read: those with a cursor from `after` to `until`, both inclusive.

    `start`: What `after` would be without a bookmark. They are equal if no row was read before.
    `null`: True to include rows without a cursor; None means `Traits.cursor_nullable`, and also
    includes those that a full scan finds, although the list should not have any.
    `filterable`: False if the user's filters cannot be combined with bounds, so that the whole
    list must be read.
    """

    after: Micros | None = None
    until: Micros | None = None
    null: bool | None = None
    filterable: bool = True
    start: Micros | None = None

    @property
    def bookmark_after(self) -> Micros | None:
        """Return `after` if it results from a bookmark, which it precedes by the lookback."""
        return None if self.after == self.start else self.after


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows to emit together, in order.

    `safe` holds, for each row, the bookmark that is safe to store once that row is written; None
    leaves the bookmark unchanged. `watermark` is the bookmark once all rows are written. `kept` are
    values for the state of the account once all rows are written, besides the bookmark.
    """

    rows: Sequence[Row]
    safe: Sequence[Micros | None]
    watermark: Micros | None
    kept: Mapping[str, Any] | None = None


class Paginator(Protocol):
    """Steps through the pages of one result set; the implementations are in `pagination.py`."""

    finished: bool
    """True once the API reports that no rows follow."""
    count: int
    """The number of pages advanced past."""

    def __init__(self, limit: int, *, overlap: int = 0, result_window: int | None = None) -> None:
        """Start at the first page of at most `limit` rows."""

    @property
    def position(self) -> Position:
        """Return the position of the page to request next."""

    @classmethod
    def first(cls, limit: int) -> Position:
        """Return the position of the first page."""

    def settle(self, page: Page) -> None:
        """Adopt the position actually requested, if the page size was reduced."""

    def advance(self, page: Page) -> None:
        """Move to the page after `page`, or finish."""


class Collection(Protocol):
    """One list of one account; several threads may use it concurrently."""

    traits: Traits
    paginator: type[Paginator]

    def fetch(self, query: Query, at: Position | None = None) -> Page:
        """Return the first page of `query`, or the page at `at`.

        Raises:
            LeadsError: The page cannot be fetched.
        """

    def now(self) -> Micros:
        """Return the server's clock."""


class AccountLists(Protocol):
    """The part of an account that strategies use."""

    lookback: Micros
    """How far before a bookmark a run starts, in microseconds."""
    kept: Mapping[str, Any]
    """The state of the account in this stream, with what the chunks of earlier runs kept."""
    shared: dict[str, Any]
    """Values that one stream of the account sets for a later one in the same run."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Return the account's settings."""

    def collection(self, stream: Any = None) -> Collection:
        """Return the list of the stream being read, or of another stream of the account."""

    def warn(self, message: str, code: Code) -> None:
        """Log a warning that names the stream and the account."""

    def inform(self, message: str) -> None:
        """Log a line that names the stream and the account."""


class Strategy(Protocol):
    """A method of reading one list of an account."""

    prefetch: ClassVar[bool]
    """True if reading may start before the stream's turn, because it needs no bookmark."""

    def read(self, account: AccountLists, bounds: Bounds, workers: int) -> Iterator[Chunk | None]:
        """Yield chunks in cursor order, and None every second while waiting.

        Raises:
            LeadsError: Rows are missing or may be missing.
        """
