"""What a sweep asks of a source, and what it has to know of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from tap_leads.pagination import Page, Paginator, PositionPaginator, Record

Part: TypeAlias = Mapping[str, Any]
"""A filter that keeps a part of a set, in the words of its source."""
Cut: TypeAlias = Sequence[Part]
"""Parts that have nothing in common and together are the whole."""


@dataclass(frozen=True, slots=True)
class Query:
    """What to ask a source for, in absolute moments: it is put into the API's words when sent.

    `low` and `high` are inclusive instants. `keyless` asks for leads without a replication key,
    `whole` for an order that holds still while a set is read by position, `newest` for the
    lead changed last, `unbounded` for everything at once where the source ignores bounds. `path`
    names another list of the API than the stream's own, `parts` more to filter by.
    """

    low: int | None = None
    high: int | None = None
    keyless: bool = False
    whole: bool = False
    newest: bool = False
    unbounded: bool = False
    path: str = ""
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """Leads that are handed on together.

    `marks` says for each lead up to which moment every lead is handed on once it is: where a run
    that ends there may be taken up again. `mark` says it for the batch as a whole.
    """

    records: Sequence[Record]
    marks: Sequence[int | None]
    mark: int | None


class Reader(Protocol):
    """One account of a source, as a sweep sees it; several threads may use it at once."""

    tick: int
    """The finest step of the filter's bounds, in microseconds."""
    slack: int
    """How far before the lower bound a row may lie, in microseconds."""
    has_keyless: bool
    """Whether a lead can lack the replication key."""
    reach: int | None
    """How many rows of one query can be reached at all."""
    cuts: Sequence[Cut]
    """Ways to cut a set into parts that are smaller and together the whole."""
    page_size: int
    """The rows of a full page."""

    def ask(
        self, query: Query, paginator: Paginator[Any] | None = None, *, rows_expected: bool = False
    ) -> Page:
        """Send one request; the first page of `query` without a paginator."""

    def identity(self, record: Record) -> Any:
        """What tells a row from all others of the account."""

    def key(self, record: Record) -> int | None:
        """The replication key of a row as it came."""

    def now(self) -> int:
        """The source's own clock."""

    def positions(self, query: Query) -> PositionPaginator[Any]:
        """Walk `query` by position, with pages that overlap."""

    def links(self) -> Paginator[Any]:
        """Walk by next links, from a page that has one."""


class FilterIgnoredError(Exception):
    """The source hands on rows that were not asked for, or in another order."""
