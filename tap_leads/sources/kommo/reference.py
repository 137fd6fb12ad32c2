"""Kommo's reference data: small lists, synced as full tables on every run."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from tap_leads.records.columns import Column
from tap_leads.records.convert import BOOLEAN, EMAIL, INTEGER, PHONE, TEXT
from tap_leads.sources.base import StreamSpec, expect
from tap_leads.sources.kommo.api import FULL_LIST, OPEN_LIST, OPEN_OBJECT
from tap_leads.sources.kommo.columns import (
    ACCOUNT_ID,
    color_of,
    id_of,
    name_of,
    sort_of,
    times_of,
)

if TYPE_CHECKING:
    from tap_leads.replication.model import Record

_PARTIAL = (
    "the token is not an administrator's, so leads, contacts, companies and tasks contain only "
    "what its user may see. For complete data, use an administrator's token"
)

# https://developers.kommo.com/reference/pipelines-list
PIPELINES = StreamSpec(
    name="kommo_pipelines",
    path="/leads/pipelines",
    traits=FULL_LIST,
    is_shared=True,
    columns=(
        id_of("pipeline"),
        name_of("pipeline"),
        sort_of("pipeline"),
        Column("is_main", BOOLEAN, "True if new leads enter this pipeline by default."),
        Column("is_unsorted_on", BOOLEAN, "True if the pipeline has incoming leads."),
        Column("is_archive", BOOLEAN, "True if the pipeline is archived; its leads remain."),
        ACCOUNT_ID,
        Column(
            "statuses",
            OPEN_LIST,
            "Stages of the pipeline; `kommo_stages` has a row for each.",
            "_embedded.statuses",
        ),
    ),
)


def _stages(body: Any) -> list[Record]:
    pipelines = body["_embedded"]["pipelines"]
    return [
        stage
        for each in pipelines
        for stage in expect(expect(each, "_embedded", dict), "statuses", list)
    ]


# From the same response as pipelines: 142 (won) and 143 (lost) are in each (apis/kommo.md 11).
STAGES = StreamSpec(
    name="kommo_stages",
    path="/leads/pipelines",
    primary_key=("account", "pipeline_id", "id"),
    identity=lambda record: (record["pipeline_id"], record["id"]),
    traits=FULL_LIST,
    records=_stages,
    is_shared=True,
    columns=(
        Column("pipeline_id", INTEGER, "ID of the pipeline."),
        Column("id", INTEGER, "ID of the stage; 142 is won and 143 lost in each pipeline."),
        name_of("stage"),
        sort_of("stage"),
        Column("is_editable", BOOLEAN, "True if the stage can be changed."),
        color_of("stage"),
        Column("type", INTEGER, "1 for the stage of incoming leads, 0 for any other."),
        ACCOUNT_ID,
    ),
)


def _user_fields(record: Record, _account: object) -> dict[str, Any]:
    rights = record["rights"] if isinstance(record.get("rights"), dict) else {}
    names = ("is_active", "is_admin", "group_id", "role_id")
    return {**record} | {f"rights.{name}": rights.get(name) for name in names}


# https://developers.kommo.com/reference/users-list: for administrators only (apis/kommo.md 44).
USERS = StreamSpec(
    name="kommo_users",
    path="/users",
    traits=FULL_LIST,
    params={"with": "role,group,uuid,amojo_id,user_rank,phone_number"},
    fields=_user_fields,
    optional=True,
    forbidden_warning=_PARTIAL,
    columns=(
        id_of("user"),
        name_of("user"),
        Column("email", EMAIL, "Email address of the user."),
        Column("lang", TEXT, "Language of the user interface for the user, such as en."),
        Column("is_active", BOOLEAN, "True if the user can sign in.", "rights.is_active"),
        Column("is_admin", BOOLEAN, "True for an administrator.", "rights.is_admin"),
        Column(
            "group_id",
            INTEGER,
            "ID of the group that the user belongs to.",
            "rights.group_id",
        ),
        Column(
            "role_id", INTEGER, "ID of the user's role; `kommo_roles` lists them.", "rights.role_id"
        ),
        Column("rights", OPEN_OBJECT, "What the user may see and change, by entity."),
        Column("uuid", TEXT, "UUID of the user."),
        Column(
            "amojo_id",
            TEXT,
            "ID of the user in the Chats API; `author_id` of a message refers to it.",
        ),
        Column("user_rank", TEXT, "Rank of the user in Kommo."),
        Column("phone_number", PHONE, "Phone number of the user."),
        Column(
            "roles", OPEN_LIST, "Roles of the user, with their IDs and names.", "_embedded.roles"
        ),
        Column(
            "groups", OPEN_LIST, "Groups of the user, with their IDs and names.", "_embedded.groups"
        ),
    ),
)

# https://developers.kommo.com/reference/roles-list: for administrators only (apis/kommo.md 44).
ROLES = StreamSpec(
    name="kommo_roles",
    path="/roles",
    traits=FULL_LIST,
    params={"with": "users"},
    optional=True,
    forbidden_warning=_PARTIAL,
    columns=(
        id_of("role"),
        name_of("role"),
        Column("rights", OPEN_OBJECT, "What users with the role may see and change, by entity."),
        Column("users", OPEN_LIST, "Users who have the role, with their IDs.", "_embedded.users"),
    ),
)

# https://developers.kommo.com/reference/loss-reasons-list
LOSS_REASONS = StreamSpec(
    name="kommo_loss_reasons",
    path="/leads/loss_reasons",
    traits=FULL_LIST,
    optional=True,
    columns=(
        id_of("loss reason"),
        name_of("loss reason"),
        sort_of("loss reason"),
        *times_of("loss reason"),
    ),
)

# https://developers.kommo.com/reference/get-sources: only the integration's (apis/kommo.md 45).
LEAD_SOURCES = StreamSpec(
    name="kommo_sources",
    path="/sources",
    traits=FULL_LIST,
    optional=True,
    columns=(
        Column(
            "id",
            INTEGER,
            "ID of the source. Kommo lists only sources of the token's own integration.",
        ),
        name_of("source"),
        Column("pipeline_id", INTEGER, "ID of the pipeline that leads of the source enter."),
        Column("external_id", TEXT, "ID that the integration gave the source."),
        Column("origin_code", TEXT, "Code of the channel that the source belongs to."),
        Column("default", BOOLEAN, "True for the integration's default source."),
        Column("services", OPEN_LIST, "Services that the source is connected to."),
    ),
)

# https://developers.kommo.com/reference/events-types-list
EVENT_TYPES = StreamSpec(
    name="kommo_event_types",
    path="/events/types",
    primary_key=("account", "key"),
    identity=itemgetter("key"),
    traits=FULL_LIST,
    records=lambda body: body["_embedded"]["events_types"],
    optional=True,
    columns=(
        Column("key", TEXT, "Name of the event type; `type` of an event refers to it."),
        Column("type", INTEGER, "Number of the event type."),
        Column("lang", TEXT, "Text of the event type in the account's language."),
    ),
)

# https://developers.kommo.com/reference/get-list-crm-plugin: for administrators only.
WEBSITE_BUTTONS = StreamSpec(
    name="kommo_website_buttons",
    path="/website_buttons",
    primary_key=("account", "source_id"),
    identity=itemgetter("source_id"),
    traits=FULL_LIST,
    optional=True,
    forbidden_warning=_PARTIAL,
    columns=(
        Column("source_id", INTEGER, "ID of the button's source; `source_id` of a lead can be it."),
        Column("button_id", INTEGER, "ID of the button."),
        name_of("button"),
        Column("pipeline_id", INTEGER, "ID of the pipeline that leads of the button enter."),
        Column("creation_status", TEXT, "Status of the button: created or creation_pending."),
        Column(
            "is_duplication_control_enabled",
            BOOLEAN,
            "True if the button's source checks for duplicate leads.",
        ),
        ACCOUNT_ID,
    ),
)
