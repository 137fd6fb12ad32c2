"""Kommo's notes of leads, contacts and companies; calls and SMS messages are notes.

https://developers.kommo.com/reference/notes-list
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_leads.records.columns import OWN_FIELDS, Column, Nested
from tap_leads.records.convert import BOOLEAN, INTEGER, PHONE, TEXT, integer
from tap_leads.replication.keyset import Keyset
from tap_leads.replication.pagination import PageNumberPaginator
from tap_leads.sources.base import StreamSpec
from tap_leads.sources.kommo.api import SORTED, UPDATED_AT, names_in
from tap_leads.sources.kommo.columns import (
    ACCOUNT_ID,
    GROUP,
    authorship_of,
    id_of,
    responsible_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from tap_leads.replication.model import Record
    from tap_leads.sources.base import Account, Settings

# Keys of `params` are names of columns, so hiding or hashing `phone` also applies to `params`.
_PARAMS = Nested({}, many=False, rest=TEXT, members=OWN_FIELDS)
_IN_PARAMS = ("text", "phone", "duration", "call_status", "call_result", "link")
CALL_STATUSES = {
    1: "message left",
    2: "call back later",
    3: "not in",
    4: "talked",
    5: "wrong number",
    6: "no answer",
    7: "busy",
    8: "undefined",
}
"""How a call ended (apis/kommo.md 60)."""


def _note_fields(record: Record, _account: Account) -> dict[str, Any]:
    """Return the fields of a note, including those in `params`, whose form depends on the type."""
    params = record.get("params")
    if isinstance(params, str) and params:  # free text, which is redacted like the text of any note
        return {"text": params} | {name: record[name] for name in record if name != "params"}
    if not isinstance(params, dict):
        return record
    fields = {name: params[name] for name in _IN_PARAMS if name in params}
    if "call_status" in fields:
        fields["call_status_name"] = _call_status_name(fields["call_status"])
    return fields | record


def _call_status_name(status: Any) -> str | None:
    try:
        return CALL_STATUSES.get(integer(status))
    except (TypeError, ValueError):
        return None


def _types(settings: Settings) -> list[str]:
    return names_in(settings.get("note_types", ()))


def _params(settings: Settings, _deselected: Collection[str]) -> dict[str, Any]:
    return {"with": "is_pinned", "filter[note_type][]": _types(settings) or None}


def _is_wanted(record: Record, settings: Settings) -> bool:
    """Return True if a note has one of the types, which Kommo may ignore (apis/kommo.md 8)."""
    types = _types(settings)
    return not types or record.get("note_type") in types


def _notes(noun: str, entity: str) -> StreamSpec:
    """Return the declaration of the notes of an entity, such as those of a `lead` of `leads`."""
    return StreamSpec(
        name=f"kommo_{noun}_notes",
        path=f"/{entity}/notes",
        replication_key=UPDATED_AT,
        paginator=PageNumberPaginator,
        strategy=Keyset(),
        traits=SORTED,
        stable_sort="id",
        params=_params,
        wanted=_is_wanted,
        fields=_note_fields,
        optional=True,
        selected_by_default=False,
        columns=(
            id_of("note"),
            Column("entity_id", INTEGER, f"ID of the {noun} that the note belongs to."),
            *authorship_of("note"),
            responsible_of("note"),
            GROUP,
            Column("note_type", TEXT, "Type of the note, such as common, call_in or call_out."),
            Column("text", TEXT, "Text of the note, from `params`."),
            Column("phone", PHONE, "Phone number of the call or SMS message, from `params`."),
            Column("duration", INTEGER, "Duration of the call in seconds, from `params`."),
            Column("call_status", INTEGER, "How the call ended, as a number, from `params`."),
            Column(
                "call_status_name",
                TEXT,
                f"How the call ended: {', '.join(CALL_STATUSES.values())}.",
                repeats="call_status",
            ),
            Column("call_result", TEXT, "Result of the call as a text, from `params`."),
            Column("link", TEXT, "Link to the recording of the call, from `params`."),
            Column("params", _PARAMS, "Content of the note; its fields depend on the type."),
            Column("is_pinned", BOOLEAN, "True if the note is pinned."),
            ACCOUNT_ID,
        ),
    )


LEAD_NOTES = _notes("lead", "leads")
CONTACT_NOTES = _notes("contact", "contacts")
COMPANY_NOTES = _notes("company", "companies")
