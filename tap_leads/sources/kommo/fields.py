"""Definitions of Kommo's custom fields, and its tags."""

from __future__ import annotations

from dataclasses import replace

from tap_leads.records.columns import Column, Nested
from tap_leads.records.convert import BOOLEAN, INTEGER, TEXT
from tap_leads.sources.base import StreamSpec
from tap_leads.sources.kommo.api import FULL_LIST, OPEN_LIST
from tap_leads.sources.kommo.columns import ACCOUNT_ID, color_of, id_of, name_of, sort_of
from tap_leads.sources.kommo.lists import EachList

_ENUMS = Nested({"id": INTEGER, "value": TEXT, "sort": INTEGER})


# https://developers.kommo.com/reference/custom-fields-by-entity
def _fields_of(noun: str, entity: str) -> StreamSpec:
    """Return the stream of the custom fields of one type of record."""
    return StreamSpec(
        name=f"kommo_{noun}_fields",
        path=f"/{entity}/custom_fields",
        traits=FULL_LIST,
        stable_sort="id",
        optional=True,
        columns=(
            id_of("field"),
            name_of("field"),
            Column("type", TEXT, "Type of the field, such as text, select or monetary."),
            Column("code", TEXT, "Code of the field, such as UTM_SOURCE, if it has one."),
            sort_of("field"),
            Column("group_id", TEXT, "ID of the group of fields that Kommo shows the field in."),
            Column("enums", _ENUMS, "Options of the field, if it is a selection."),
            Column("currency", TEXT, "Currency of the field, if it is monetary."),
            Column("is_api_only", BOOLEAN, "True if only the API can change the field."),
            Column("is_deletable", BOOLEAN, "True if the field can be deleted."),
            Column("is_predefined", BOOLEAN, "True if Kommo created the field."),
            Column("required_statuses", OPEN_LIST, "Stages in which the field must be filled."),
            Column("hidden_statuses", OPEN_LIST, "Stages in which the field is hidden."),
            Column("entity_type", TEXT, f"Type of record that has the field: {entity}."),
            Column(
                "tracking_callback",
                TEXT,
                "JavaScript callback of the field, if it is a tracking field.",
            ),
            Column("remind", TEXT, "When to send the birthday reminder."),
            Column("triggers", OPEN_LIST, "Triggers that a change of the field starts."),
            Column(
                "chained_lists",
                OPEN_LIST,
                "Lists that the options come from, if the field is a chained list.",
            ),
            ACCOUNT_ID,
        ),
    )


LEAD_FIELDS = _fields_of("lead", "leads")
CONTACT_FIELDS = _fields_of("contact", "contacts")
COMPANY_FIELDS = _fields_of("company", "companies")
_OF_LISTS = _fields_of("list", "catalogs")
LIST_FIELDS = replace(
    _OF_LISTS,
    path="/catalogs",
    primary_key=("account", "catalog_id", "id"),
    strategy=EachList("custom_fields", stable_sort="id"),
    columns=(
        Column("catalog_id", INTEGER, "ID of the list that has the field."),
        *_OF_LISTS.columns,
    ),
)


# https://developers.kommo.com/reference/tags-list
def _tags_of(prefix: str, entity: str) -> StreamSpec:
    """Return the stream of the tags of one type of record."""
    return StreamSpec(
        name=f"kommo_{prefix}tags",
        path=f"/{entity}/tags",
        traits=FULL_LIST,
        optional=True,
        columns=(id_of("tag"), name_of("tag"), color_of("tag")),
    )


TAGS = _tags_of("", "leads")
CONTACT_TAGS = _tags_of("contact_", "contacts")
COMPANY_TAGS = _tags_of("company_", "companies")
