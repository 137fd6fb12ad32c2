"""The account itself, in Kommo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_leads.records.columns import Column
from tap_leads.records.convert import BOOLEAN, INTEGER, TEXT
from tap_leads.sources.base import StreamSpec
from tap_leads.sources.kommo.api import FULL_LIST, OPEN_LIST, OPEN_OBJECT, objects
from tap_leads.sources.kommo.columns import authorship_of, color_of, id_of, name_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_leads.replication.model import Record

_WITH = (
    "amojo_id,version,users_groups,task_types,datetime_settings,drive_url,invoices_settings,"
    "is_api_filter_enabled"
)


def _embedded(name: str) -> Callable[[Any], list[Record]]:
    """Return a function that returns a list which is embedded in the account."""
    return lambda body: objects(body.get("_embedded", {}).get(name))


# https://developers.kommo.com/reference/account-parameters
ACCOUNT = StreamSpec(
    name="kommo_account",
    path="/account",
    traits=FULL_LIST,
    params={"with": _WITH},
    records=lambda body: [body],
    is_shared=True,
    columns=(
        id_of("account"),
        name_of("account"),
        Column("subdomain", TEXT, "Subdomain of the account."),
        *authorship_of("account"),
        Column("current_user_id", INTEGER, "ID of the user whose rights the token has."),
        Column("country", TEXT, "Country of the account, such as US."),
        Column("currency", TEXT, "Currency of the leads' budgets, such as USD."),
        Column("currency_symbol", TEXT, "Symbol of the currency."),
        Column("is_unsorted_on", BOOLEAN, "True if the account has incoming leads."),
        Column("is_loss_reason_enabled", BOOLEAN, "True if a lost lead needs a loss reason."),
        Column("is_api_filter_enabled", BOOLEAN, "True if the API applies filters."),
        Column(
            "customers_mode",
            TEXT,
            "How the account tracks repeat customers: unavailable, disabled, segments, dynamic or "
            "periodicity.",
        ),
        Column("is_helpbot_enabled", BOOLEAN, "True if the account has the help bot."),
        Column("is_technical_account", BOOLEAN, "True for a technical account of a developer."),
        Column("amojo_id", TEXT, "ID of the account in the Chats API."),
        Column("drive_url", TEXT, "Base URL of the account's files."),
        Column("invoices_settings", OPEN_OBJECT, "Settings of invoices, such as their language."),
        Column(
            "users_groups",
            OPEN_LIST,
            "Groups that users of the account belong to; `kommo_user_groups` has a row for each.",
            "_embedded.users_groups",
        ),
        Column(
            "task_types",
            OPEN_LIST,
            "Task types of the account; `kommo_task_types` has a row for each.",
            "_embedded.task_types",
        ),
        Column(
            "datetime_settings",
            OPEN_OBJECT,
            "Time zone and date formats of the account.",
            "_embedded.datetime_settings",
        ),
    ),
)

USER_GROUPS = StreamSpec(
    name="kommo_user_groups",
    path="/account",
    traits=FULL_LIST,
    params={"with": _WITH},
    records=_embedded("users_groups"),
    is_shared=True,
    columns=(
        Column(
            "id",
            INTEGER,
            "ID of the group; `group_id` of a user, lead, contact, company or task refers to one.",
        ),
        name_of("group"),
        Column("uuid", TEXT, "UUID of the group."),
    ),
)

TASK_TYPES = StreamSpec(
    name="kommo_task_types",
    path="/account",
    traits=FULL_LIST,
    params={"with": _WITH},
    records=_embedded("task_types"),
    is_shared=True,
    columns=(
        Column("id", INTEGER, "ID of the task type; `task_type_id` of a task refers to one."),
        name_of("task type"),
        color_of("task type"),
        Column("icon_id", INTEGER, "ID of the icon of the task type."),
        Column("code", TEXT, "Code of the task type, such as FOLLOW_UP, if it has one."),
    ),
)
