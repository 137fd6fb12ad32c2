"""Generates and changes Dashly's leads: https://developers.dashly.io/props.

A lead is an ID and a flat object of properties. Dates are naive UTC `datetime` or `date` objects,
because the API's dates have no time zone.
"""
# ruff: noqa: PLR2004, DTZ007, RUF001 - shares of generated data; property dates have no zone

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random

    from sandbox.core.people import Arrival, Person
    from sandbox.core.store import Lead

EVENTS = (18, 7322, 5857, 20401, 20777)
_PRODUCTS = ("Lamp", "Desk", "Chair", "Bookshelf", "Плед", "Rug 2×3 m")
_STATUSES = ("new", "paid", "shipped", "cancelled")


def moment(at: float) -> datetime:
    """Return epoch seconds as a property value: naive UTC, in whole seconds."""
    return datetime.fromtimestamp(int(at), UTC).replace(tzinfo=None)


def new_lead(rng: random.Random, arrival: Arrival, lead_id: int) -> Lead:
    """Return a new lead."""
    number, who, created, seen = arrival
    props: dict[str, Any] = {}
    chance = rng.random()
    if chance < 0.9:
        props["$name"] = who.name
    if chance > 0.12:
        props["$email"] = who.email
    if rng.random() < 0.55:
        props["$phone"] = who.phone
    if rng.random() < 0.5:
        props["$user_id"] = str(54784 + number)
    props["$last_seen"] = moment(seen)
    props["$sessions"] = min(400, 1 + int(rng.expovariate(0.35)))
    _events(rng, props, created, seen)
    if rng.random() < 0.8:
        props |= {"$country": who.country, "$region": who.region, "$city": who.city}
    if rng.random() < 0.4:
        props["$initial_referrer"] = f"https://{who.utm_source or 'search'}.example.com/"
    if rng.random() < 0.4:
        props["$last_contacted"] = moment(rng.uniform(created, seen))
        if rng.random() < 0.5:
            props["$last_reply"] = moment(rng.uniform(created, seen))
    _shop(rng, props)
    _custom(rng, who, number, props, created)
    return {"id": lead_id, "props": props}


def never_seen(lead: Lead) -> Lead:
    """Return the lead as if it was imported and never visited the site."""
    site = ("$last_", "$sessions", "$event_", "$initial_", "$viewed_")
    props = {name: value for name, value in lead["props"].items() if not name.startswith(site)}
    return {**lead, "props": props}


def something_happens(rng: random.Random, lead: Lead, at: float) -> dict[str, Any]:
    """Return the properties that a visit changes: the sessions and an event."""
    event = rng.choice(EVENTS)
    props, now = lead["props"], moment(at)
    return {
        "$sessions": props.get("$sessions", 0) + 1,
        f"$event_{event}_first": props.get(f"$event_{event}_first", now),
        f"$event_{event}_last": now,
        f"$event_{event}_count": props.get(f"$event_{event}_count", 0) + 1,
    }


def stored(name: str, value: object) -> object:
    """Return a property value; text in the format of a date becomes a date."""
    if isinstance(value, str) and (name.startswith("$last_") or name.endswith(("_first", "_last"))):
        return datetime.strptime(value, "%Y-%m-%dT%H:%M:%S")
    return value


def on_the_wire(props: dict[str, Any], utc_offset: float, *, convert: bool) -> dict[str, Any]:
    """Return properties as a response has them.

    Args:
        props: The properties.
        utc_offset: The UTC offset of dates, in hours.
        convert: Keep the types. Otherwise every value is text.
    """
    if not utc_offset and convert:
        return props
    shift = timedelta(hours=utc_offset)
    bag: dict[str, Any] = {}
    for name, value in props.items():
        sent = value + shift if isinstance(value, datetime) and utc_offset else value
        bag[name] = sent if convert else _text(sent)
    return bag


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(f'"{item}"' for item in value) + "]"
    return value.isoformat() if isinstance(value, date) else str(value)


def _events(rng: random.Random, props: dict[str, Any], created: float, seen: float) -> None:
    for event in rng.sample(EVENTS, rng.choice((0, 1, 1, 2, 3))):
        first = rng.uniform(created, seen)
        props[f"$event_{event}_first"] = moment(first)
        props[f"$event_{event}_last"] = moment(rng.uniform(first, seen))
        props[f"$event_{event}_count"] = rng.randrange(1, 30)


def _shop(rng: random.Random, props: dict[str, Any]) -> None:
    if rng.random() < 0.25:
        props["$cart_amount"] = rng.randrange(10, 2_000)
        props["$cart_items"] = rng.sample(_PRODUCTS, 2)
    if rng.random() < 0.3:
        props["$viewed_products"] = rng.sample(_PRODUCTS, rng.randrange(1, 5))
    if rng.random() < 0.15:
        props["$orders_count"] = rng.randrange(1, 9)
        props["$revenue"] = rng.randrange(50, 9_000)
        props["$last_order_status"] = rng.choice(_STATUSES)


def _custom(
    rng: random.Random, who: Person, number: int, props: dict[str, Any], created: float
) -> None:
    if rng.random() < 0.4:
        props["company"] = who.company
    if rng.random() < 0.3:
        # A page that sends text gets it turned into a number on some leads and not on others.
        plain = rng.randrange(10_000, 99_999)
        props["order number"] = plain if rng.random() < 0.5 else f"00{plain}"
    if rng.random() < 0.3:
        props["Тариф"] = rng.choice(("Базовый", "Про", "Enterprise"))
    if rng.random() < 0.2:
        props["newsletter"] = rng.random() < 0.5
    if rng.random() < 0.15:
        props["birthday"] = date(1960 + number % 45, 1 + number % 12, 1 + number % 28)
    if rng.random() < 0.15:
        props["trial ends"] = moment(created + 14 * 86_400)
    if number % 131 == 7:
        props["crm_id"] = 9_007_199_254_740_992 + number
    if number % 83 == 5:
        props["comment"] = "Позвоните 🙏 <b>после 18:00</b>"
