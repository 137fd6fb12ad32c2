"""Kommo's contacts and companies.

https://developers.kommo.com/reference/contacts-list
https://developers.kommo.com/reference/companies-list
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_leads.records.columns import Column, Texts
from tap_leads.records.convert import BOOLEAN, EMAIL, PHONE, TEXT, UNIX_TIME
from tap_leads.replication.keyset import Keyset
from tap_leads.replication.pagination import PageNumberPaginator
from tap_leads.sources.base import StreamSpec
from tap_leads.sources.kommo.api import (
    ACCOUNT_ID,
    AUTHORSHIP,
    BY_SECOND,
    BY_UPDATED_AT,
    GROUP,
    ID,
    NAME,
    NOT_FOUND,
    OPEN_LIST,
    RESPONSIBLE,
    objects,
)
from tap_leads.sources.kommo.custom_values import (
    COLUMN_OF_CODE,
    CUSTOM_FIELDS,
    DYNAMIC_COLUMNS,
)
from tap_leads.sources.kommo.leads import CATALOG_ELEMENTS, LINKS, TAG_LIST

if TYPE_CHECKING:
    from tap_leads.replication.model import Record
    from tap_leads.sources.base import Account

_LINKED = (
    Column("tags", TAG_LIST, "Tags.", "_embedded.tags"),
    Column("leads", LINKS, "Linked leads.", "_embedded.leads"),
    Column("catalog_elements", CATALOG_ELEMENTS, "List elements.", "_embedded.catalog_elements"),
)
_COMMON = (
    RESPONSIBLE,
    GROUP,
    *AUTHORSHIP,
    Column("closest_task_at", UNIX_TIME, "When the next task is due."),
    Column("is_deleted", BOOLEAN, "True if the record is in the recycle bin."),
    Column("phone", PHONE, "The first phone number."),
    Column("email", EMAIL, "The first email address."),
    Column("phones", Texts(), "All phone numbers.", repeats="phone"),
    Column("emails", Texts(), "All email addresses.", repeats="email"),
    Column("custom_fields_values", CUSTOM_FIELDS, "The filled custom fields and their values."),
    ACCOUNT_ID,
)


def fields_of_person(record: Record, _account: Account) -> dict[str, Any]:
    """Return the fields of a contact or company, including its phones and emails.

    Kommo stores both as custom fields (apis/kommo.md 39).
    """
    fields = {**record}
    for custom in objects(record.get("custom_fields_values")):
        if name := COLUMN_OF_CODE.get(str(custom.get("field_code"))):
            values = [each.get("value") for each in objects(custom.get("values"))]
            if filled := [value for value in values if value is not None]:
                fields.setdefault(name, filled[0])
                fields[f"{name}s"] = [*fields.get(f"{name}s", ()), *filled]
    return fields


CONTACTS = StreamSpec(
    name="kommo_contacts",
    path="/contacts",
    replication_key=BY_UPDATED_AT,
    paginator=PageNumberPaginator,
    strategy=Keyset(),
    traits=BY_SECOND,
    stable_sort="id",
    params={"with": "leads,catalog_elements"},
    fields=fields_of_person,
    absent=NOT_FOUND,
    dynamic_columns=DYNAMIC_COLUMNS,
    columns=(
        ID,
        NAME,
        Column("first_name", TEXT, "First name."),
        Column("last_name", TEXT, "Last name."),
        Column("is_unsorted", BOOLEAN, "True if the contact belongs to an incoming lead."),
        *_COMMON,
        *_LINKED,
        Column("companies", LINKS, "The company, if any.", "_embedded.companies"),
    ),
)

COMPANIES = StreamSpec(
    name="kommo_companies",
    path="/companies",
    replication_key=BY_UPDATED_AT,
    paginator=PageNumberPaginator,
    strategy=Keyset(),
    traits=BY_SECOND,
    stable_sort="id",
    params={"with": "contacts,leads,catalog_elements"},
    fields=fields_of_person,
    absent=NOT_FOUND,
    dynamic_columns=DYNAMIC_COLUMNS,
    columns=(
        ID,
        NAME,
        *_COMMON,
        *_LINKED,
        Column("contacts", OPEN_LIST, "Contacts of the company.", "_embedded.contacts"),
    ),
)
