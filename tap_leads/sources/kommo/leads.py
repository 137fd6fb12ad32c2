"""Kommo, which is amoCRM by another name: leads of its API v4.

https://developers.kommo.com/reference/leads-list
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_leads import instants
from tap_leads.columns import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    POSITIVE,
    TEXT,
    UNIX_TIME,
    Column,
    Nested,
)
from tap_leads.sources.kommo.fields import KommoFieldedStream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_leads.accounts import Account
    from tap_leads.client import Ask
    from tap_leads.pagination import Record

# What `with` can add to a lead, each in the column of its name. Not `only_deleted`: it is another
# mode, in which nearly every field of a lead is null.
WITH = (
    "contacts",
    "loss_reason",
    "is_price_modified_by_robot",
    "catalog_elements",
    "source_id",
    "source",
)

LISTS = ("id", "name", "created_by", "updated_by", "responsible_user_id", "pipeline_id")
SPANS = ("created_at", "updated_at", "closed_at", "closest_task_at")

TAGS = Nested({"id": INTEGER, "name": TEXT, "color": TEXT})
CONTACTS = Nested({"id": INTEGER, "is_main": BOOLEAN})
COMPANIES = Nested({"id": INTEGER})
CATALOG_ELEMENTS = Nested(
    {
        "id": INTEGER,
        "metadata": Nested(
            {"quantity": NUMBER, "catalog_id": INTEGER, "price_id": INTEGER}, many=False
        ),
    }
)
LOSS_REASON = Nested(
    {
        "id": INTEGER,
        "name": TEXT,
        "sort": INTEGER,
        "created_at": UNIX_TIME,
        "updated_at": UNIX_TIME,
    }
)
SOURCE = Nested({"id": INTEGER, "name": TEXT}, many=False)
CUSTOM_FIELDS = Nested(
    {
        "field_id": INTEGER,
        "field_name": TEXT,
        "field_code": TEXT,
        "field_type": TEXT,
        "values": Nested(
            {
                "value": TEXT,
                "enum_id": INTEGER,
                "enum_code": TEXT,
                "catalog_id": INTEGER,
                "catalog_element_id": INTEGER,
            }
        ),
        "is_computed": BOOLEAN,
    }
)


class KommoLeads(KommoFieldedStream):
    """Leads by `updated_at`, which has whole seconds: a mass edit gives thousands the same."""

    name = "kommo_leads"
    path = "/leads"
    skips: ClassVar[frozenset[int]] = frozenset()
    columns: ClassVar[Sequence[Column]] = (
        Column("id", INTEGER, "Id of the lead."),
        Column("name", TEXT, "Name of the lead."),
        Column("price", INTEGER, "Budget of the lead in whole units of the account's currency."),
        Column("price_with_minor_units", NUMBER, "Budget of the lead with cents, exact."),
        Column("responsible_user_id", INTEGER, "Id of the user who is responsible."),
        Column("group_id", INTEGER, "Id of that user's group; 0 is the default group."),
        Column("status_id", INTEGER, "Id of the stage; 142 is won and 143 lost in each pipeline."),
        Column("pipeline_id", INTEGER, "Id of the pipeline."),
        Column("loss_reason_id", POSITIVE, "Id of the reason why the lead was lost."),
        Column("source_id", POSITIVE, "Id of the source that the lead came from."),
        Column("created_by", INTEGER, "Id of the user who created it; 0 is a robot."),
        Column("updated_by", INTEGER, "Id of the user who changed it last; 0 is a robot."),
        Column("created_at", UNIX_TIME, "When the lead was created."),
        Column("updated_at", UNIX_TIME, "When the lead was changed last."),
        Column("closed_at", UNIX_TIME, "When the lead was won or lost."),
        Column("closest_task_at", UNIX_TIME, "When its next task is due."),
        Column("is_deleted", BOOLEAN, "Whether the lead is in the recycle bin."),
        Column("score", POSITIVE, "Score of the lead."),
        Column("account_id", INTEGER, "Id of the account."),
        Column("labor_cost", INTEGER, "Seconds of work spent on the lead."),
        Column("is_price_computed", BOOLEAN, "Whether the budget is computed."),
        Column("is_price_modified_by_robot", BOOLEAN, "Whether a robot changed the budget last."),
        Column("custom_fields_values", CUSTOM_FIELDS, "The filled custom fields and their values."),
        Column("tags", TAGS, "Tags.", "_embedded.tags"),
        Column(
            "contacts", CONTACTS, "Contacts, of which one is the main one.", "_embedded.contacts"
        ),
        Column("companies", COMPANIES, "The company, if any.", "_embedded.companies"),
        Column(
            "catalog_elements",
            CATALOG_ELEMENTS,
            "Linked list elements, such as products.",
            "_embedded.catalog_elements",
        ),
        Column(
            "loss_reason",
            LOSS_REASON,
            "The reason why the lead was lost, if any.",
            "_embedded.loss_reason",
        ),
        Column("source", SOURCE, "The source that the lead came from.", "_embedded.source"),
    )

    @override
    def get_params(self, account: Account, ask: Ask) -> dict[str, Any]:
        added = {"with": ",".join(self._with(account)) or None}
        if query := account.settings.get("query"):
            added["query"] = query
        return super().get_params(account, ask) | added | _filter_params(account.filters)

    def _with(self, account: Account) -> list[str]:
        wanted = account.settings.get("with", list(WITH))
        names = wanted.split(",") if isinstance(wanted, str) else wanted
        return [name for name in names if name not in self.deselected]

    @override
    def get_user_bounds(self, account: Account) -> tuple[int | None, int | None]:
        span = account.filters.get("updated_at", {})
        low, high = (seconds(span.get(side)) for side in ("from", "to"))
        return (
            None if low is None else low * instants.SECOND,
            None if high is None else (high + 1) * instants.SECOND - 1,
        )

    @override
    def matches(self, account: Account, record: Record) -> bool:
        return _matches(account.filters, record)


def seconds(value: Any) -> int | None:
    """A bound of a filter, given in Unix seconds or as a date-time, in Unix seconds."""
    instant = instants.of_text(value)
    return value if instant is None else instant // instants.SECOND


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _filter_params(filters: Mapping[str, Any]) -> dict[str, Any]:
    """The user's filters as parameters, less what the sweep or `_matches` sees to.

    Kommo's filter takes one stage at a time: several are told apart here.
    """
    params: dict[str, Any] = {}
    for name, value in filters.items():
        if name in LISTS:
            params[f"filter[{name}][]"] = _listed(value)
        elif name == "statuses":
            stages = _listed(value)
            if len(stages) == 1:
                for key, number in stages[0].items():
                    params[f"filter[statuses][0][{key}]"] = number
        elif isinstance(value, dict):
            for side, bound in value.items():
                params[f"filter[{name}][{side}]"] = seconds(bound) if name in SPANS else bound
        else:
            params[f"filter[{name}]"] = value
    return params


def _matches(filters: Mapping[str, Any], record: Record) -> bool:
    """Whether a lead is one that was asked for: some accounts ignore filters without a word."""
    for name, wanted in filters.items():
        value = record.get(name)
        if name == "statuses":
            stage = {"pipeline_id": record.get("pipeline_id"), "status_id": record.get("status_id")}
            if stage not in _listed(wanted):
                return False
        elif isinstance(wanted, dict):
            low, high = (seconds(wanted.get(side)) for side in ("from", "to"))
            if value is None or (name in SPANS and value == 0):
                return False
            if not isinstance(value, (int, Decimal)):
                continue  # not what is promised, and so Kommo's to compare
            if (low is not None and value < low) or (high is not None and value > high):
                return False
        elif name != "name" and value not in _listed(wanted):  # what matches a name is Kommo's
            return False
    return True
