"""Kommo's notes.

https://developers.kommo.com/reference/notes-list
"""

from __future__ import annotations

from tap_leads.records.columns import Column
from tap_leads.records.convert import BOOLEAN, INTEGER, TEXT
from tap_leads.replication.keyset import Keyset
from tap_leads.replication.pagination import PageNumberPaginator
from tap_leads.sources.base import StreamSpec
from tap_leads.sources.kommo.api import BY_SECOND, BY_UPDATED_AT, NOT_FOUND, OPEN_OBJECT
from tap_leads.sources.kommo.columns import (
    ACCOUNT_ID,
    GROUP,
    authorship_of,
    id_of,
    responsible_of,
)

LEAD_NOTES = StreamSpec(
    name="kommo_lead_notes",
    path="/leads/notes",
    replication_key=BY_UPDATED_AT,
    paginator=PageNumberPaginator,
    strategy=Keyset(),
    traits=BY_SECOND,
    stable_sort="id",
    params={"with": "is_pinned"},
    absent=NOT_FOUND,
    selected_by_default=False,
    columns=(
        id_of("note"),
        Column("entity_id", INTEGER, "ID of the lead that the note belongs to."),
        *authorship_of("note"),
        responsible_of("note"),
        GROUP,
        Column("note_type", TEXT, "Type of the note, such as common or call_in."),
        Column("params", OPEN_OBJECT, "Content of the note; its fields depend on the type."),
        Column("is_pinned", BOOLEAN, "True if the note is pinned."),
        ACCOUNT_ID,
    ),
)
