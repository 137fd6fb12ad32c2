"""Kommo, which is amoCRM by another name: leads of its API v4.

https://developers.kommo.com/reference/leads-list
"""

from __future__ import annotations

import re
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
from tap_leads.errors import codes
from tap_leads.leads import LeadsStream
from tap_leads.pagination import OVERLAP, HALPaginator, Page, PageNumberPaginator
from tap_leads.settings import Defaults, list_of, object_of, one_of, secret, source, text
from tap_leads.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_leads.accounts import Account
    from tap_leads.client import Ask
    from tap_leads.pagination import Record
    from tap_leads.query import Query
    from tap_leads.settings import Config, Schema

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

_LISTS = ("id", "name", "created_by", "updated_by", "responsible_user_id", "pipeline_id")
_SPANS = ("created_at", "updated_at", "closed_at", "closest_task_at")

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


class KommoLeads(LeadsStream):
    """Leads by `updated_at`, which has whole seconds: a mass edit gives thousands the same."""

    name = "kommo_leads"
    path = "/leads"
    replication_key = "updated_at"
    source = "kommo"
    credential = "access_token"
    address = "`kommo.subdomain`, `kommo.domain` and `kommo.api_url`"
    page_size = 250
    tick = instants.SECOND
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
    def get_base(self, account: Account) -> str:
        return _base(account.settings)

    @override
    def get_credentials(self, account: Account) -> dict[str, str]:
        return {"Authorization": f"Bearer {account.settings['access_token']}"}

    @override
    def get_params(self, account: Account, ask: Ask) -> dict[str, Any]:
        page, limit = ask.page or (1, ask.limit)
        query = ask.query
        order = "id" if query.whole or query.unbounded else "updated_at"
        params: dict[str, Any] = {
            "with": ",".join(self._with(account)) or None,
            "query": account.settings.get("query"),
            "page": page,
            "limit": limit,
            f"order[{order}]": "desc" if query.newest else "asc",
            **_filter_params(account.filters),
        }
        if query.low is not None:
            params["filter[updated_at][from]"] = query.low // instants.SECOND
        if query.high is not None:
            params["filter[updated_at][to]"] = query.high // instants.SECOND
        return params

    def _with(self, account: Account) -> list[str]:
        wanted = account.settings.get("with", list(WITH))
        names = wanted.split(",") if isinstance(wanted, str) else wanted
        return [name for name in names if name not in self.deselected]

    @override
    def read_page(self, body: Any, ask: Ask) -> Page:
        following = body["_links"].get("next")
        url = following["href"] if following else None
        return Page(body["_embedded"]["leads"], more=url is not None, next_url=url)

    @override
    def read_codes(self, body: Any) -> str:
        errors = [e for each in body.get("validation-errors", []) for e in each["errors"]]
        return codes(*(value for e in errors for value in (e["code"], e["path"])))

    @override
    def read_key(self, account: Account, record: Record) -> int | None:
        return instants.of_seconds(record.get("updated_at"))

    @override
    def get_positions(self, query: Query) -> PageNumberPaginator:
        return PageNumberPaginator(self.page_size, overlap=OVERLAP)

    @override
    def get_plain(self, account: Account) -> HALPaginator:
        return HALPaginator(_base(account.settings) + self.path)

    @override
    def get_user_bounds(self, account: Account) -> tuple[int | None, int | None]:
        span = account.filters.get("updated_at", {})
        low, high = (_seconds(span.get(side)) for side in ("from", "to"))
        return (
            None if low is None else low * instants.SECOND,
            None if high is None else (high + 1) * instants.SECOND - 1,
        )

    @override
    def matches(self, account: Account, record: Record) -> bool:
        return _matches(account.filters, record)

    @override
    def unfold(self, account: Account, record: Record) -> dict[str, Any]:
        fields = {**record}
        fields.pop("_links", None)
        for name, value in (fields.pop("_embedded", None) or {}).items():
            fields[f"_embedded.{name}"] = value
        return fields


def _base(settings: Mapping[str, Any]) -> str:
    """The address of the API; the path of the API is added where `api_url` does not have it."""
    default = f"https://{settings.get('subdomain')}.{settings['domain']}"
    url = str(settings.get("api_url", default)).rstrip("/")
    return url if url.endswith("/api/v4") else f"{url}/api/v4"


