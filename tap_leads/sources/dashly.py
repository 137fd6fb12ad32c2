"""Dashly and Carrot quest: leads of one Web API under two brands.

https://developers.dashly.io/webapi/endpoints/apps/users/
https://developers.carrotquest.io/webapi/endpoints/apps/users
"""

from __future__ import annotations

import json
import re
from datetime import UTC
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo

from typing_extensions import override

from tap_leads import instants
from tap_leads.columns import EMAIL, INTEGER, ISO_TIME, PHONE, TEXT, Column, Nested
from tap_leads.errors import codes
from tap_leads.leads import LeadsStream
from tap_leads.pagination import OVERLAP, OffsetPaginator, Page
from tap_leads.settings import Defaults, list_of, object_of, secret, source, text
from tap_leads.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import tzinfo

    from tap_leads.accounts import Account
    from tap_leads.client import Ask
    from tap_leads.pagination import Record
    from tap_leads.query import Cut, Query
    from tap_leads.settings import Config

_OPERATORS = (
    "known",
    "unknown",
    "gt",
    "lt",
    "gt_or_unknown",
    "lt_or_unknown",
    "range",
    "eq",
    "neq",
    "str_eq",
    "str_neq",
    "str_contains",
    "str_notcontains",
    "bool_true",
    "bool_false",
    "daysmore",
    "daysmore_or_unknown",
    "daysless",
    "daysless_or_unknown",
    "lcontains",
)


def _condition(operator: str, name: str, **value: Any) -> dict[str, Any]:
    return {"type": operator, "property_name": name, "value": value}


def _known_or_not(name: str) -> Cut:
    """The leads that have a property, which puts them into an order of its own; and the others."""
    return {"filter": _condition("known", name), "sort": name}, {
        "filter": _condition("unknown", name)
    }


def _counts(name: str) -> Cut:
    """Every value that a whole number can have, or none at all."""
    return tuple(
        {"filter": part}
        for part in (
            _condition("unknown", name),
            _condition("lt", name, value=2),
            _condition("eq", name, value=2),
            _condition("range", name, value1=3, value2=4),
            _condition("range", name, value1=5, value2=8),
            _condition("range", name, value1=9, value2=20),
            _condition("gt", name, value=20),
        )
    )


EVENT_FIELD = "$event_<id>_first, _last, _count"
EVENTS = Nested({"event_id": TEXT, "first": TEXT, "last": TEXT, "count": INTEGER})
PROPS = Nested({}, many=False, rest=TEXT)


