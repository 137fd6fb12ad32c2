"""The history of each lead, contact or company that was deleted, restored or merged.

No single list shows it: the recycle bin gets emptied, events may expire, and merged leads disappear
(apis/kommo.md 29 and 32).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_leads.replication.model import Record

_PLURALS = {"lead": "leads", "contact": "contacts", "company": "companies"}
_OTHERS = {*_PLURALS, *_PLURALS.values()}


class DeletionHistory:
    """Combines events, the recycle bin and the list of leads into a row for each lead.

    `in_bin` and `alive` hold leads by ID, as the recycle bin and the list of leads return them.
    Contacts and companies are the same as leads here, with another `entity`.
    """

    def __init__(self, events: Iterable[Record], entity: str = "lead") -> None:
        """Start with events of an entity, oldest first."""
        self._entity = entity
        self.in_bin: dict[int, Record] = {}
        self.alive: dict[int, Record] = {}
        self._rows: dict[int, Record] = {}
        self._merges: list[tuple[Record, set[int]]] = []
        self._last: dict[int, tuple[int, int]] = {}
        for event in events:
            self._enter(event)

    def _enter(self, event: Record) -> None:
        lead, moment = event["entity_id"], event["created_at"]
        ids, place = {lead}, 0
        if event["type"] == f"{self._entity}_deleted":
            self._rows[lead] = _deleted(lead, moment, event["created_by"])
        elif event["type"] == f"{self._entity}_restored":
            self._rows.setdefault(lead, _deleted(lead, None, None))["restored_at"] = moment
        else:
            values = [event.get("value_before"), event.get("value_after")]
            ids |= {*_ids_in(values, self._entity)}
            self._merges.append((event, ids))
            place = len(self._merges)
        # A merge may come with a deletion at the same second, which is not a later event; another
        # merge is one.
        for each in ids:
            self._last[each] = max(self._last.get(each, (0, 0)), (moment, place))

    @property
    def doubtful(self) -> list[int]:
        """Return the IDs of leads that may or may not exist; the list of leads shows which do."""
        deleted = {lead for lead, row in self._rows.items() if row["restored_at"] is None}
        merged = deleted.union(*(ids for _, ids in self._merges))
        return sorted(merged - self.in_bin.keys())

    def rows(self, settled: int, known_until: int = 0) -> list[Record]:
        """Return a row for each lead; lists include all changes before `settled`.

        Leads without an event that reached the recycle bin before `known_until` are left out.
        """
        for place, (event, ids) in enumerate(self._merges, 1):
            self._merge(event, ids, place)
        for lead, found in self.in_bin.items():
            row = self._rows.get(lead)
            # A list that lags behind may show a restored lead in the bin (apis/kommo.md 31).
            restored = row and row["restored_at"]
            if row is None and found["updated_at"] < known_until:
                continue
            if row is None or (restored is not None and restored <= found["updated_at"]):
                self._rows[lead] = _deleted(lead, found["updated_at"], found["updated_by"])
        for lead, found in self.alive.items():
            row = self._rows.get(lead)
            if row is None or row["restored_at"] is not None:
                continue
            # A lead may still be listed for a while after its deletion (apis/kommo.md 31).
            if row["deleted_at"] < max(settled, found["updated_at"]):
                row["restored_at"] = max(row["deleted_at"], found["updated_at"])
        return [self._rows[lead] for lead in sorted(self._rows)]

    def _merge(self, event: Record, ids: set[int], place: int) -> None:
        """Record a merge, the event at `place` among the merges.

        The API does not document which lead survives (apis/kommo.md 32). The tap assumes that it is
        the one that still exists, or otherwise the one that has a later event.
        """
        left = [*(ids & self.alive.keys())]
        if len(left) != 1:
            left = [lead for lead in ids if self._last[lead] > (event["created_at"], place)]
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


def _ids_in(value: Any, entity: str) -> Iterator[int]:
    """Yield the IDs of an entity in the values of an event, except those of other entities."""
    names = {entity, _PLURALS[entity]}
    if isinstance(value, list):
        for each in value:
            yield from _ids_in(each, entity)
    elif isinstance(value, dict) and value.get("type", entity) in names:
        if isinstance(value.get("id"), int):
            yield value["id"]
        for name, each in value.items():
            if name in names or name not in _OTHERS:
                yield from _ids_in(each, entity)
