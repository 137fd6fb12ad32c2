"""Kommo's events: what happened to leads, when, and which of them are gone.

https://developers.kommo.com/reference/events-list

Events have no order that could be asked for: they are read in windows with two ends.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_leads import instants
from tap_leads.columns import INTEGER, TEXT, UNIX_TIME, Column
from tap_leads.query import Batch, FilterIgnoredError, Query
from tap_leads.sources.kommo.api import ACCOUNT_ID, ANY, KommoSnapshot, KommoWindows, objects
from tap_leads.windows import Windows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tap_leads.accounts import Account
    from tap_leads.client import Ask
    from tap_leads.pagination import Record
    from tap_leads.reader import AccountReader

_GONE = ("lead_deleted", "lead_restored", "entity_merged")
# Ids that are asked for at once: a URL must not become too long.
_IDS = 100


class KommoEvents(KommoWindows):
    """Events by `created_at`, which has whole seconds."""

    path = "/events"
    by = "created_at"
    still = None

    @override
    def get_params(self, account: Account, ask: Ask) -> dict[str, Any]:
        return super().get_params(account, ask) | _asked(self.get_types(account))

    @override
    def matches(self, account: Account, record: Record) -> bool:
        return _is_asked(self.get_types(account), record)

    def get_types(self, account: Account) -> Sequence[str]:
        """The types to filter by; none for every type."""
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
    def get_types(self, account: Account) -> Sequence[str]:
        types: str | Sequence[str] = account.settings.get("event_types", ())
        return types.split(",") if isinstance(types, str) else types


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
    def get_types(self, account: Account) -> Sequence[str]:
        return ("lead_status_changed",)

    @override
    def unfold(self, account: Account, record: Record) -> dict[str, Any]:
        fields = super().unfold(account, record)
        for side, name in (("from", "value_before"), ("to", "value_after")):
            stages = objects([each.get("lead_status") for each in objects(fields.get(name))])
            stage = next(iter(stages), {})
            if stage or not fields.get(name):
                fields.pop(name, None)
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
    def read_key(self, account: Account, record: Record) -> int | None:
        return KommoWindows.read_key(self, account, record)  # of events: the windows look at it

    @override
    def get_jobs(self, reader: AccountReader) -> Iterator[Iterator[Batch]]:
        yield self._gone(reader)

    def _gone(self, reader: AccountReader) -> Iterator[Batch]:
        """First what events tell, then the recycle bin, which has the last word, then the rest."""
        ledger = _Ledger(_events(reader))
        settled = (reader.now() - reader.lookback) // instants.SECOND
        ledger.in_bin = {r["id"]: r for r in _rows(reader, Query()) if r.get("is_deleted")}
        doubtful = ledger.doubtful
        for some in (doubtful[at : at + _IDS] for at in range(0, len(doubtful), _IDS)):
            query = Query(path="/leads", parts=({"filter[id][]": some},))
            rows = {row["id"]: row for row in _rows(reader, query)}
            ledger.alive |= {lead: rows[lead] for lead in rows.keys() & set(doubtful)}
            if rows.keys() - set(some):  # the account ignores the filter: these are all leads
                break
        found = ledger.close(settled)
        yield Batch(found, [None] * len(found), None)


class _Ledger:
    """What became of each lead that was ever deleted, restored or merged."""

    def __init__(self, events: Iterable[Record]) -> None:
        """Begin with what the events tell, in their order."""
        self.in_bin: dict[int, Record] = {}
        self.alive: dict[int, Record] = {}
        self._rows: dict[int, Record] = {}
        self._merges: list[tuple[Record, set[int]]] = []
        self._last: dict[int, int] = {}
        for event in events:
            self._enter(event)

    def _enter(self, event: Record) -> None:
        lead, moment = event["entity_id"], event["created_at"]
        ids = {lead}
        if event["type"] == "lead_deleted":
            self._rows[lead] = _deleted(lead, moment, event["created_by"])
        elif event["type"] == "lead_restored":
            self._rows.setdefault(lead, _deleted(lead, None, None))["restored_at"] = moment
        else:
            values = [event.get("value_before"), event.get("value_after")]
            ids |= {*_ids_of_leads(values)}
            self._merges.append((event, ids))
        self._last |= dict.fromkeys(ids, moment)

    @property
    def doubtful(self) -> list[int]:
        """The leads of which a list must say whether they are still there."""
        deleted = {lead for lead, row in self._rows.items() if row["restored_at"] is None}
        merged = deleted.union(*(ids for _, ids in self._merges))
        return sorted(merged - self.in_bin.keys())

    def close(self, settled: int) -> list[Record]:
        """A row for each lead; what happened before `settled` is in every list by now."""
        for event, ids in self._merges:
            self._merge(event, ids)
        for lead, found in self.in_bin.items():
            row = self._rows.get(lead)
            # One that was restored since is in the bin of a list that lags, and nowhere else.
            restored = row and row["restored_at"]
            if row is None or (restored is not None and restored <= found["updated_at"]):
                self._rows[lead] = _deleted(lead, found["updated_at"], found["updated_by"])
        for lead, found in self.alive.items():
            row = self._rows.get(lead)
            if row is None or row["restored_at"] is not None:
                continue
            # A lead that was deleted a moment ago may be listed a little longer.
            if row["deleted_at"] < max(settled, found["updated_at"]):
                row["restored_at"] = max(row["deleted_at"], found["updated_at"])
        return [self._rows[lead] for lead in sorted(self._rows)]

    def _merge(self, event: Record, ids: set[int]) -> None:
        """Take a merge: which of its leads is left is not documented, and so looked for.

        It is the one that is there, or else the one that something happened to later.
        """
        left = [*(ids & self.alive.keys())]
        if len(left) != 1:
            left = [lead for lead in ids if self._last[lead] > event["created_at"]]
        otherwise = event["entity_id"] if len(ids) > 1 else None
        survivor = left[0] if len(left) == 1 else otherwise
        for lead in ids - {survivor} - self.alive.keys():
            row = self._rows.get(lead)
            if row is None or row["restored_at"] is not None:
                row = _deleted(lead, event["created_at"], event["created_by"])
            self._rows[lead] = {**row, "merged_into": survivor}


def _deleted(lead: int, moment: int | None, user: int | None) -> Record:
    return {
        "id": lead,
        "deleted_at": moment,
        "deleted_by": user,
        "restored_at": None,
        "merged_into": None,
    }


def _asked(types: Sequence[str]) -> dict[str, str]:
    """The filter by events of leads, of these types."""
    return {"filter[entity]": "lead"} | ({"filter[type]": ",".join(types)} if types else {})


def _is_asked(types: Sequence[str], event: Record) -> bool:
    """Whether an event is one of those: some accounts ignore filters without a word."""
    kind = str(event["type"])
    any_field = re.sub(r"^custom_field_\d+_", "custom_field_", kind)
    return event["entity_type"] == "lead" and (not types or kind in types or any_field in types)


def _events(reader: AccountReader) -> list[Record]:
    """The events that tell of leads that went or came back, oldest first."""
    windows = Windows(
        reader, None, None, threads=1, query=Query(path="/events", parts=(_asked(_GONE),))
    )
    try:
        batches = [batch for window in windows.closed() for batch in window]
    except FilterIgnoredError:
        batches = [*windows.everything()]
    found = {r["id"]: r for batch in batches for r in batch.records if _is_asked(_GONE, r)}
    return sorted(found.values(), key=lambda event: (event["created_at"], event["id"]))


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
