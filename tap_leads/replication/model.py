"""The values of replication: what is asked of a list, what it answers, and what is emitted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Hashable

    from tap_leads.replication.positions import Position
    from tap_leads.timestamps import Micros

Record: TypeAlias = dict[str, Any]
Filter: TypeAlias = Mapping[str, Any]
"""A filter in the words of its source; replication only passes it through."""
Split: TypeAlias = Sequence[Filter]
"""Filters that divide any result set into disjoint parts which together are the whole set."""


class Row(NamedTuple):
    """A record as the API returned it, with its identity and cursor, read once a page."""

    record: Record
    id: Hashable
    cursor: Micros | None


class Order(Enum):
    """An order to list rows in.

    CURSOR: ascending by the cursor. NEWEST: descending by the cursor, one row. STABLE: the order
    that edits change least, for result sets that are paged by position.
    """

    CURSOR = auto()
    NEWEST = auto()
    STABLE = auto()


@dataclass(frozen=True, slots=True)
class Query:
    """A result set, in absolute moments; a source translates it when the request is sent.

    `after` and `until` are inclusive bounds of the cursor. `cursor` selects rows that have a
    cursor ("set"), that have none ("null"), or all rows regardless of bounds ("any").
    """

    after: Micros | None = None
    until: Micros | None = None
    order: Order = Order.CURSOR
    cursor: Literal["set", "null", "any"] = "set"
    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a result set.

    `has_more` is what the API says about rows after these; `total` counts the whole result set
    where the API declares it. `next` is a link or token where the API pages by one. `at` is the
    position that was requested in the end: a page may be smaller than asked for.
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
        page_size: Rows of a full page.
        granularity: The finest step of the cursor filter, in microseconds.
        result_window: How many rows of one query can be paged through, if limited.
        cursor_nullable: True if a row can lack the cursor.
        early_rows: How far before `after` the filter may reach, in microseconds.
        relative_bounds: True if the filter counts back from now, so that a wrong clock shifts it.
        sortable: True if the list can be ordered by the cursor.
        splits: Filters that divide a result set whose order does not hold still.
        future_hint: What to check where rows are dated ahead of the API's clock.
    """

    page_size: int
    granularity: Micros = 1
    result_window: int | None = None
    cursor_nullable: bool = False
    early_rows: Micros = 0
    relative_bounds: bool = False
    sortable: bool = True
    splits: Sequence[Split] = ()
    future_hint: str = ""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What to read of a list: rows with a cursor from `after` to `until`, both inclusive.

    `null`: also rows without a cursor (None: as `Traits.cursor_nullable` says). `filterable` is
    False where the user's filters cannot be combined with bounds: then the whole list is read.
    """

    after: Micros | None = None
    until: Micros | None = None
    null: bool | None = None
    filterable: bool = True


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows to emit together, in order.

    `safe` has for each row the bookmark that is safe to store once that row is written; None
    keeps the bookmark where it is. `watermark` is the one for the chunk as a whole.
    """

    rows: Sequence[Row]
    safe: Sequence[Micros | None]
    watermark: Micros | None


class Paginator(Protocol):
    """Walks over the pages of one result set; see `pagination.py` for the classes."""

    finished: bool
    """True once the API reports that no rows follow."""
    count: int
    """Pages advanced over."""

    def __init__(self, limit: int, *, overlap: int = 0, result_window: int | None = None) -> None:
        """Start at the first page of at most `limit` rows."""

    @property
    def position(self) -> Position:
        """Return the page to request next."""

    @classmethod
    def first(cls, limit: int) -> Position:
        """Return the position of the first page."""

    def settle(self, page: Page) -> None:
        """Take over the position that was requested in the end, where it is another one."""

    def advance(self, page: Page) -> None:
        """Move to the page that follows `page`, or finish."""


class Collection(Protocol):
    """One list of one account; several threads may use it at once."""

    traits: Traits
    paginator: type[Paginator]

    def fetch(self, query: Query, at: Position | None = None) -> Page:
        """Return one page: the first one of `query`, or the one at `at`.

        Raises:
            LeadsError: the page cannot be had; one line says why.
        """

    def now(self) -> Micros:
        """Return the server's clock."""


class AccountLists(Protocol):
    """One account, as a strategy sees it."""

    lookback: Micros
    """How far before a bookmark a run starts, in microseconds."""

    def collection(self, stream: Any = None) -> Collection:
        """Return the list of the stream that is read, or of another stream of the account."""

    def warn(self, message: str) -> None:
        """Log a warning that names the stream and the account."""


class Strategy(Protocol):
    """A way to read a list of an account."""

    prefetch: ClassVar[bool]
    """True if reading may start before the stream's turn: it needs no bookmark."""

    def read(self, account: AccountLists, bounds: Bounds, workers: int) -> Iterator[Chunk | None]:
        """Yield chunks in the order of the cursor; None after a second without one.

        Raises:
            LeadsError: rows are missing or may be missing; one line says why.
        """
