"""Full-table reads: lists without a cursor, and lists whose filter or order cannot be used."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from tap_leads.replication.behaviour import ServerBehaviour
from tap_leads.replication.model import Bounds, Chunk, Order, Query
from tap_leads.replication.output import Output
from tap_leads.replication.ties import OverlappingScan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_leads.replication.model import AccountLists, Collection, Row

_ALL = Query()
_UNBOUNDED = Bounds()


def full_scan(
    collection: Collection, bounds: Bounds = _UNBOUNDED, query: Query = _ALL
) -> Iterator[Chunk]:
    """Yield the rows within the bounds by plain paging, in no order.

    The bounds are kept here, as the API ignores them or cannot be asked for them; rows without a
    cursor are kept too, unless `bounds.null` is False. `query` may have filters. The bookmark
    moves when everything is read: before, any row may still be to come.

    Raises:
        IncompleteError: rows are there that could not be reached.
    """
    behaviour = ServerBehaviour(collection.traits)
    output = Output(behaviour, bounds.after, bounds.until)
    everything = replace(query, after=None, until=None, order=Order.STABLE, cursor="any")
    watermark = None
    for rows in OverlappingScan(collection, behaviour).read(everything, ()):
        fresh = output.fresh(rows)
        kept = [row for row in fresh if bounds.null is not False or row.cursor is not None]
        yield Chunk(kept, [None] * len(kept), None)
        for row in kept:
            watermark = output.advanced(row.cursor, watermark)
    yield Chunk((), (), watermark)


def rows_of(collection: Collection, query: Query = _ALL) -> Iterator[Row]:
    """Yield every row of a list that matches the filters of `query`, each once, in no order.

    Raises:
        IncompleteError: rows are there that could not be reached.
    """
    for chunk in full_scan(collection, query=query):
        yield from chunk.rows


class FullTable:
    """Reads a list from its first page to its last in each run; its rows have no cursor."""

    prefetch: ClassVar[bool] = True

    def read(self, account: AccountLists, bounds: Bounds, workers: int) -> Iterator[Chunk | None]:
        """Yield the rows in the order of the API.

        Raises:
            IncompleteError: rows are there that could not be reached.
        """
        del bounds, workers  # nothing to filter by, and one page follows from the one before
        yield from full_scan(account.collection())