class DashlyLeads(LeadsStream):
    """Leads by `$last_seen`; filters know only ages, so bounds are whole minutes."""

    name = "dashly_leads"
    path = "/users"
    replication_key = "last_seen"
    source = "dashly"
    credential = "auth_token"
    address = "`dashly.app_id` and `dashly.api_url`"
    page_size = 50
    tick = instants.MINUTE
    slack = 4 * instants.MINUTE
    bounds_are_ages = True
    reach = 10_000
    zone_hint = "; is `timezone` the one of the panel?"
    has_keyless = True
    cuts: ClassVar[Sequence[Cut]] = (
        _known_or_not("$email"),
        _known_or_not("$phone"),
        _known_or_not("$name"),
        _counts("$sessions"),
        _known_or_not("$last_contacted"),
    )
    host: ClassVar[str] = "https://api.dashly.app"
    columns: ClassVar[Sequence[Column]] = (
        Column("id", TEXT, "Id of the lead, as text: it can be larger than a database's integers."),
        Column("presence", TEXT, "Whether the lead is online, idle or offline at the moment."),
        Column("name", TEXT, "Name.", "$name"),
        Column("email", EMAIL, "E-mail.", "$email"),
        Column("phone", PHONE, "Phone.", "$phone"),
        Column("last_seen", ISO_TIME, "When the lead was active last.", "$last_seen"),
        Column("last_contacted", ISO_TIME, "When the lead was contacted last.", "$last_contacted"),
        Column("sessions", INTEGER, "Number of sessions.", "$sessions"),
        Column(
            "events",
            EVENTS,
            "What the lead did: `event_id`, `first`, `last`, `count` of each.",
            EVENT_FIELD,
        ),
        Column("props", PROPS, "Every property of the lead as it came, by its own name.", "props"),
    )

    @override
    def get_base(self, account: Account) -> str:
        url = str(account.settings.get("api_url", self.host)).rstrip("/")
        if not re.search(r"/v\d+$", url):
            url += "/v2"  # without a version the vendor chooses, and another has other answers
        return f"{url}/apps/{account.settings['app_id']}"

    @override
    def get_credentials(self, account: Account) -> dict[str, str]:
        return {"Authorization": f"Token {account.settings['auth_token']}"}

    @override
    def get_params(self, account: Account, ask: Ask) -> dict[str, Any]:
        query = ask.query
        offset, limit = ask.page or (0, ask.limit)
        conditions = list(account.filters.get("filters", ()))
        if not query.unbounded:
            conditions += _bounds(query, account.clock.now())
        group = "and" if self.can_sweep(account) else "or"
        filters = json.dumps({"type": group, "filters": conditions}, ensure_ascii=False)
        # Where no lead has been seen, e-mails still tell them apart.
        sorts = ["$email" if query.keyless else "$last_seen"]
        sorts += [part["sort"] for part in query.parts if "sort" in part]
        return {
            "filters": filters if conditions else None,
            "sort_prop": sorts[-1],
            "sort_order": "desc" if query.newest or query.unbounded else "asc",
            "offset": offset,
            "limit": limit,
            "convert_props_types": "true",
            "id_as_string": "true",
        }

    @override
    def read_page(self, body: Any, ask: Ask) -> Page:
        if body["meta"]["status"] != HTTPStatus.OK:
            raise self.failure(body["meta"]["status"], self.read_codes(body))
        records, total = body["data"]["users"], body["data"].get("total")
        offset, limit = ask.page or (0, ask.limit)
        more = len(records) >= limit if total is None else offset + len(records) < total
        return Page(records, more=more, total=total)

    @override
    def read_codes(self, body: Any) -> str:
        return codes(body["meta"].get("error"))

    @override
    def read_key(self, account: Account, record: Record) -> int | None:
        props = record.get("props") or {}
        return instants.of_text(props.get("$last_seen"), _zone(account.settings))

    @override
    def get_positions(self, query: Query) -> OffsetPaginator:
        return OffsetPaginator(self.page_size, overlap=OVERLAP, reach=self.reach)

    @override
    def can_sweep(self, account: Account) -> bool:
        """An `or` cannot be joined with the bounds of a sweep: groups do not nest."""
        return account.filters.get("type") != "or" or len(account.filters["filters"]) == 1

    @override
    def unfold(self, account: Account, record: Record) -> dict[str, Any]:
        props = record.get("props") or {}
        zone = _zone(account.settings)
        times = {name: _utc(props.get(name), zone) for name in ("$last_seen", "$last_contacted")}
        others = {name: props.get(name) for name in ("$name", "$email", "$phone", "$sessions")}
        shown = {"props": self.veil(props), EVENT_FIELD: _events(props, zone)}
        return {**record, **times, **others, **shown}


class CarrotQuestLeads(DashlyLeads):
    """The same API under its other name."""

    name = "carrotquest_leads"
    source = "carrotquest"
    address = "`carrotquest.app_id` and `carrotquest.api_url`"
    host = "https://api.carrotquest.io"


