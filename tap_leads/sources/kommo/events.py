"""Kommo's events: what happened to leads, and when; those of other entities have another file.

https://developers.kommo.com/reference/events-list

Events cannot be sorted, so they are read in time slices (apis/kommo.md 33).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tap_leads.records.columns import Column
from tap_leads.records.convert import INTEGER, TEXT, UNIX_TIME
from tap_leads.replication.pagination import PageNumberPaginator
from tap_leads.replication.time_slices import TimeSlices
from tap_leads.sources.base import Cursor, StreamSpec
from tap_leads.sources.kommo.api import CREATED_AT, OPEN_LIST, UNSORTED, names_in, objects
from tap_leads.sources.kommo.columns import ACCOUNT_ID
from tap_leads.timestamps import from_unix_seconds

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tap_leads.replication.model import Record
    from tap_leads.sources.base import Settings

_STAGE_CHANGES = ("lead_status_changed",)


def event_params(types: Sequence[str], entity: str = "lead") -> dict[str, str]:
    """Return the filter for events of an entity of these types; all types if there are none."""
    return {"filter[entity]": entity} | ({"filter[type]": ",".join(types)} if types else {})


def is_of(types: Sequence[str], event: Record, entity: str = "lead") -> bool:
    """Return True if an event of an entity has one of these types.

    The API may ignore the filter by type (apis/kommo.md 37).
    """
    kind = str(event["type"])
    any_field = re.sub(r"^custom_field_\d+_", "custom_field_", kind)
    return event["entity_type"] == entity and (not types or kind in types or any_field in types)


def event_types(settings: Settings) -> Sequence[str]:
    """Return the types of events in the settings; none means all."""
    return names_in(settings.get("event_types", ()))


def _lead_event_params(settings: Settings, _deselected: Collection[str]) -> dict[str, str]:
    return event_params(event_types(settings))


def _is_wanted(event: Record, settings: Settings) -> bool:
    return is_of(event_types(settings), event)


_INTEGRATION = Column(
    "oauth_client_uuid", TEXT, "ID of the integration that caused the event, if one did."
)


def event_columns(noun: str, entities: str, example: str) -> tuple[Column, ...]:
    """Return the columns of events of a kind of record, such as a `lead`."""
    return (
        Column("id", TEXT, "ID of the event."),
        Column("type", TEXT, f"What happened, such as {example}."),
        Column("entity_id", INTEGER, f"ID of the {noun} that the event is about."),
        Column("entity_type", TEXT, f"Type of record that the event is about: {entities}."),
        Column("created_by", INTEGER, "ID of the user who caused the event; 0 is a robot."),
        _INTEGRATION,
        Column("created_at", UNIX_TIME, "When the event happened."),
        Column(
            "value_before",
            OPEN_LIST,
            f"Values of the {noun} before the event; their form depends on its type.",
        ),
        Column(
            "value_after",
            OPEN_LIST,
            f"Values of the {noun} after the event; their form depends on its type.",
        ),
        ACCOUNT_ID,
    )


LEAD_EVENTS = StreamSpec(
    name="kommo_lead_events",
    path="/events",
    replication_key=CREATED_AT,
    paginator=PageNumberPaginator,
    strategy=TimeSlices(),
    traits=UNSORTED,
    params=_lead_event_params,
    wanted=_is_wanted,
    optional=True,
    selected_by_default=False,
    columns=event_columns("lead", "lead", "lead_added"),
)


def _stage_fields(record: Record, _account: object) -> dict[str, Any]:
    """Return the fields of a stage change, with the IDs of its stages; null if they are missing.

    The values of an event may be `[]` or have an unknown format (apis/kommo.md 38).
    """
    fields = {**record}
    for side, name in (("from", "value_before"), ("to", "value_after")):
        stages = objects([each.get("lead_status") for each in objects(fields.get(name))])
        stage = next(iter(stages), {})
        if stage or not fields.get(name):
            fields.pop(name, None)
        fields[f"{side}_pipeline_id"] = stage.get("pipeline_id")
        fields[f"{side}_status_id"] = stage.get("id")
    for name in ("type", "entity_type", "_embedded.entity"):
        fields.pop(name, None)
    return fields


LEAD_STAGE_CHANGES = StreamSpec(
    name="kommo_lead_stage_changes",
    path="/events",
    replication_key=Cursor("changed_at", from_unix_seconds, "created_at"),
    paginator=PageNumberPaginator,
    strategy=TimeSlices(),
    traits=UNSORTED,
    params=event_params(_STAGE_CHANGES),
    wanted=lambda event, _settings: is_of(_STAGE_CHANGES, event),
    fields=_stage_fields,
    optional=True,
    columns=(
        Column("id", TEXT, "ID of the event."),
        Column("lead_id", INTEGER, "ID of the lead.", "entity_id"),
        Column("changed_at", UNIX_TIME, "When the lead was moved to another stage.", "created_at"),
        Column(
            "changed_by", INTEGER, "ID of the user who moved the lead; 0 is a robot.", "created_by"
        ),
        _INTEGRATION,
        Column("from_pipeline_id", INTEGER, "ID of the pipeline before the move."),
        Column("from_status_id", INTEGER, "ID of the stage before the move."),
        Column("to_pipeline_id", INTEGER, "ID of the pipeline after the move."),
        Column("to_status_id", INTEGER, "ID of the stage after the move."),
        ACCOUNT_ID,
    ),
)
