"""Leads of Dashly and Carrot quest.

https://developers.dashly.io/webapi/endpoints/apps/users/
"""

from __future__ import annotations

import re
from datetime import UTC
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tap_leads.records.columns import OWN_FIELDS, Column, Nested
from tap_leads.records.convert import EMAIL, INTEGER, ISO_TIME, PHONE, TEXT
from tap_leads.replication.keyset import Keyset
from tap_leads.replication.model import Bounds, Traits
from tap_leads.replication.pagination import OffsetPaginator
from tap_leads.sources.base import Cursor, StreamSpec, expect
from tap_leads.sources.dashly.filters import SPLITS, is_filterable
from tap_leads.timestamps import MINUTE, from_text, to_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

    from tap_leads.replication.model import Record
    from tap_leads.sources.base import Account, Settings
    from tap_leads.timestamps import Micros

EVENT_FIELD = "$event_<id>_first, _last, _count"
EVENTS = Nested({"event_id": TEXT, "first": TEXT, "last": TEXT, "count": INTEGER})
PROPS = Nested({}, many=False, rest=TEXT, members=OWN_FIELDS)
_EVENT = re.compile(r"\$event_(.+)_(first|last|count)")

COLUMNS = (
    Column("id", TEXT, "ID of the lead, as text because it can exceed the integers of a database."),
    Column("presence", TEXT, "Current presence of the lead: online, idle or offline."),
    Column("name", TEXT, "Name of the lead.", "$name"),
    Column("email", EMAIL, "Email address of the lead.", "$email"),
    Column("phone", PHONE, "Phone number of the lead.", "$phone"),
    Column("last_seen", ISO_TIME, "When the lead was last active.", "$last_seen"),
    Column("last_contacted", ISO_TIME, "When the lead was last contacted.", "$last_contacted"),
    Column("sessions", INTEGER, "Number of sessions of the lead on the site.", "$sessions"),
    Column(
        "events",
        EVENTS,
        "What the lead did: `event_id`, `first`, `last` and `count` of each event.",
        EVENT_FIELD,
    ),
    Column("props", PROPS, "Every property of the lead as the API returned it.", "props"),
)


LEAD_TRAITS = Traits(
    page_size=50,
    granularity=MINUTE,
    early_rows=4 * MINUTE,  # filters count whole minutes back from now (apis/dashly.md 3)
    relative_bounds=True,
    result_window=10_000,  # apis/dashly.md 2
    cursor_nullable=True,  # an imported lead was never seen (apis/dashly.md 5)
    splits=SPLITS,
    cursor_hint="; check that `timezone` is the time zone of the admin panel",
)


def zone_of(settings: Settings) -> tzinfo:
    """Return the time zone of an account's dates, which have no offset (apis/dashly.md 10).

    Raises:
        KeyError, ValueError, OSError: No such time zone exists on this machine.
    """
    return _zone(settings["timezone"])


@cache
def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)


def _last_seen(record: Record, settings: Settings) -> Micros | None:
    return from_text(_props(record).get("$last_seen"), zone_of(settings))


def _props(record: Record) -> dict[str, Any]:
    """Return the properties of a lead; an empty object if the API returned null or no field."""
    return expect(record, "props", dict) if record.get("props") else {}


def _fields(record: Record, account: Account) -> dict[str, Any]:
    """Return the fields of a lead, including those of its `props`, with dates in UTC."""
    props = _props(record)
    zone = zone_of(account.settings)
    times = {name: to_utc(props.get(name), zone) for name in ("$last_seen", "$last_contacted")}
    others = {name: props.get(name) for name in ("$name", "$email", "$phone", "$sessions")}
    return {**record, **times, **others, "props": props, EVENT_FIELD: _events(props, zone)}


def to_utc(value: Any, zone: tzinfo) -> Any:
    """Return a date-time in the account's time zone as UTC, and any other value unchanged."""
    moment = from_text(value, zone)
    return value if moment is None else to_text(moment)


def _events(props: Mapping[str, Any], zone: tzinfo) -> list[dict[str, Any]] | None:
    """Return an object for each event in a lead's properties; None if there are none."""
    events: dict[str, dict[str, Any]] = {}
    for name, value in props.items():
        if match := _EVENT.fullmatch(name):
            blank = {"event_id": match[1], "first": None, "last": None, "count": None}
            event = events.setdefault(match[1], blank)
            event[match[2]] = value if match[2] == "count" else to_utc(value, zone)
    return list(events.values()) or None


def user_bounds(settings: Settings) -> Bounds:
    """Return bounds that exclude no lead."""
    return Bounds(filterable=is_filterable(settings))


LAST_SEEN = Cursor("last_seen", from_text, "$last_seen", read=_last_seen)


def leads(name: str) -> StreamSpec:
    """Return the stream of a brand's leads."""
    return StreamSpec(
        name=name,
        path="/users",
        columns=COLUMNS,
        replication_key=LAST_SEEN,
        paginator=OffsetPaginator,
        strategy=Keyset(),
        traits=LEAD_TRAITS,
        fields=_fields,
        bounds=user_bounds,
    )