def _seconds(value: Any) -> int | None:
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
        if name in _LISTS:
            params[f"filter[{name}][]"] = _listed(value)
        elif name == "statuses":
            stages = _listed(value)
            if len(stages) == 1:
                for key, number in stages[0].items():
                    params[f"filter[statuses][0][{key}]"] = number
        elif isinstance(value, dict):
            for side, bound in value.items():
                params[f"filter[{name}][{side}]"] = _seconds(bound) if name in _SPANS else bound
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
            low, high = (_seconds(wanted.get(side)) for side in ("from", "to"))
            if value is None or (name in _SPANS and value == 0):
                return False
            if not isinstance(value, (int, Decimal)):
                continue  # not what is promised, and so Kommo's to compare
            if (low is not None and value < low) or (high is not None and value > high):
                return False
        elif name != "name" and value not in _listed(wanted):  # what matches a name is Kommo's
            return False
    return True


def _label(settings: Config) -> str:
    return str(settings.get("subdomain", "default"))


def _problems(settings: Config) -> Iterator[tuple[str, str]]:
    if "access_token" not in settings:
        yield "access_token", "must be set"
    subdomain = settings.get("subdomain")
    if subdomain is None:
        if "api_url" not in settings:
            yield "subdomain", "must be set"
    elif not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", subdomain):
        yield "subdomain", "must be the one word before the domain, such as mycompany"
    wanted = settings.get("with", [])
    names = wanted.split(",") if isinstance(wanted, str) else wanted
    if not set(names) <= set(WITH):
        yield "with", f"may only have {', '.join(WITH)}"
    filters = settings.get("filters", {})
    for name in _SPANS:
        if not all(isinstance(_seconds(bound), int) for bound in filters.get(name, {}).values()):
            yield f"filters.{name}", "must be Unix seconds or a date-time"


_STRINGS: Schema = {"type": ["array", "string"], "items": {"type": "string"}}
_IDS: Schema = {"type": ["array", "integer"], "items": {"type": "integer"}, "minItems": 1}
_MOMENT: Schema = {"type": ["integer", "string"], "description": "Unix seconds or a date-time."}
_SPAN = object_of({"from": _MOMENT, "to": _MOMENT}, minProperties=1)
_BUDGET: Schema = {"type": "integer", "description": "A budget."}
_PRICE: Schema = {
    **object_of({"from": _BUDGET, "to": _BUDGET}, minProperties=1),
    "type": ["integer", "object"],
}
_STAGE = object_of(
    {"pipeline_id": {"type": "integer"}, "status_id": {"type": "integer"}},
    required=["pipeline_id", "status_id"],
)
_FILTERS = object_of(
    {
        "id": {**_IDS, "description": "Ids of leads, as a list."},
        "name": {**_STRINGS, "minItems": 1, "description": "Names of leads, as a list."},
        "price": {**_PRICE, "description": "A budget, or `from` and `to`."},
        "statuses": list_of(
            _STAGE,
            description="Stages, as a list of objects with `pipeline_id` and `status_id`.",
            minItems=1,
        ),
        "pipeline_id": {**_IDS, "description": "Ids of pipelines, as a list."},
        **{
            name: {**_IDS, "description": "Ids of users, as a list."}
            for name in ("created_by", "updated_by", "responsible_user_id")
        },
        **{
            name: {**_SPAN, "description": "`from` and `to`, in Unix seconds or as date-times."}
            for name in _SPANS
        },
    },
    description="Kommo's `filter[...]` by its names; they are combined with the bookmark's bounds.",
    examples=[{"pipeline_id": [12215168], "created_at": {"from": "2026-01-01"}}],
)

Kommo = Source(
    name="kommo",
    settings=source(
        "Kommo",
        "Leads of Kommo (amoCRM).",
        {
            "subdomain": text(
                "Subdomain",
                "The account's own word in its address: mycompany of mycompany.kommo.com. Needed;"
                " it is also the account's name where `name` is not set.",
                examples=["mycompany"],
            ),
            "domain": one_of(
                "Domain",
                "The domain of the account's address.",
                "kommo.com",
                "amocrm.ru",
                "amocrm.com",
            ),
            "access_token": secret(
                "Access token",
                "A long-lived token of a private integration (Settings, Integrations). Needed.",
            ),
            "with": {
                **_STRINGS,
                "title": "With",
                "description": "What Kommo adds to each lead, as a list. Default: everything "
                f"({', '.join(WITH)}), less the columns that are deselected.",
            },
            "query": text("Query", "Only leads in whose filled fields Kommo finds this text."),
        },
        filters=_FILTERS,
        defaults=Defaults(
            "the account's address",
            "Default: the subdomain.",
            requests_per_second=6,
            lookback_seconds=600,
        ),
    ),
    streams=(KommoLeads,),
    label=_label,
    problems=_problems,
)
