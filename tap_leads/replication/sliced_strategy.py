"""Base class of strategies that read a list in concurrent slices.

It falls back to a full scan if the API ignores the filter or the sort order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from tap_leads.errors import Code
from tap_leads.replication.behavior import ServerBehavior
from tap_leads.replication.errors import FilterIgnoredError
from tap_leads.replication.full_table import full_scan, warn_of_full_scan
from tap_leads.replication.model import Query
from tap_leads.replication.readahead import ReadAhead, in_background
from tap_leads.timestamps import HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_leads.replication.model import AccountLists, Bounds, Chunk, Collection


class SlicedStrategy(ABC):
    """Reads slices concurrently and emits them in order, or reads the whole list if it must."""

    prefetch: ClassVar[bool] = False

    @abstractmethod
    def slices(
        self,
        collection: Collection,
        query: Query,
        behavior: ServerBehavior,
        *,
        workers: int,
        null: bool,
    ) -> Iterable[Iterator[Chunk]]:
        """Return the slices of a query, each an iterator over its chunks.

        Raises:
            IncompleteError: Rows exist that could not be read.
            FilterIgnoredError: The API ignores the filter or the sort order.
        """

    def chunks(
        self,
        account: AccountLists,
        query: Query,
        behavior: ServerBehavior,
        *,
        workers: int,
        null: bool,
    ) -> Iterator[Chunk | None]:
        """Yield the rows of a query in cursor order, and None while waiting; raise as `slices`."""
        collection = account.collection()
        slices = self.slices(collection, query, behavior, workers=workers, null=null)
        yield from ReadAhead(slices, workers).results()

    def read(self, account: AccountLists, bounds: Bounds, workers: int) -> Iterator[Chunk | None]:
        """Yield the rows within the bounds, in cursor order if the API supports it.

        Raises:
            LeadsError: Rows are missing or may be missing.
        """
        collection = account.collection()
        traits = collection.traits
        query = Query(after=bounds.after, until=bounds.until)
        null = traits.cursor_nullable if bounds.null is None else bounds.null
        if query.is_empty and not null:
            return
        if bounds.filterable:
            behavior = ServerBehavior(traits)
            try:
                yield from self.chunks(account, query, behavior, workers=workers, null=null)
            except FilterIgnoredError:
                warn_of_full_scan(account, traits)
            else:
                _warn_of_the_future(account, behavior)
                return
        yield from in_background(full_scan(collection, bounds))


def _warn_of_the_future(account: AccountLists, behavior: ServerBehavior) -> None:
    """Warn if rows are dated ahead of the server's clock, as their time zone may be wrong."""
    newest, started = behavior.newest, behavior.run_started
    if newest and started and newest > started + HOUR:
        account.warn(
            f"records are dated up to {(newest - started) / HOUR:.1f} hours ahead of the API's "
            f"clock; they are synced again in every run{behavior.traits.cursor_hint}",
            Code.FUTURE_RECORDS,
        )
