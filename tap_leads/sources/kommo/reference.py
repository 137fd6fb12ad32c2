"""Kommo's reference data: small lists, synced as full tables on every run."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from tap_leads.records.columns import Column, Nested
from tap_leads.records.convert import BOOLEAN, EMAIL, INTEGER, PHONE, TEXT
from tap_leads.sources.base import StreamSpec, expect
from tap_leads.sources.kommo.api import (
    ACCOUNT_ID,
    AUTHORSHIP,
    CREATED_AT,
    FULL_LIST,
    ID,
    NAME,
    NOT_FOUND,
    OPEN_LIST,
    OPEN_OBJECT,
    SORT,
    UPDATED_AT,
)

if TYPE_CHECKING:
    from tap_leads.replication.model import Record

_COLOR = Column("color", TEXT, "Color.")
_ENUMS = Nested({"id": INTEGER, "value": TEXT, "sort": INTEGER})
_ADMINISTRATORS_ONLY = NOT_FOUND | {HTTPStatus.FORBIDDEN}

# https://developers.kommo.com/reference/account-parameters
ACCOUNT = StreamSpec(
    name="kommo_account",
    path="/account",
    traits=FULL_LIST,
    params={"with": "version,users_groups,task_types,datetime_settings,is_api_filter_enabled"},
    records=lambda body: [body],
    absent=NOT_FOUND,
    columns=(
        ID,
        NAME,
        Column("subdomain", TEXT, "Subdomain of the account."),
        *AUTHORSHIP,
        Column("current_user_id", INTEGER, "ID of the user whose rights the token has."),
        Column("country", TEXT, "Country of the account."),
        Column("currency", TEXT, "Currency of the leads' budgets, such as USD."),
        Column("currency_symbol", TEXT, "Symbol of the currency."),
        Column("is_unsorted_on", BOOLEAN, "True if the account has incoming leads."),
        Column("is_loss_reason_enabled", BOOLEAN, "True if a lost lead needs a loss reason."),
        Column("is_api_filter_enabled", BOOLEAN, "True if the API applies filters."),
        Column("users_groups", OPEN_LIST, "Groups of users.", "_embedded.users_groups"),
        Column("task_types", OPEN_LIST, "Task types.", "_embedded.task_types"),
        Column(
            "datetime_settings",
            OPEN_OBJECT,
            "Time zone and date formats.",
            "_embedded.datetime_settings",
        ),
    ),
)

# https://developers.kommo.com/reference/pipelines-list
PIPELINES = StreamSpec(
    name="kommo_pipelines",
    path="/leads/pipelines",
    traits=FULL_LIST,
    absent=NOT_FOUND,
    columns=(
        ID,
        NAME,
        SORT,
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
    absent=NOT_FOUND,
    columns=(
        Column("pipeline_id", INTEGER, "ID of the pipeline."),
        Column("id", INTEGER, "ID of the stage; 142 is won and 143 lost in each pipeline."),
        NAME,
        SORT,
        Column("is_editable", BOOLEAN, "True if the stage can be changed."),
        _COLOR,
        Column("type", INTEGER, "1 is the stage of incoming leads, 0 any other."),
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
    params={"with": "role,group,uuid,user_rank,phone_number"},
    fields=_user_fields,
    absent=_ADMINISTRATORS_ONLY,
    columns=(
        ID,
        NAME,
        Column("email", EMAIL, "Email address of the user."),
        Column("lang", TEXT, "Language of the user."),
        Column("is_active", BOOLEAN, "True if the user can sign in.", "rights.is_active"),
        Column("is_admin", BOOLEAN, "True for an administrator.", "rights.is_admin"),
        Column("group_id", INTEGER, "ID of the user's group.", "rights.group_id"),
        Column("role_id", INTEGER, "ID of the user's role.", "rights.role_id"),
        Column("rights", OPEN_OBJECT, "What the user may see and change, by entity."),
        Column("uuid", TEXT, "UUID of the user."),
        Column("user_rank", TEXT, "Rank of the user."),
        Column("phone_number", PHONE, "Phone number of the user."),
        Column("roles", OPEN_LIST, "Roles of the user.", "_embedded.roles"),
        Column("groups", OPEN_LIST, "Groups of the user.", "_embedded.groups"),
    ),
)

# https://developers.kommo.com/reference/roles-list: for administrators only (apis/kommo.md 44).
ROLES = StreamSpec(
    name="kommo_roles",
    path="/roles",
    traits=FULL_LIST,
    params={"with": "users"},
    absent=_ADMINISTRATORS_ONLY,
    columns=(
        ID,
        NAME,
        Column("rights", OPEN_OBJECT, "What users with the role may see and change, by entity."),
        Column("users", OPEN_LIST, "Users with the role.", "_embedded.users"),
    ),
)

# https://developers.kommo.com/reference/custom-fields-by-entity
LEAD_FIELDS = StreamSpec(
    name="kommo_lead_fields",
    path="/leads/custom_fields",
    traits=FULL_LIST,
    stable_sort="id",
    absent=NOT_FOUND,
    columns=(
        ID,
        NAME,
        Column("type", TEXT, "Type of the field."),
        Column("code", TEXT, "Code of a field that Kommo knows."),
        SORT,
        Column("group_id", TEXT, "ID of the group that the field is shown in."),
        Column("enums", _ENUMS, "The options of a field that has some."),
        Column("currency", TEXT, "Currency of a monetary field."),
        Column("is_api_only", BOOLEAN, "True if only the API can change the field."),
        Column("is_deletable", BOOLEAN, "True if the field can be deleted."),
        Column("is_predefined", BOOLEAN, "True if Kommo created the field."),
        Column("required_statuses", OPEN_LIST, "Stages in which the field must be filled."),
        Column("hidden_statuses", OPEN_LIST, "Stages in which the field is hidden."),
        Column("entity_type", TEXT, "Type of record that has the field."),
        Column("tracking_callback", TEXT, "Code that a tracking field calls."),
        Column("remind", TEXT, "When to send the birthday reminder."),
        Column("triggers", OPEN_LIST, "Triggers that a change of the field starts."),
        Column("chained_lists", OPEN_LIST, "The lists of a chained list field."),
        ACCOUNT_ID,
    ),
)

# https://developers.kommo.com/reference/loss-reasons-list
LOSS_REASONS = StreamSpec(
    name="kommo_loss_reasons",
    path="/leads/loss_reasons",
    traits=FULL_LIST,
    absent=NOT_FOUND,
    columns=(ID, NAME, SORT, CREATED_AT, UPDATED_AT),
)

# https://developers.kommo.com/reference/tags-list
TAGS = StreamSpec(
    name="kommo_tags",
    path="/leads/tags",
    traits=FULL_LIST,
    absent=NOT_FOUND,
    columns=(ID, NAME, _COLOR),
)

# https://developers.kommo.com/reference/get-sources: only the integration's (apis/kommo.md 45).
LEAD_SOURCES = StreamSpec(
    name="kommo_sources",
    path="/sources",
    traits=FULL_LIST,
    absent=NOT_FOUND,
    columns=(
        Column("id", INTEGER, "ID. Only sources of the token's own integration are listed."),
        NAME,
        Column("pipeline_id", INTEGER, "ID of the pipeline that its leads enter."),
        Column("external_id", TEXT, "ID that the integration assigned."),
        Column("origin_code", TEXT, "Code of the channel."),
        Column("default", BOOLEAN, "True for the integration's default source."),
        Column("services", OPEN_LIST, "Services of the source."),
    ),
)

# https://developers.kommo.com/reference/lists
LISTS = StreamSpec(
    name="kommo_lists",
    path="/catalogs",
    traits=FULL_LIST,
    absent=NOT_FOUND,
    columns=(
        ID,
        NAME,
        *AUTHORSHIP,
        SORT,
        Column("type", TEXT, "regular, invoices, products or suppliers."),
        Column("can_add_elements", BOOLEAN, "True if elements can be added."),
        Column("can_show_in_cards", BOOLEAN, "True if the list is shown in cards."),
        Column("can_link_multiple", BOOLEAN, "True if a lead can have several elements of it."),
        Column("can_be_deleted", BOOLEAN, "True if the list can be deleted."),
        Column("sdk_widget_code", TEXT, "Code of the widget that the list belongs to."),
        ACCOUNT_ID,
    ),
)
