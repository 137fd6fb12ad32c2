"""Kommo's deleted leads, from the recycle bin and from events (apis/kommo.md 28 to 32).

https://developers.kommo.com/reference/leads-list
https://developers.kommo.com/reference/events-list
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tap_leads.errors import DATA_ERRORS
from tap_leads.records.columns import Column
from tap_leads.records.convert import INTEGER, UNIX_TIME
from tap_leads.replication.full_table import rows_of
from tap_leads.replication.model import Chunk, Query, Row
from tap_leads.replication.readahead import POLL_SECONDS, ReadAhead
from tap_leads.replication.time_slices import TimeSlices, read_all
from tap_leads.sources.base import Cursor, StreamSpec, record_error
from tap_leads.sources.kommo.api import FULL_LIST, UNSORTED
from tap_leads.sources.kommo.deletion_history import DeletionHistory
from tap_leads.sources.kommo.events import event_params, is_of
from tap_leads.timestamps import SECOND, from_unix_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_leads.replication.model import AccountLists, Bounds, Record

_DELETIONS = ("lead_deleted", "lead_restored", "entity_merged")
# IDs per request, because the length of a URL is limited.
_IDS = 100

_EVENTS = StreamSpec(
    name="kommo_deleted_leads",
    path="/events",
    columns=(),
    replication_key=Cursor("created_at", from_unix_seconds),
    strategy=TimeSlices(),
    traits=UNSORTED,
    params=event_params(_DELETIONS),
)
_LEADS = StreamSpec(name="kommo_deleted_leads", path="/leads", columns=(), traits=FULL_LIST)


class DeletedLeads:
    """Reads events, then the recycle bin, then the leads whose state is still unknown."""

    prefetch: ClassVar[bool] = False  # it keeps the events of all deletions

    def read(self, account: AccountLists, bounds: Bounds, workers: int) -> Iterator[Chunk | None]:  # noqa: ARG002
        """Yield a row for each lead that was ever deleted, restored or merged, sorted by ID."""
        yield from ReadAhead([_chunk(account)], 1).results(POLL_SECONDS)


def _chunk(account: AccountLists) -> Iterator[Chunk]:
    try:
        records = _deleted_leads(account)
    except DATA_ERRORS as error:
        raise record_error(error) from None
    rows = [Row(record, record["id"], None) for record in records]
    yield Chunk(rows, [None] * len(rows), None)


def _deleted_leads(account: AccountLists) -> list[Record]:
    history = DeletionHistory(_events(account))
    recycle_bin = account.collection()
    # Lists may lag behind by up to the lookback (apis/kommo.md 31).
    settled = (recycle_bin.now() - account.lookback) // SECOND
    history.in_bin = {
        row.record["id"]: row.record for row in rows_of(recycle_bin) if row.record.get("is_deleted")
    }
    leads = account.collection(_LEADS)
    doubtful = history.doubtful
    wanted = set(doubtful)
    for ids in (doubtful[at : at + _IDS] for at in range(0, len(doubtful), _IDS)):
        query = Query(filters=({"filter[id][]": ids},))
        found = set()
        for row in rows_of(leads, query):
            found.add(row.id)
            if row.id in wanted:
                history.alive[row.record["id"]] = row.record
        if found - set(ids):  # the API ignored the filter and returned all leads (apis/kommo.md 8)
            break
    return history.rows(settled)


def _events(account: AccountLists) -> list[Record]:
    """Return the events of leads that were deleted, restored or merged, oldest first."""
    rows = read_all(account.collection(_EVENTS))
    events = {row.id: row.record for row in rows if is_of(_DELETIONS, row.record)}
    return sorted(events.values(), key=lambda event: (event["created_at"], event["id"]))


DELETED_LEADS = StreamSpec(
    name="kommo_deleted_leads",
    path="/leads",
    strategy=DeletedLeads(),
    traits=FULL_LIST,
    params={"with": "only_deleted"},
    stable_sort="id",
    optional=True,
    columns=(
        Column("id", INTEGER, "ID of the lead."),
        Column("deleted_at", UNIX_TIME, "When the lead was last deleted, or merged into another."),
        Column("deleted_by", INTEGER, "ID of the user who deleted the lead; 0 is a robot."),
        Column("restored_at", UNIX_TIME, "When the lead was restored; null while it is deleted."),
        Column("merged_into", INTEGER, "ID of the lead that this one was merged into, if any."),
    ),
)
