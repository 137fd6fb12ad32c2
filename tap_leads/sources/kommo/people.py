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
from tap_leads.sources.kommo.api import OPEN_LIST, SORTED, UPDATED_AT, objects
from tap_leads.sources.kommo.columns import (
    ACCOUNT_ID,
    CATALOG_ELEMENTS,
    GROUP,
    LINKS,
    TAG_LIST,
    authorship_of,
    custom_fields_of,
    id_of,
    name_of,
    responsible_of,
)
from tap_leads.sources.kommo.custom_values import (
    COLUMN_OF_CODE,
    DYNAMIC_COLUMNS,
)

if TYPE_CHECKING:
    from tap_leads.replication.model import Record
    from tap_leads.sources.base import Account


def _common_columns(noun: str) -> tuple[Column, ...]:
    """Return the columns that contacts and companies share."""
    return (
        responsible_of(noun),
        GROUP,
        *authorship_of(noun),
        Column("closest_task_at", UNIX_TIME, f"When the next task of the {noun} is due."),
        Column("is_deleted", BOOLEAN, f"True if the {noun} is in the recycle bin."),
        Column("phone", PHONE, f"First phone number of the {noun}."),
        Column("email", EMAIL, f"First email address of the {noun}."),
        Column("phones", Texts(), f"All phone numbers of the {noun}.", repeats="phone"),
        Column("emails", Texts(), f"All email addresses of the {noun}.", repeats="email"),
        custom_fields_of(noun),
        ACCOUNT_ID,
        Column("tags", TAG_LIST, f"Tags of the {noun}.", "_embedded.tags"),
        Column("leads", LINKS, f"IDs of the leads linked to the {noun}.", "_embedded.leads"),
        Column(
            "catalog_elements",
            CATALOG_ELEMENTS,
            f"List elements linked to the {noun}, such as products.",
            "_embedded.catalog_elements",
        ),
        Column(
            "customers",
            LINKS,
            f"IDs of the customers linked to the {noun}, if the account has customers.",
            "_embedded.customers",
        ),
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
    replication_key=UPDATED_AT,
    paginator=PageNumberPaginator,
    strategy=Keyset(),
    traits=SORTED,
    stable_sort="id",
    params={"with": "leads,catalog_elements,customers"},
    fields=fields_of_person,
    optional=True,
    dynamic_columns=DYNAMIC_COLUMNS,
    columns=(
        id_of("contact"),
        name_of("contact"),
        Column("first_name", TEXT, "First name of the contact."),
        Column("last_name", TEXT, "Last name of the contact."),
        Column("is_unsorted", BOOLEAN, "True if the contact belongs to an incoming lead."),
        *_common_columns("contact"),
        Column(
            "companies",
            LINKS,
            "ID of the company that the contact works for, if any.",
            "_embedded.companies",
        ),
    ),
)

COMPANIES = StreamSpec(
    name="kommo_companies",
    path="/companies",
    replication_key=UPDATED_AT,
    paginator=PageNumberPaginator,
    strategy=Keyset(),
    traits=SORTED,
    stable_sort="id",
    params={"with": "contacts,leads,catalog_elements,customers"},
    fields=fields_of_person,
    optional=True,
    dynamic_columns=DYNAMIC_COLUMNS,
    columns=(
        id_of("company"),
        name_of("company"),
        *_common_columns("company"),
        Column(
            "contacts",
            OPEN_LIST,
            "IDs of the contacts who work for the company.",
            "_embedded.contacts",
        ),
    ),
)
