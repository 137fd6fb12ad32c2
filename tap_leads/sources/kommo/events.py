"""Kommo's events: what happened to leads, when, and which of them are gone.

https://developers.kommo.com/reference/events-list

Events have no order that could be asked for: they are read in windows with two ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_leads.columns import INTEGER, TEXT, UNIX_TIME, Column
from tap_leads.query import Batch, Query
from tap_leads.sources.kommo.api import ACCOUNT_ID, ANY, KommoSnapshot, KommoWindows
from tap_leads.windows import Windows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_leads.accounts import Account
    from tap_leads.client import Ask
    from tap_leads.pagination import Record
    from tap_leads.reader import AccountReader

_OF_LEADS = {"filter[entity]": "lead"}
_GONE = {"filter[type]": "lead_deleted,lead_restored,entity_merged"}
# Ids that are asked for at once: a URL must not become too long.
_IDS = 100


class KommoEvents(KommoWindows):
    """Events by `created_at`, which has whole seconds."""

    path = "/events"
    by = "created_at"
    still = None

    @override
    def get_params(self, account: Account, ask: Ask) -> dict[str, Any]:
        return super().get_params(account, ask) | _OF_LEADS | self.get_types(account)

    def get_types(self, account: Account) -> dict[str, str]:
        """The filter by types."""
        raise NotImplementedError


class KommoLeadEvents(KommoEvents):
    """Events of leads, of the types in `event_types`."""

    name = "kommo_lead_events"
    replication_key = "created_at"
    selected_by_default = False
    columns: ClassVar[Sequence[Column]] = (
        Column("id", TEXT, "Id of the event."),
        Column("type", TEXT, "What happened, such as lead_added."),
        Column("entity_id", INTEGER, "Id of the lead."),
        Column("entity_type", TEXT, "lead."),
        Column("created_by", INTEGER, "Id of the user who did it; 0 is a robot."),
        Column("created_at", UNIX_TIME, "When it happened."),
        Column("value_before", ANY, "What was before."),
        Column("value_after", ANY, "What was after."),
        ACCOUNT_ID,
    )

    @override
    def get_types(self, account: Account) -> dict[str, str]:
        types = account.settings.get("event_types")
        return {"filter[type]": ",".join(types)} if types else {}


class KommoLeadStageChanges(KommoEvents):
    """The moves of leads from stage to stage."""

    name = "kommo_lead_stage_changes"
    replication_key = "changed_at"
    columns: ClassVar[Sequence[Column]] = (
        Column("id", TEXT, "Id of the event."),
        Column("lead_id", INTEGER, "Id of the lead.", "entity_id"),
        Column("changed_at", UNIX_TIME, "When it was moved.", "created_at"),
        Column("changed_by", INTEGER, "Id of the user who moved it; 0 is a robot.", "created_by"),
        Column("from_pipeline_id", INTEGER, "Pipeline before."),
        Column("from_status_id", INTEGER, "Stage before."),
        Column("to_pipeline_id", INTEGER, "Pipeline after."),
        Column("to_status_id", INTEGER, "Stage after."),
        ACCOUNT_ID,
    )

    @override
    def get_types(self, account: Account) -> dict[str, str]:
        return {"filter[type]": "lead_status_changed"}

    @override
    def unfold(self, account: Account, record: Record) -> dict[str, Any]:
        fields = super().unfold(account, record)
        for side, name in (("from", "value_before"), ("to", "value_after")):
            stages = [each.get("lead_status") for each in fields.pop(name, None) or ()]
            stage: Record = next(filter(None, stages), {})
            fields[f"{side}_pipeline_id"] = stage.get("pipeline_id")
            fields[f"{side}_status_id"] = stage.get("id")
        for name in ("type", "entity_type", "_embedded.entity"):
            fields.pop(name, None)
        return fields


class KommoDeletedLeads(KommoSnapshot):
    """Leads that were deleted: those in the recycle bin, and those that events tell of."""

    name = "kommo_deleted_leads"
    path = "/leads"
    by = "created_at"
    reach = KommoWindows.reach
    columns: ClassVar[Sequence[Column]] = (
        Column("id", INTEGER, "Id of the lead."),
        Column("deleted_at", UNIX_TIME, "When it was deleted last, or merged into another."),
        Column("deleted_by", INTEGER, "Id of the user who deleted it; 0 is a robot."),
        Column("restored_at", UNIX_TIME, "When it was restored; null while it is deleted."),
        Column("merged_into", INTEGER, "Id of the lead that it was merged into."),
    )

    @override
    def get_params(self, account: Account, ask: Ask) -> dict[str, Any]:
        params = super().get_params(account, ask)
        return params if ask.query.path else params | {"with": "only_deleted", "order[id]": "asc"}

    @override
    def get_jobs(self, reader: AccountReader) -> Iterator[Iterator[Batch]]:
        yield self._gone(reader)

    def _gone(self, reader: AccountReader) -> Iterator[Batch]:
        in_bin = {row["id"]: row for row in _rows(reader, Query())}
        query = Query(path="/events", parts=(_OF_LEADS | _GONE,))
        windows = Windows(reader, None, None, threads=1, query=query).closed()
        events = [row for window in windows for batch in window for row in batch.records]
        ledger = _Ledger(in_bin)
        for event in events:
            ledger.enter(event)
        ids = [each for each in ledger.doubtful if each not in in_bin]
        for some in (ids[at : at + _IDS] for at in range(0, len(ids), _IDS)):
            query = Query(path="/leads", parts=({"filter[id][]": some},))
            ledger.alive |= {row["id"]: row for row in _rows(reader, query) if row["id"] in some}
        rows = ledger.close()
        yield Batch(rows, [None] * len(rows), None)


class _Ledger:
    """What became of each lead that was ever deleted, restored or merged."""

    def __init__(self, in_bin: Mapping[int, Record]) -> None:
        self._in_bin = in_bin
        self._rows: dict[int, Record] = {}
        self._merges: list[tuple[Record, set[int]]] = []
        self.alive: dict[int, Record] = {}

    def enter(self, event: Record) -> None:
        """Take an event, which is later than those before."""
        lead, moment = event["entity_id"], event["created_at"]
        if event["type"] == "lead_deleted":
            self._rows[lead] = _deleted(lead, moment, event["created_by"])
        elif event["type"] == "lead_restored":
            self._rows.setdefault(lead, _deleted(lead, None, None))["restored_at"] = moment
        else:
            values = [event.get("value_before"), event.get("value_after")]
            self._merges.append((event, {lead, *_ids_of_leads(values)}))

    @property
    def doubtful(self) -> list[int]:
        """The leads of which a list must say whether they are still there."""
        deleted = {i for i, row in self._rows.items() if row["restored_at"] is None}
        return sorted(deleted.union(*(ids for _, ids in self._merges)))

    def close(self) -> list[Record]:
        """A row for each lead, when it is known which of them are there after all."""
        for event, ids in self._merges:
            self._merge(event, ids)
        for lead, found in self._in_bin.items():
            row = self._rows.get(lead)
            if row is None or row["restored_at"] is not None:
                self._rows[lead] = _deleted(lead, found["updated_at"], found["updated_by"])
        for lead, found in self.alive.items():
            row = self._rows.get(lead)
            if row is not None and row["restored_at"] is None:
                row["restored_at"] = found["updated_at"]
        return [self._rows[lead] for lead in sorted(self._rows)]

    def _merge(self, event: Record, ids: set[int]) -> None:
        """Take a merge: which of its leads is left is not documented, and so looked for."""
        left = sorted(ids & self.alive.keys())
        survivor = left[0] if len(left) == 1 else event["entity_id"]
        for lead in ids - {survivor} - self.alive.keys():
            merged = _deleted(lead, event["created_at"], event["created_by"])
            self._rows.setdefault(lead, merged)["merged_into"] = survivor


def _deleted(lead: int, moment: int | None, user: int | None) -> Record:
    return {
        "id": lead,
        "deleted_at": moment,
        "deleted_by": user,
        "restored_at": None,
        "merged_into": None,
    }


def _rows(reader: AccountReader, query: Query) -> Iterator[Record]:
    for batch in Windows(reader, None, None, threads=1, query=query).everything():
        yield from batch.records


def _ids_of_leads(value: Any) -> Iterator[int]:
    """The ids in the values of an event, but those of contacts and companies."""
    if isinstance(value, list):
        for each in value:
            yield from _ids_of_leads(each)
    elif isinstance(value, dict) and value.get("type", "lead") in {"lead", "leads"}:
        if isinstance(value.get("id"), int):
            yield value["id"]
        for each in value.values():
            yield from _ids_of_leads(each)
