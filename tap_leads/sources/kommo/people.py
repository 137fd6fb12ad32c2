"""Kommo's contacts and companies, by the same sweep as leads.

https://developers.kommo.com/reference/contacts-list
https://developers.kommo.com/reference/companies-list
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_leads.columns import BOOLEAN, EMAIL, PHONE, TEXT, UNIX_TIME, Column, Nested
from tap_leads.sources.kommo.api import (
    ACCOUNT_ID,
    ANY,
    GROUP,
    ID,
    MADE,
    NAME,
    RESPONSIBLE,
)
from tap_leads.sources.kommo.fields import KommoFieldedStream
from tap_leads.sources.kommo.leads import CATALOG_ELEMENTS, COMPANIES, CUSTOM_FIELDS, TAGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_leads.accounts import Account
    from tap_leads.pagination import Record

# The columns for the fields that hold them, by the codes that Kommo gives to these.
_CODES = {"PHONE": "phone", "EMAIL": "email"}
_REACHED = (
    Column("phone", PHONE, "The first phone."),
    Column("email", EMAIL, "The first e-mail."),
    Column("phones", Nested({}, rest=TEXT), "All phones."),
    Column("emails", Nested({}, rest=TEXT), "All e-mails."),
)
_LINKED = (
    Column("tags", TAGS, "Tags.", "_embedded.tags"),
    Column("leads", COMPANIES, "Leads.", "_embedded.leads"),
    Column("catalog_elements", CATALOG_ELEMENTS, "List elements.", "_embedded.catalog_elements"),
)
_COMMON = (
    RESPONSIBLE,
    GROUP,
    *MADE,
    Column("closest_task_at", UNIX_TIME, "When the next task is due."),
    Column("is_deleted", BOOLEAN, "Whether it is in the recycle bin."),
    *_REACHED,
    Column("custom_fields_values", CUSTOM_FIELDS, "The filled custom fields and their values."),
    ACCOUNT_ID,
)


class KommoPeople(KommoFieldedStream):
    """Contacts or companies: phones and e-mails are among their custom fields."""

    @override
    def unfold(self, account: Account, record: Record) -> dict[str, Any]:
        fields = super().unfold(account, record)
        shown = []
        for custom in fields.get("custom_fields_values") or ():
            name = _CODES.get(custom.get("field_code"))
            shown.append(self._reached(name, custom, fields) if name else custom)
        return {**fields, "custom_fields_values": shown or None}

    def _reached(self, name: str, custom: Record, fields: dict[str, Any]) -> Record:
        """A field of phones or e-mails as it may leave, and its values as columns of their own."""
        values = [each for each in custom.get("values") or () if each.get("value") is not None]
        fields.setdefault(name, values[0]["value"] if values else None)
        veiled = [{**each, "value": self.veil({name: each["value"]}).get(name)} for each in values]
        fields.setdefault(f"{name}s", [each["value"] for each in veiled])
        if self._name_of(custom) in fields:
            fields[self._name_of(custom)] = veiled
        return {**custom, "values": veiled}


class KommoContacts(KommoPeople):
    """Contacts; those of incoming leads are not listed until these are accepted."""

    name = "kommo_contacts"
    path = "/contacts"
    adds = "leads,catalog_elements"
    columns: ClassVar[Sequence[Column]] = (
        ID,
        NAME,
        Column("first_name", TEXT, "First name."),
        Column("last_name", TEXT, "Last name."),
        Column("is_unsorted", BOOLEAN, "Whether it belongs to an incoming lead."),
        *_COMMON,
        *_LINKED,
        Column("companies", COMPANIES, "The company, if any.", "_embedded.companies"),
    )


class KommoCompanies(KommoPeople):
    """Companies."""

    name = "kommo_companies"
    path = "/companies"
    adds = "contacts,leads,catalog_elements"
    columns: ClassVar[Sequence[Column]] = (
        ID,
        NAME,
        *_COMMON,
        *_LINKED,
        Column("contacts", ANY, "Contacts.", "_embedded.contacts"),
    )
