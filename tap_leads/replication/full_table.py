"""Full-table reads: lists without a cursor, and lists whose filter or order cannot be used."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from tap_leads.replication.behaviour import ServerBehaviour
from tap_leads.replication.model import Chunk, Order, Query
from tap_leads.replication.output import Output
from tap_leads.replication.ties import OverlappingScan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_leads.replication.model import Account, Bounds, Collection, Row

_ALL = Query()


def full_scan(collection: Collection, query: Query = _ALL, *, null: bool = True) -> Iterator[Chunk]:
    """Yield the rows from `query.after` to `query.until` by plain paging, in no order.

    The bounds are kept here, as the API ignores them or cannot be asked for them; with `null` rows
    without a cursor are kept too. The bookmark moves when everything is read: before, any row may
    still be to come.

    Raises:
        IncompleteError: rows are there that could not be reached.
    """
    behaviour = ServerBehaviour(collection.traits)
    output = Output(behaviour, query.after, query.until)
    everything = replace(query, after=None, until=None, order=Order.STABLE, cursor="any")
    watermark = None
    for rows in OverlappingScan(collection, behaviour).read(everything, ()):
        fresh = output.fresh(rows)
        kept = [row for row in fresh if null or row.cursor is not None]
        yield Chunk(kept, [None] * len(kept), None)
        for row in kept:
            watermark = output.advanced(row.cursor, watermark)
    yield Chunk((), (), watermark)


def all_rows(collection: Collection, query: Query = _ALL) -> Iterator[Row]:
    """Yield every row of a list, each once, in no order.

    Raises:
        IncompleteError: rows are there that could not be reached.
    """
    for chunk in full_scan(collection, query):
        yield from chunk.rows


class FullTable:
    """Reads a list from its first page to its last in each run; its rows have no cursor."""

    prefetch: ClassVar[bool] = True

    def read(self, account: Account, bounds: Bounds, workers: int) -> Iterator[Chunk | None]:
        """Yield the rows in the order of the API.

        Raises:
            IncompleteError: rows are there that could not be reached.
        """
        del bounds, workers  # nothing to filter by, and one page follows from the one before
        yield from full_scan(account.collection())
