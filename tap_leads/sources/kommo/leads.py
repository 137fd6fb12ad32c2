"""Kommo's leads.

https://developers.kommo.com/reference/leads-list
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_leads.records.columns import Column, Nested
from tap_leads.records.convert import BOOLEAN, INTEGER, NUMBER, POSITIVE, TEXT, UNIX_TIME
from tap_leads.replication.keyset import Keyset
from tap_leads.replication.pagination import PageNumberPaginator
from tap_leads.sources.base import StreamSpec
from tap_leads.sources.kommo.api import SORTED, UPDATED_AT, names_in
from tap_leads.sources.kommo.columns import (
    CATALOG_ELEMENTS,
    GROUP,
    LINKS,
    TAG_LIST,
    custom_fields_of,
)
from tap_leads.sources.kommo.custom_values import DYNAMIC_COLUMNS
from tap_leads.sources.kommo.filters import filter_params, matches, user_bounds

if TYPE_CHECKING:
    from collections.abc import Collection

    from tap_leads.sources.base import Settings

# The fields that `with` can add to a lead, each in the column of the same name. `only_deleted` is
# not among them: it lists the recycle bin, with nearly every field null (apis/kommo.md 12).
WITH = (
    "contacts",
    "loss_reason",
    "is_price_modified_by_robot",
    "catalog_elements",
    "source_id",
    "source",
)

_CONTACTS = Nested({"id": INTEGER, "is_main": BOOLEAN})
_LOSS_REASON = Nested(
    {
        "id": INTEGER,
        "name": TEXT,
        "sort": INTEGER,
        "created_at": UNIX_TIME,
        "updated_at": UNIX_TIME,
    }
)
_SOURCE = Nested({"id": INTEGER, "name": TEXT}, many=False)


def _params(settings: Settings, deselected: Collection[str]) -> dict[str, Any]:
    names = names_in(settings.get("with", WITH))
    return {
        "with": ",".join(name for name in names if name not in deselected) or None,
        "query": settings.get("query") or None,
        **filter_params(settings.get("filters", {})),
    }


LEADS = StreamSpec(
    name="kommo_leads",
    path="/leads",
    replication_key=UPDATED_AT,
    paginator=PageNumberPaginator,
    strategy=Keyset(),
    traits=SORTED,  # a mass edit gives thousands of leads one second (apis/kommo.md 2)
    stable_sort="id",
    params=_params,
    wanted=matches,
    bounds=user_bounds,
    dynamic_columns=DYNAMIC_COLUMNS,
    columns=(
        Column("id", INTEGER, "ID of the lead."),
        Column("name", TEXT, "Name of the lead."),
        Column("price", INTEGER, "Budget of the lead in whole units of the account's currency."),
        Column("price_with_minor_units", NUMBER, "Budget of the lead with cents, exact."),
        Column("responsible_user_id", INTEGER, "ID of the user responsible for the lead."),
        GROUP,
        Column(
            "status_id",
            INTEGER,
            "ID of the lead's stage; 142 is won and 143 lost in each pipeline.",
        ),
        Column("pipeline_id", INTEGER, "ID of the pipeline that the lead is in."),
        Column("loss_reason_id", POSITIVE, "ID of the reason why the lead was lost."),
        Column("source_id", POSITIVE, "ID of the source that the lead came from."),
        Column("created_by", INTEGER, "ID of the user who created the lead; 0 is a robot."),
        Column("updated_by", INTEGER, "ID of the user who last modified the lead; 0 is a robot."),
        Column("created_at", UNIX_TIME, "When the lead was created."),
        Column("updated_at", UNIX_TIME, "When the lead was last modified."),
        Column("closed_at", UNIX_TIME, "When the lead was won or lost."),
        Column("closest_task_at", UNIX_TIME, "When the next task of the lead is due."),
        Column("is_deleted", BOOLEAN, "True if the lead is in the recycle bin."),
        Column("score", POSITIVE, "Score of the lead."),
        Column("account_id", INTEGER, "ID of the account in Kommo."),
        Column("labor_cost", INTEGER, "Seconds of work spent on the lead."),
        Column("is_price_computed", BOOLEAN, "True if Kommo computes the budget."),
        Column("is_price_modified_by_robot", BOOLEAN, "True if a robot last changed the budget."),
        custom_fields_of("lead"),
        Column("tags", TAG_LIST, "Tags of the lead.", "_embedded.tags"),
        Column(
            "contacts",
            _CONTACTS,
            "IDs of the contacts; one is the main contact.",
            "_embedded.contacts",
        ),
        Column("companies", LINKS, "ID of the company, if any.", "_embedded.companies"),
        Column(
            "catalog_elements",
            CATALOG_ELEMENTS,
            "List elements linked to the lead, such as products.",
            "_embedded.catalog_elements",
        ),
        Column(
            "loss_reason",
            _LOSS_REASON,
            "The reason why the lead was lost, if any.",
            "_embedded.loss_reason",
        ),
        Column("source", _SOURCE, "The source that the lead came from.", "_embedded.source"),
    ),
)
