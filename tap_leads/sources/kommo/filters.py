"""The user's filters for Kommo's leads: as request parameters, as bounds, and as a check.

https://developers.kommo.com/reference/leads-list
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_leads.replication.model import Bounds
from tap_leads.settings.model import list_of, object_of
from tap_leads.timestamps import SECOND, from_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_leads.replication.model import Record
    from tap_leads.settings.model import Schema
    from tap_leads.sources.base import Settings

_LISTS = ("id", "name", "created_by", "updated_by", "responsible_user_id", "pipeline_id")
# The stages of won and lost leads have the same ID in every pipeline (apis/kommo.md 11).
FINAL = (142, 143)
DATES = ("created_at", "updated_at", "closed_at", "closest_task_at")


def unix_seconds(value: Any) -> int | None:
    """Return a bound, given in Unix seconds or as a date-time, in Unix seconds."""
    moment = from_text(value)
    return value if moment is None else moment // SECOND


def filter_params(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return filters as request parameters.

    Kommo can filter by one stage of one pipeline only; `matches` applies all others
    (apis/kommo.md 10).
    """
    params: dict[str, Any] = {}
    for name, value in filters.items():
        if name in _LISTS:
            params[f"filter[{name}][]"] = _listed(value)
        elif name == "statuses":
            stages = _listed(value)
            if len(stages) == 1 and "pipeline_id" in stages[0]:
                for key, number in stages[0].items():
                    params[f"filter[statuses][0][{key}]"] = number
        elif isinstance(value, dict):
            for side, bound in value.items():
                bound_value = unix_seconds(bound) if name in DATES else bound
                params[f"filter[{name}][{side}]"] = bound_value
        else:
            params[f"filter[{name}]"] = value
    return params


def user_bounds(settings: Settings) -> Bounds:
    """Return the bounds that a filter by `updated_at` puts on the replication key."""
    span = settings.get("filters", {}).get("updated_at", {})
    low, high = (unix_seconds(span.get(side)) for side in ("from", "to"))
    return Bounds(
        None if low is None else low * SECOND,
        None if high is None else (high + 1) * SECOND - 1,
    )


def matches(record: Record, settings: Settings) -> bool:
    """Return True if a lead matches the filters, which Kommo may ignore (apis/kommo.md 8)."""
    for name, wanted in settings.get("filters", {}).items():
        value = record.get(name)
        if name == "price" and value is None:
            value = record.get("price_with_minor_units")
        if name == "statuses":
            if not any(_is_in_stage(record, stage) for stage in _listed(wanted)):
                return False
        elif isinstance(wanted, dict):
            low, high = (unix_seconds(wanted.get(side)) for side in ("from", "to"))
            if value is None or (name in DATES and value == 0):
                return False
            if not isinstance(value, (int, Decimal)):
                continue  # not the documented type, so only Kommo can compare it
            if (low is not None and value < low) or (high is not None and value > high):
                return False
        elif name != "name" and value not in _listed(wanted):  # only Kommo knows how names match
            return False
    return True


def _is_in_stage(record: Record, stage: Mapping[str, int]) -> bool:
    """Return True if a lead is in a stage; one without a pipeline is that of all pipelines."""
    return all(record.get(name) == wanted for name, wanted in stage.items())


def stages_without_pipeline(filters: Mapping[str, Any]) -> Iterator[int]:
    """Yield the indexes of stages that exist in one pipeline only and lack it."""
    for index, stage in enumerate(filters.get("statuses", ())):
        if "pipeline_id" not in stage and stage["status_id"] not in FINAL:
            yield index


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


_IDS: Schema = {"type": ["array", "integer"], "items": {"type": "integer"}, "minItems": 1}
_NAMES: Schema = {"type": ["array", "string"], "items": {"type": "string"}, "minItems": 1}
_MOMENT: Schema = {"type": ["integer", "string"], "description": "Unix seconds or a date-time."}
_SPAN = object_of({"from": _MOMENT, "to": _MOMENT}, minProperties=1)
_BUDGET: Schema = {"type": "integer", "description": "A budget."}
_PRICE: Schema = {
    **object_of({"from": _BUDGET, "to": _BUDGET}, minProperties=1),
    "type": ["integer", "object"],
}
_STAGE = object_of(
    {"pipeline_id": {"type": "integer"}, "status_id": {"type": "integer"}},
    required=["status_id"],
)
FILTERS = object_of(
    {
        "id": {**_IDS, "description": "IDs of leads, as a list."},
        "name": {**_NAMES, "description": "Names of leads, as a list."},
        "price": {**_PRICE, "description": "Budget as a number, or a range with `from` and `to`."},
        "statuses": list_of(
            _STAGE,
            description="Stages, as a list of objects with `pipeline_id` and `status_id`; without "
            "`pipeline_id`, 142 (won) and 143 (lost) are those of all pipelines.",
            minItems=1,
        ),
        "pipeline_id": {**_IDS, "description": "IDs of pipelines, as a list."},
        **{
            name: {**_IDS, "description": "IDs of users, as a list."}
            for name in ("created_by", "updated_by", "responsible_user_id")
        },
        **{
            name: {
                **_SPAN,
                "description": "Range with `from` and `to`, as Unix seconds or date-times.",
            }
            for name in DATES
        },
    },
    description="Filters, by the API's own names. They are combined with the bookmark.",
    examples=[{"pipeline_id": [12215168], "created_at": {"from": "2026-01-01"}}],
)
