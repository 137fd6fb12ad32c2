"""What people do about leads: tasks, notes, incoming leads, and the elements of lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_leads.columns import BOOLEAN, INTEGER, POSITIVE, TEXT, UNIX_TIME, Column
from tap_leads.query import Query
from tap_leads.sources.kommo.api import (
    ACCOUNT_ID,
    ANY,
    ANY_OBJECT,
    GROUP,
    ID,
    MADE,
    NAME,
    RESPONSIBLE,
    KommoSnapshot,
    KommoStream,
    KommoWindows,
    spread,
)
from tap_leads.sources.kommo.leads import CUSTOM_FIELDS
from tap_leads.windows import Windows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_leads.accounts import Account
    from tap_leads.pagination import Record
    from tap_leads.query import Batch
    from tap_leads.reader import AccountReader


class KommoTasks(KommoWindows):
    """https://developers.kommo.com/reference/tasks-list; it can be ordered by `id` at best."""

    name = "kommo_tasks"
    path = "/tasks"
    columns: ClassVar[Sequence[Column]] = (
        ID,
        *MADE,
        RESPONSIBLE,
        GROUP,
        Column("entity_id", POSITIVE, "Id of what it is about."),
        Column("entity_type", TEXT, "What it is about: leads, contacts, companies or customers."),
        Column("duration", INTEGER, "Seconds that it is planned to take."),
        Column("is_completed", BOOLEAN, "Whether it is done."),
        Column("task_type_id", INTEGER, "Id of its type; `kommo_account` has them."),
        Column("text", TEXT, "What is to be done."),
        Column("result", TEXT, "What came of it.", "result.text"),
        Column("complete_till", UNIX_TIME, "When it is due."),
        ACCOUNT_ID,
    )

    @override
    def unfold(self, account: Account, record: Record) -> dict[str, Any]:
        fields = super().unfold(account, record)
        return fields | spread("result", fields.pop("result", None))


class KommoLeadNotes(KommoStream):
    """https://developers.kommo.com/reference/notes-list."""

    name = "kommo_lead_notes"
    path = "/leads/notes"
    selected_by_default = False
    adds = "is_pinned"
    columns: ClassVar[Sequence[Column]] = (
        ID,
        Column("entity_id", INTEGER, "Id of the lead."),
        *MADE,
        RESPONSIBLE,
        GROUP,
        Column("note_type", TEXT, "Its kind, such as common or call_in."),
        Column("params", ANY_OBJECT, "What it says, in fields that depend on its kind."),
        Column("is_pinned", BOOLEAN, "Whether it is pinned."),
        ACCOUNT_ID,
    )


class KommoIncomingLeads(KommoSnapshot):
    """https://developers.kommo.com/reference/unsorted-leads-list; those not yet accepted."""

    name = "kommo_incoming_leads"
    path = "/leads/unsorted"
    primary_keys = ("account", "uid")
    still = "created_at"
    columns: ClassVar[Sequence[Column]] = (
        Column("uid", TEXT, "Id of the incoming lead."),
        Column("source_uid", TEXT, "Id of its source."),
        Column("source_name", TEXT, "Name of its source."),
        Column("category", TEXT, "sip, mail, forms or chats."),
        Column("pipeline_id", INTEGER, "Id of the pipeline that it waits in."),
        Column("created_at", UNIX_TIME, "When it came."),
        Column("metadata", ANY_OBJECT, "What is known of it, depending on its category."),
        Column("leads", ANY, "The lead that it would be.", "_embedded.leads"),
        Column("contacts", ANY, "Its contacts.", "_embedded.contacts"),
        Column("companies", ANY, "Its companies.", "_embedded.companies"),
        ACCOUNT_ID,
    )

    @override
    def read_identity(self, record: Record) -> Any:
        return record["uid"]


class KommoListElements(KommoSnapshot):
    """https://developers.kommo.com/reference/list-elements; of one list after the other."""

    name = "kommo_list_elements"
    path = "/catalogs"
    selected_by_default = False
    columns: ClassVar[Sequence[Column]] = (
        ID,
        Column("catalog_id", INTEGER, "Id of the list."),
        NAME,
        *MADE,
        Column("is_deleted", BOOLEAN, "Whether it is in the recycle bin."),
        Column("currency_id", INTEGER, "Id of the currency."),
        Column("custom_fields_values", CUSTOM_FIELDS, "The filled custom fields and their values."),
        Column("invoice_link", TEXT, "Link of an invoice."),
        ACCOUNT_ID,
    )

    @override
    def get_jobs(self, reader: AccountReader) -> Iterator[Iterator[Batch]]:
        lists = [row["id"] for batch in next(super().get_jobs(reader)) for row in batch.records]
        for list_id in lists:
            query = Query(path=f"/catalogs/{list_id}/elements")
            yield Windows(reader, None, None, threads=1, query=query).everything()
