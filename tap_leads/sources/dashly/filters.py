"""Conditions of Dashly's filters: bounds, splits, and the user's filters.

https://developers.dashly.io/webapi/endpoints/apps/users/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_leads.settings.model import list_of, object_of
from tap_leads.timestamps import MINUTE

if TYPE_CHECKING:
    from tap_leads.replication.model import Query, Split
    from tap_leads.sources.base import Settings
    from tap_leads.timestamps import Micros

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


def is_filterable(settings: Settings) -> bool:
    """Return True if bounds can be added to the user's filters: not to `or` (apis/dashly.md 7)."""
    filters = settings.get("filters", {})
    return filters.get("type") != "or" or len(filters["filters"]) == 1


def bounds_now(query: Query, now: Micros) -> list[dict[str, Any]]:
    """Return the bounds of a query as conditions on the age at `now`, in whole minutes.

    They are one or two minutes wider on each side, because the documentation does not state
    whether a bound is inclusive, and the server computes ages only when the request arrives
    (apis/dashly.md 3).
    """
    known = "unknown" if query.cursor == "null" else "known"
    conditions = [_condition(known, "$last_seen")]
    if query.after is not None:
        age = -((query.after - now) // MINUTE) + 2
        conditions.append(_condition("daysless", "$last_seen", value=max(age, 1), unit="minutes"))
    if query.until is not None and (age := (now - query.until) // MINUTE - 1) > 0:
        conditions.append(_condition("daysmore", "$last_seen", value=age, unit="minutes"))
    return conditions + [part["filter"] for part in query.filters]


def _known_or_not(name: str) -> Split:
    """Return a split into leads with a property, sorted by it, and leads without it."""
    return {"filter": _condition("known", name), "sort": name}, {
        "filter": _condition("unknown", name)
    }


def _counts(name: str) -> Split:
    """Return a split by ranges of an integer; the first part has no value."""
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


# They divide more than 10,000 leads of the same minute (apis/dashly.md 4).
SPLITS = (
    _known_or_not("$email"),
    _known_or_not("$phone"),
    _known_or_not("$name"),
    _counts("$sessions"),
    _known_or_not("$last_contacted"),
)

FILTERS = object_of(
    {
        "type": {
            "type": "string",
            "enum": ["and", "or"],
            "description": "`and`: all conditions must match; `or`: at least one.",
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
    description="The API's `filters`, as documented by the API. With `or` the tap cannot sync "
    "incrementally: it pages through the newest 10,000 leads and fails if there are more.",
    examples=[
        {"type": "and", "filters": [{"type": "known", "property_name": "$email", "value": {}}]}
    ],
)
