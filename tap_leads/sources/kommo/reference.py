"""Kommo's small lists, which say what the ids in leads mean. Each is read whole in each run."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_leads.columns import BOOLEAN, EMAIL, INTEGER, PHONE, TEXT, Column, Nested
from tap_leads.pagination import Page
from tap_leads.sources.kommo.api import (
    ACCOUNT_ID,
    ANY,
    ANY_OBJECT,
    CREATED_AT,
    ID,
    MADE,
    NAME,
    SORT,
    UPDATED_AT,
    KommoSnapshot,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_leads.accounts import Account
    from tap_leads.client import Ask
    from tap_leads.pagination import Record

_TOLD_OF_RIGHTS = ("is_active", "is_admin", "group_id", "role_id")
_COLOR = Column("color", TEXT, "Color.")
_ENUMS = Nested({"id": INTEGER, "value": TEXT, "sort": INTEGER})


class KommoAccount(KommoSnapshot):
    """https://developers.kommo.com/reference/account-parameters."""

    name = "kommo_account"
    path = "/account"
    adds = "version,users_groups,task_types,datetime_settings,is_api_filter_enabled"
    columns: ClassVar[Sequence[Column]] = (
        ID,
        NAME,
        Column("subdomain", TEXT, "The account's word in its address."),
        *MADE,
        Column("current_user_id", INTEGER, "Id of the user whose rights the token has."),
        Column("country", TEXT, "Country."),
        Column("currency", TEXT, "Currency of the leads' budgets, such as USD."),
        Column("currency_symbol", TEXT, "Sign of the currency."),
        Column("is_unsorted_on", BOOLEAN, "Whether there are incoming leads."),
        Column("is_loss_reason_enabled", BOOLEAN, "Whether a lost lead needs a reason."),
        Column("is_api_filter_enabled", BOOLEAN, "Whether lists heed filters."),
        Column("users_groups", ANY, "Groups of users.", "_embedded.users_groups"),
        Column("task_types", ANY, "Types of tasks.", "_embedded.task_types"),
        Column(
            "datetime_settings",
            ANY_OBJECT,
            "Time zone and forms of dates.",
            "_embedded.datetime_settings",
        ),
    )

    @override
    def read_page(self, body: Any, ask: Ask) -> Page:
        return Page([body], more=False)


class KommoPipelines(KommoSnapshot):
    """https://developers.kommo.com/reference/pipelines-list."""

    name = "kommo_pipelines"
    path = "/leads/pipelines"
    columns: ClassVar[Sequence[Column]] = (
        ID,
        NAME,
        SORT,
        Column("is_main", BOOLEAN, "Whether it is the one that leads come into by default."),
        Column("is_unsorted_on", BOOLEAN, "Whether it has incoming leads."),
        Column("is_archive", BOOLEAN, "Whether it is archived; its leads are still there."),
        ACCOUNT_ID,
        Column("statuses", ANY, "Its stages; `kommo_stages` has a row each.", "_embedded.statuses"),
    )


class KommoStages(KommoSnapshot):
    """The stages of all pipelines: 142 (won) and 143 (lost) are in each of them."""

    name = "kommo_stages"
    path = "/leads/pipelines"
    primary_keys = ("account", "pipeline_id", "id")
    columns: ClassVar[Sequence[Column]] = (
        Column("pipeline_id", INTEGER, "Id of the pipeline."),
        Column("id", INTEGER, "Id of the stage; 142 is won and 143 lost in each pipeline."),
        NAME,
        SORT,
        Column("is_editable", BOOLEAN, "Whether it can be changed."),
        _COLOR,
        Column("type", INTEGER, "1 is the stage of incoming leads, 0 any other."),
        ACCOUNT_ID,
    )

    @override
    def read_page(self, body: Any, ask: Ask) -> Page:
        pipelines = super().read_page(body, ask).records
        stages = [stage for each in pipelines for stage in each["_embedded"]["statuses"]]
        return Page(stages, more=False)

    @override
    def read_identity(self, record: Record) -> Any:
        return record["pipeline_id"], record["id"]


