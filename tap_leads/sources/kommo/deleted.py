"""Kommo's deleted leads, contacts and companies (apis/kommo.md 28 to 32).

The recycle bin and events show them. The first run reads all of both; later runs read the whole
recycle bin, and the events since the previous run.

https://developers.kommo.com/reference/leads-list
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tap_leads.errors import DATA_ERRORS
from tap_leads.records.columns import Column
from tap_leads.records.convert import INTEGER, UNIX_TIME
from tap_leads.replication.full_table import rows_of
from tap_leads.replication.model import Chunk, Query, Row
from tap_leads.replication.readahead import in_background
from tap_leads.sources.base import StreamSpec, record_error
from tap_leads.sources.kommo.api import FULL_LIST
from tap_leads.sources.kommo.deletion_events import DeletionEvents
from tap_leads.sources.kommo.deletion_history import DeletionHistory
from tap_leads.timestamps import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_leads.replication.model import AccountLists, Bounds, Record

# IDs per request, because the length of a URL is limited.
_IDS = 100


@dataclass(frozen=True)
class DeletedRecords:
    """Reads events, then the recycle bin, then the records whose state is still unknown.

    Attributes:
        entity: The word for a record in events, such as `lead`.
        path: The path of the list of records.
    """

    prefetch: ClassVar[bool] = False  # it keeps the events of all deletions, and needs the state

    entity: str
    path: str

    def read(self, account: AccountLists, bounds: Bounds, workers: int) -> Iterator[Chunk | None]:  # noqa: ARG002
        """Yield a row for each record that was deleted, restored or merged, sorted by ID.

        With the state of an earlier run, these are the records with events since then, and those
        that are new in the recycle bin.
        """
        yield from in_background(self._chunk(account))

    def _chunk(self, account: AccountLists) -> Iterator[Chunk]:
        events = DeletionEvents(account, self.entity)
        try:
            records = self._records(account, events)
        except DATA_ERRORS as error:
            raise record_error(error) from None
        rows = [Row(record, record["id"], None) for record in records]
        yield Chunk(rows, [None] * len(rows), None, events.kept)

    def _records(self, account: AccountLists, events: DeletionEvents) -> list[Record]:
        history = DeletionHistory(events.read(), self.entity)
        # Lists may lag behind by up to the lookback (apis/kommo.md 31).
        settled = (account.collection().now() - account.lookback) // SECOND
        history.in_bin = _recycle_bin(account)
        self._find_alive(account, history)
        rows = history.rows(settled, (events.known_until or 0) // SECOND)
        events.is_settled = not any(
            row["restored_at"] is None and row["id"] in history.alive for row in rows
        )
        return rows

    def _find_alive(self, account: AccountLists, history: DeletionHistory) -> None:
        """Look for the records in doubt in the list of those that exist."""
        spec = StreamSpec(name="kommo_deletions", path=self.path, columns=(), traits=FULL_LIST)
        existing, doubtful = account.collection(spec), history.doubtful
        wanted = set(doubtful)
        for ids in (doubtful[at : at + _IDS] for at in range(0, len(doubtful), _IDS)):
            found = set()
            for row in rows_of(existing, Query(filters=({"filter[id][]": ids},))):
                found.add(row.id)
                if row.id in wanted:
                    history.alive[row.record["id"]] = row.record
            if found - set(ids):  # the API ignored the filter and returned all (apis/kommo.md 8)
                break


def _recycle_bin(account: AccountLists) -> dict[int, Record]:
    """Return the records in the recycle bin by ID.

    An account may ignore the parameter and return the records that exist; they are not read any
    further than the first page (apis/kommo.md 28).
    """
    found: dict[int, Record] = {}
    for number, row in enumerate(rows_of(account.collection()), 1):
        if row.record.get("is_deleted"):
            found[row.record["id"]] = row.record
        elif not found and number >= FULL_LIST.page_size:
            break
    return found


def _deleted(entity: str, path: str) -> StreamSpec:
    """Return the stream of deleted records of an entity."""
    return StreamSpec(
        name=f"kommo_deleted_{path}",
        path=f"/{path}",
        strategy=DeletedRecords(entity, f"/{path}"),
        traits=FULL_LIST,
        params={"with": "only_deleted"},
        stable_sort="id",
        optional=True,
        columns=(
            Column("id", INTEGER, f"ID of the {entity}."),
            Column(
                "deleted_at",
                UNIX_TIME,
                f"When the {entity} was last deleted, or merged into another.",
            ),
            Column(
                "deleted_by", INTEGER, f"ID of the user who deleted the {entity}; 0 is a robot."
            ),
            Column(
                "restored_at",
                UNIX_TIME,
                f"When the {entity} was restored; null while it is deleted.",
            ),
            Column(
                "merged_into",
                INTEGER,
                f"ID of the {entity} that this one was merged into, if any.",
            ),
        ),
    )


DELETED_LEADS = _deleted("lead", "leads")
DELETED_CONTACTS = _deleted("contact", "contacts")
DELETED_COMPANIES = _deleted("company", "companies")
