"""What belongs to Kommo's lists, read one list after the other.

https://developers.kommo.com/reference/lists
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

from tap_leads.replication.full_table import full_scan, rows_of
from tap_leads.replication.readahead import POLL_SECONDS, ReadAhead
from tap_leads.rest.errors import PermanentError
from tap_leads.sources.kommo.reference import LISTS

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

    from tap_leads.replication.model import AccountLists, Bounds, Chunk


@dataclass(frozen=True)
class EachList:
    """Reads a part of all lists of the account.

    Attributes:
        part: The last word of the path: /catalogs/{id}/{part}.
        stable_sort: As in `StreamSpec`.
        params: Parameters of each request.
    """

    part: str
    stable_sort: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    prefetch: ClassVar[bool] = False  # a list can have many elements

    def read(self, account: AccountLists, bounds: Bounds, workers: int) -> Iterator[Chunk | None]:
        """Yield the rows of each list in turn, reading several lists concurrently."""
        lists = [row.id for row in rows_of(account.collection(LISTS))]
        jobs = (self._rows(account, list_id, bounds) for list_id in lists)
        yield from ReadAhead(jobs, workers).results(POLL_SECONDS)

    def _rows(self, account: AccountLists, list_id: Hashable, bounds: Bounds) -> Iterator[Chunk]:
        """Yield the rows of a list; none if the list has been deleted meanwhile."""
        path = f"/catalogs/{list_id}/{self.part}"
        spec = replace(
            LISTS, path=path, stable_sort=self.stable_sort, params=self.params, is_shared=False
        )
        try:
            for chunk in full_scan(account.collection(spec), bounds):
                for row in chunk.rows:
                    if row.record.get("catalog_id") is None:
                        row.record["catalog_id"] = list_id
                yield chunk
        except PermanentError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