def _bounds(query: Query, now: int) -> list[dict[str, Any]]:
    """The bounds of a query as the ages that they have now, a minute or two wider on each side.

    Filters take ages in whole minutes, whether a bound is inclusive is not documented, and the
    request takes a while until its ages are worked out.
    """
    known = "unknown" if query.keyless else "known"
    conditions = [_condition(known, "$last_seen")]
    if query.low is not None:
        age = -((query.low - now) // instants.MINUTE) + 2
        conditions.append(_condition("daysless", "$last_seen", value=max(age, 1), unit="minutes"))
    if query.high is not None and (age := (now - query.high) // instants.MINUTE - 1) > 0:
        conditions.append(_condition("daysmore", "$last_seen", value=age, unit="minutes"))
    return conditions + [part["filter"] for part in query.parts]


def _utc(value: Any, zone: tzinfo) -> Any:
    """A date-time in the account's time zone as UTC; what is none stays as it is."""
    instant = instants.of_text(value, zone)
    return value if instant is None else instants.text(instant)


_EVENT = re.compile(r"\$event_(.+)_(first|last|count)")


def _events(props: Mapping[str, Any], zone: tzinfo) -> list[dict[str, Any]] | None:
    """The events among a lead's properties, one object for each."""
    events: dict[str, dict[str, Any]] = {}
    for name, value in props.items():
        if match := _EVENT.fullmatch(name):
            blank = {"event_id": match[1], "first": None, "last": None, "count": None}
            event = events.setdefault(match[1], blank)
            event[match[2]] = value if match[2] == "count" else _utc(value, zone)
    return list(events.values()) or None


def _zone(settings: Mapping[str, Any]) -> tzinfo:
    return _zone_of(settings["timezone"])


@cache
def _zone_of(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)


def _label(settings: Config) -> str:
    return "default" if settings["app_id"] == "$self_app" else str(settings["app_id"])


def _problems(settings: Config) -> Iterator[tuple[str, str]]:
    if "auth_token" not in settings:
        yield "auth_token", "must be set"
    if not re.fullmatch(r"\$self_app|[A-Za-z0-9_-]+", settings["app_id"]):
        yield "app_id", "must be the id of an app, or $self_app"
    try:
        _zone(settings)
    except (KeyError, ValueError, OSError):  # no name, or one that this machine does not know
        yield "timezone", "must be the name of a time zone such as Europe/Berlin"


_FILTERS = object_of(
    {
        "type": {
            "type": "string",
            "enum": ["and", "or"],
            "description": "Whether all conditions must hold, or one of them.",
        },
        "filters": list_of(
            object_of(
                {
                    "type": {"type": "string", "enum": list(_OPERATORS)},
                    "property_name": {"type": "string", "minLength": 1},
                    "value": {"type": "object"},
                },
                required=["type", "property_name", "value"],
            ),
            description="Conditions: objects with `type` (the operator), `property_name`, `value`.",
            minItems=1,
        ),
    },
    required=["type", "filters"],
    description="The API's `filters` as it documents them. With `or` the tap cannot sweep: it "
    "pages through the newest 10,000 leads and fails where there are more.",
    examples=[
        {"type": "and", "filters": [{"type": "known", "property_name": "$email", "value": {}}]}
    ],
)


def _source(name: str, title: str, stream: type[DashlyLeads]) -> Source:
    return Source(
        name=name,
        settings=source(
            title,
            f"Leads of {title}.",
            {
                "app_id": text(
                    "App id",
                    "The id of the app, which is also the account's name where `name` is not set; "
                    "$self_app is the app that the token belongs to.",
                    default="$self_app",
                ),
                "auth_token": secret(
                    "API token",
                    "A token of the admin panel (Settings, Developers, API keys). Needed.",
                ),
                "timezone": text(
                    "Time zone",
                    "The time zone of the dates in the leads' properties, which name none.",
                    default="UTC",
                    examples=["Europe/Berlin"],
                ),
            },
            filters=_FILTERS,
            defaults=Defaults(
                stream.host,
                "Default: app_id, or `default` where that is $self_app.",
                requests_per_second=2,
                lookback_seconds=1800,
            ),
        ),
        streams=(stream,),
        label=_label,
        problems=_problems,
    )


Dashly = _source("dashly", "Dashly", DashlyLeads)
CarrotQuest = _source("carrotquest", "Carrot quest", CarrotQuestLeads)
