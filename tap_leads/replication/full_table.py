"""Full-table reads: lists without a cursor, and lists whose filter or sort order is unusable."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from tap_leads.errors import Code
from tap_leads.replication.behavior import ServerBehavior
from tap_leads.replication.model import Bounds, Chunk, Order, Query
from tap_leads.replication.output import Output
from tap_leads.replication.ties import OverlappingScan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_leads.replication.model import AccountLists, Collection, Row, Traits

_ALL = Query()
_UNBOUNDED = Bounds()


def full_scan(
    collection: Collection, bounds: Bounds = _UNBOUNDED, query: Query = _ALL
) -> Iterator[Chunk]:
    """Yield the rows within the bounds by plain pagination, in no particular order.

    The bounds are applied here, because the API ignores them or cannot filter by them; rows
    without a cursor are included unless `bounds.null` is False. `query` may have filters. The
    bookmark moves only at the end: until then, older rows may follow.

    Raises:
        IncompleteError: Rows exist that could not be read.
    """
    behavior = ServerBehavior(collection.traits)
    output = Output(behavior, bounds.after, bounds.until)
    everything = replace(query, after=None, until=None, order=Order.STABLE, cursor="any")
    watermark = None
    for rows in OverlappingScan(collection, behavior).read(everything, ()):
        fresh = output.fresh(rows)
        kept = [row for row in fresh if bounds.null is not False or row.cursor is not None]
        yield Chunk(kept, [None] * len(kept), None)
        for row in kept:
            watermark = output.advanced(row.cursor, watermark)
    yield Chunk((), (), watermark)


def rows_of(collection: Collection, query: Query = _ALL) -> Iterator[Row]:
    """Yield every row of a list that matches the filters of `query`, without duplicates.

    Raises:
        IncompleteError: Rows exist that could not be read.
    """
    for chunk in full_scan(collection, query=query):
        yield from chunk.rows


def warn_of_full_scan(account: AccountLists, traits: Traits) -> None:
    """Warn that an API ignores the filter or sort order, so that a full scan is necessary."""
    account.warn(
        "the API ignored the requested filter or sort order; falling back to a full scan and "
        f"filtering in the tap (slower, nothing is missed){traits.cursor_hint}",
        Code.FILTERS_IGNORED,
    )


class FullTable:
    """Reads a list from its first page to its last on every run; its rows have no cursor."""

    prefetch: ClassVar[bool] = True

    def read(self, account: AccountLists, bounds: Bounds, workers: int) -> Iterator[Chunk | None]:
        """Yield the rows in the API's order.

        Raises:
            IncompleteError: Rows exist that could not be read.
        """
        del bounds, workers  # nothing to filter by, and each page depends on the previous one
        yield from full_scan(account.collection())
