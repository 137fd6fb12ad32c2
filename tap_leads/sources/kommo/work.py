"""Kommo's tasks and incoming leads."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from tap_leads.records.columns import Column
from tap_leads.records.convert import BOOLEAN, INTEGER, POSITIVE, TEXT, UNIX_TIME
from tap_leads.replication.pagination import PageNumberPaginator
from tap_leads.replication.time_slices import TimeSlices
from tap_leads.sources.base import StreamSpec, spread
from tap_leads.sources.kommo.api import (
    FULL_LIST,
    OPEN_LIST,
    OPEN_OBJECT,
    UNSORTED,
    UPDATED_AT,
)
from tap_leads.sources.kommo.columns import (
    ACCOUNT_ID,
    GROUP,
    authorship_of,
    id_of,
    responsible_of,
)

if TYPE_CHECKING:
    from tap_leads.replication.model import Record


def _task_fields(record: Record, _account: object) -> dict[str, Any]:
    fields = {**record}
    return fields | spread("result", fields.pop("result", None))


# https://developers.kommo.com/reference/tasks-list: not sorted by date (apis/kommo.md 42).
TASKS = StreamSpec(
    name="kommo_tasks",
    path="/tasks",
    replication_key=UPDATED_AT,
    paginator=PageNumberPaginator,
    strategy=TimeSlices(),
    traits=UNSORTED,
    stable_sort="id",
    fields=_task_fields,
    optional=True,
    columns=(
        id_of("task"),
        *authorship_of("task"),
        responsible_of("task"),
        GROUP,
        Column("entity_id", POSITIVE, "ID of the record that the task belongs to."),
        Column(
            "entity_type", TEXT, "Type of that record: leads, contacts, companies or customers."
        ),
        Column("duration", INTEGER, "Planned duration in seconds."),
        Column("is_completed", BOOLEAN, "True if the task is done."),
        Column(
            "task_type_id",
            INTEGER,
            "ID of the task type; `kommo_task_types` has its name.",
        ),
        Column("text", TEXT, "Text of the task."),
        Column("result", TEXT, "Text that the task was completed with.", "result.text"),
        Column("complete_till", UNIX_TIME, "When the task is due."),
        ACCOUNT_ID,
    ),
)

# https://developers.kommo.com/reference/unsorted-leads-list: not yet accepted (apis/kommo.md 43).
INCOMING_LEADS = StreamSpec(
    name="kommo_incoming_leads",
    path="/leads/unsorted",
    primary_key=("account", "uid"),
    identity=itemgetter("uid"),
    traits=FULL_LIST,
    stable_sort="created_at",
    optional=True,
    columns=(
        Column("uid", TEXT, "ID of the incoming lead."),
        Column("source_uid", TEXT, "ID of the source that the incoming lead came from."),
        Column("source_name", TEXT, "Name of the source that the incoming lead came from."),
        Column("category", TEXT, "How the incoming lead arrived: sip, mail, forms or chats."),
        Column(
            "pipeline_id", INTEGER, "ID of the pipeline where the incoming lead awaits acceptance."
        ),
        Column("created_at", UNIX_TIME, "When the incoming lead arrived."),
        Column(
            "metadata",
            OPEN_OBJECT,
            "Metadata of the incoming lead; its fields depend on the category.",
        ),
        Column(
            "leads",
            OPEN_LIST,
            "The lead that is created if the incoming lead is accepted.",
            "_embedded.leads",
        ),
        Column(
            "contacts",
            OPEN_LIST,
            "The contacts that are created if the incoming lead is accepted.",
            "_embedded.contacts",
        ),
        Column(
            "companies",
            OPEN_LIST,
            "The companies that are created if the incoming lead is accepted.",
            "_embedded.companies",
        ),
        ACCOUNT_ID,
    ),
)
