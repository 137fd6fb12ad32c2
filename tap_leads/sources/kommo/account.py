"""The account itself, in Kommo."""

from __future__ import annotations

from tap_leads.records.columns import Column
from tap_leads.records.convert import BOOLEAN, INTEGER, TEXT
from tap_leads.sources.base import StreamSpec
from tap_leads.sources.kommo.api import FULL_LIST, OPEN_LIST, OPEN_OBJECT
from tap_leads.sources.kommo.columns import authorship_of, id_of, name_of

# https://developers.kommo.com/reference/account-parameters
ACCOUNT = StreamSpec(
    name="kommo_account",
    path="/account",
    traits=FULL_LIST,
    params={"with": "version,users_groups,task_types,datetime_settings,is_api_filter_enabled"},
    records=lambda body: [body],
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
            "users_groups",
            OPEN_LIST,
            "Groups that the users of the account belong to, with their IDs and names.",
            "_embedded.users_groups",
        ),
        Column(
            "task_types",
            OPEN_LIST,
            "Task types of the account; `task_type_id` of a task refers to one.",
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
