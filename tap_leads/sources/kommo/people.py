"""Kommo's contacts and companies, by the same sweep as leads.

https://developers.kommo.com/reference/contacts-list
https://developers.kommo.com/reference/companies-list
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_leads.columns import BOOLEAN, EMAIL, PHONE, TEXT, UNIX_TIME, Column, Texts
from tap_leads.sources.kommo.api import (
    ACCOUNT_ID,
    ANY,
    GROUP,
    ID,
    MADE,
    NAME,
    RESPONSIBLE,
    objects,
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
    Column("phones", Texts({}), "All phones."),
    Column("emails", Texts({}), "All e-mails."),
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
        for custom in objects(record.get("custom_fields_values")):
            if name := _CODES.get(str(custom.get("field_code"))):
                self._reach(name, custom, fields)
        customs = fields.get("custom_fields_values")
        if not customs or {*_CODES.values()}.isdisjoint(self.hashed_names | self.deselected):
            return fields
        shown = [
            each if self._name_of(each) in self.hashed_names else self._veiled(each)
            for each in objects(customs)
        ]
        return {**fields, "custom_fields_values": shown}

    def _reach(self, name: str, custom: Record, fields: dict[str, Any]) -> None:
        """Put the phones or e-mails of a field into columns of their own."""
        values = [each.get("value") for each in objects(custom.get("values"))]
        filled = [value for value in values if value is not None]
        if filled:
            fields.setdefault(name, filled[0])
            veiled = [self.veil({name: value}).get(name) for value in filled]
            seen = [value for value in veiled if value is not None]
            fields[f"{name}s"] = [*(fields.get(f"{name}s") or ()), *seen] or None
        if (column := self._name_of(custom)) in fields and column not in self.hashed_names:
            fields[column] = self._veiled(custom).get("values")

    def _veiled(self, custom: Record) -> Record:
        """A field as it may leave: what its column does not tell, it must not tell either."""
        name = _CODES.get(str(custom.get("field_code")), "")
        if name not in self.hashed_names and name not in self.deselected:
            return custom
        values = [
            {**each, "value": self.veil({name: each.get("value")}).get(name)}
            for each in objects(custom.get("values"))
        ]
        return {**custom, "values": values}


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