class KommoUsers(KommoSnapshot):
    """https://developers.kommo.com/reference/users-list; for tokens of administrators alone."""

    name = "kommo_users"
    path = "/users"
    skips = KommoSnapshot.skips | {HTTPStatus.FORBIDDEN}
    adds = "role,group,uuid,user_rank,phone_number"
    columns: ClassVar[Sequence[Column]] = (
        ID,
        NAME,
        Column("email", EMAIL, "E-mail."),
        Column("lang", TEXT, "Language."),
        Column("is_active", BOOLEAN, "Whether the user can log in.", "rights.is_active"),
        Column("is_admin", BOOLEAN, "Whether it is an administrator.", "rights.is_admin"),
        Column("group_id", INTEGER, "Id of the user's group.", "rights.group_id"),
        Column("role_id", INTEGER, "Id of the user's role.", "rights.role_id"),
        Column("rights", ANY_OBJECT, "Rights."),
        Column("uuid", TEXT, "UUID."),
        Column("user_rank", TEXT, "Rank."),
        Column("phone_number", PHONE, "Phone."),
        Column("roles", ANY, "Roles.", "_embedded.roles"),
        Column("groups", ANY, "Groups.", "_embedded.groups"),
    )

    @override
    def unfold(self, account: Account, record: Record) -> dict[str, Any]:
        rights = record["rights"] if isinstance(record.get("rights"), dict) else {}
        told = {f"rights.{name}": rights.get(name) for name in _TOLD_OF_RIGHTS}
        return super().unfold(account, record) | told


class KommoRoles(KommoSnapshot):
    """https://developers.kommo.com/reference/roles-list; for tokens of administrators alone."""

    name = "kommo_roles"
    path = "/roles"
    skips = KommoSnapshot.skips | {HTTPStatus.FORBIDDEN}
    adds = "users"
    columns: ClassVar[Sequence[Column]] = (
        ID,
        NAME,
        Column("rights", ANY_OBJECT, "Rights."),
        Column("users", ANY, "Users who have it.", "_embedded.users"),
    )


class KommoLeadFields(KommoSnapshot):
    """https://developers.kommo.com/reference/custom-fields-by-entity."""

    name = "kommo_lead_fields"
    path = "/leads/custom_fields"
    still = "id"
    columns: ClassVar[Sequence[Column]] = (
        ID,
        NAME,
        Column("type", TEXT, "Kind of its values."),
        Column("code", TEXT, "Code, for fields that Kommo knows."),
        SORT,
        Column("group_id", TEXT, "Id of the group that it is shown in."),
        Column("enums", _ENUMS, "The options of a field that has some."),
        Column("currency", TEXT, "Currency of a monetary field."),
        Column("is_api_only", BOOLEAN, "Whether it can be changed by the API alone."),
        Column("is_deletable", BOOLEAN, "Whether it can be deleted."),
        Column("is_predefined", BOOLEAN, "Whether Kommo made it."),
        Column("required_statuses", ANY, "The stages in which it must be filled."),
        Column("hidden_statuses", ANY, "The stages in which it is hidden."),
        Column("entity_type", TEXT, "What it is a field of."),
        Column("tracking_callback", TEXT, "Code that a tracking field calls."),
        Column("remind", TEXT, "When a birthday is reminded of."),
        Column("triggers", ANY, "What its change sets off."),
        Column("chained_lists", ANY, "The lists of a chained list."),
        ACCOUNT_ID,
    )


class KommoLossReasons(KommoSnapshot):
    """https://developers.kommo.com/reference/loss-reasons-list."""

    name = "kommo_loss_reasons"
    path = "/leads/loss_reasons"
    columns: ClassVar[Sequence[Column]] = (ID, NAME, SORT, CREATED_AT, UPDATED_AT)


class KommoTags(KommoSnapshot):
    """https://developers.kommo.com/reference/tags-list."""

    name = "kommo_tags"
    path = "/leads/tags"
    columns: ClassVar[Sequence[Column]] = (ID, NAME, _COLOR)


class KommoSources(KommoSnapshot):
    """https://developers.kommo.com/reference/get-sources; of the token's own integration alone."""

    name = "kommo_sources"
    path = "/sources"
    columns: ClassVar[Sequence[Column]] = (
        Column("id", INTEGER, "Id. Only sources of the token's own integration are listed."),
        NAME,
        Column("pipeline_id", INTEGER, "Id of the pipeline that its leads come into."),
        Column("external_id", TEXT, "Id that the integration gave it."),
        Column("origin_code", TEXT, "Code of where it comes from."),
        Column("default", BOOLEAN, "Whether it is the integration's default."),
        Column("services", ANY, "Services."),
    )


class KommoLists(KommoSnapshot):
    """https://developers.kommo.com/reference/lists."""

    name = "kommo_lists"
    path = "/catalogs"
    columns: ClassVar[Sequence[Column]] = (
        ID,
        NAME,
        *MADE,
        SORT,
        Column("type", TEXT, "regular, invoices, products or suppliers."),
        Column("can_add_elements", BOOLEAN, "Whether elements can be added."),
        Column("can_show_in_cards", BOOLEAN, "Whether it is shown in cards."),
        Column("can_link_multiple", BOOLEAN, "Whether a lead can have several of its elements."),
        Column("can_be_deleted", BOOLEAN, "Whether it can be deleted."),
        Column("sdk_widget_code", TEXT, "Code of the widget that it belongs to."),
        ACCOUNT_ID,
    )
