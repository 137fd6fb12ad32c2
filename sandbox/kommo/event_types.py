"""The types of Kommo's events, the list of events, and the events of a change."""
# ruff: noqa: SIM905 - word lists are easier to read as text

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.kommo.query import (
    Filters,
    InvalidParameterError,
    either,
    few,
    integer,
    several,
    since,
    stages_of,
)
from sandbox.kommo.resource import Resource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.core.store import Lead
    from sandbox.kommo.options import KommoOptions

Change = tuple[str, list[Any], list[Any]]
"""The type of an event, and the values before and after it."""
TYPES = (
    "lead_added lead_deleted lead_restored lead_status_changed lead_linked lead_unlinked "
    "contact_added contact_deleted contact_restored contact_linked contact_unlinked "
    "company_added company_deleted company_restored company_linked company_unlinked "
    "customer_added customer_deleted customer_status_changed customer_linked customer_unlinked "
    "task_added task_deleted task_completed task_type_changed task_text_changed "
    "task_deadline_changed task_result_added incoming_call outgoing_call incoming_mail "
    "outgoing_mail incoming_chat_message outgoing_chat_message entity_direct_message "
    "incoming_sms outgoing_sms entity_tag_added entity_tag_deleted entity_linked "
    "entity_unlinked entity_merged entity_responsible_changed sale_field_changed "
    "name_field_changed ltv_field_changed custom_field_value_changed robot_replied "
    "intent_identified ai_result nps_rate_added link_followed key_action_completed "
    "common_note_added common_note_deleted attachment_note_added targeting_in_note_added "
    "targeting_out_note_added geo_note_added service_note_added site_visit_note_added "
    "talk_created talk_closed conversation_answered talk_missed_event "
    "meta_chat_subscription_added meta_chat_subscription_removed page_mention video_opened "
    "video_closed picture_opened picture_closed zoom_conference dropbox_attachment"
).split()
_KINDS = (
    "text numeric checkbox select multiselect date url multitext textarea radiobutton "
    "streetaddress smart_address_old smart_address birthday legal_entity items category "
    "org_legal_name date_time price tracking_data monetary chained_list file payer supplier "
    "linked_entity"
).split()
_NUMBERS = {name: number for number, name in enumerate(_KINDS, 1)}
"""The types of custom fields as numbers, as events have them."""


def _values(read: Filters, name: str, value: object, options: KommoOptions) -> None:
    """Parse `filter[value_after]`: a stage or a responsible user."""
    if not isinstance(value, dict):
        return
    stages = stages_of(
        value.get("leads_statuses"), f"filter.{name}", first=options.statuses_filter == "first"
    )
    if stages:
        read.tests.append(
            lambda event: any(
                (stage["pipeline_id"], stage["id"]) in stages
                for item in event[name]
                for stage in item.values()
                if "pipeline_id" in stage
            )
        )
    people = several(value.get("responsible_user_id", ""))
    if people:
        read.tests.append(
            lambda event: any(
                str(item["responsible_user"]["id"]) in people
                for item in event[name]
                if "responsible_user" in item
            )
        )


def _about(read: Filters, name: str, value: object, options: KommoOptions) -> None:
    few(read, name, value, options)
    for each in several(value):
        integer(each, f"filter.{name}")


def _entity(read: Filters, _name: str, value: object, options: KommoOptions) -> None:
    """Parse the entity types: one, or several as the vendor's SDK sends them."""
    if options.entity_filter == "ignored":
        return
    is_refused = options.customer_events == "refused" and "customer" in several(value)
    if is_refused and not options.has_customers:
        raise InvalidParameterError("filter.entity", "The value you selected is not valid.")
    if options.entity_filter == "one" and len(several(value)) > 1:
        raise InvalidParameterError("filter.entity", "The value you selected is not valid.")
    either(read, "entity_type", value, options)


EVENT = Resource(
    key="events",
    order="created_at",
    descending=True,
    filters={
        "id": either,
        "created_at": since,
        "created_by": few,
        "entity": _entity,
        "entity_id": _about,
        "type": either,
        "value_after": _values,
        "value_before": _values,
    },
)


def check(filters: object) -> None:
    """Reject `filter[entity_id]` without exactly one entity type.

    Raises:
        InvalidParameterError: There is no entity type, or more than one.
    """
    if isinstance(filters, dict) and "entity_id" in filters:
        kinds = several(filters.get("entity", ""))
        if len(kinds) != 1:
            raise InvalidParameterError("filter.entity", "One type of entity should be given.")


def stage_value(pipeline_id: int, status_id: int) -> dict[str, Any]:
    """Return a stage as events have it."""
    return {"lead_status": {"id": status_id, "pipeline_id": pipeline_id}}


def differences(before: Lead, after: Lead) -> Iterator[Change]:
    """Return the events of a change of a row."""
    if "pipeline_id" in after:
        old, new = ((row["pipeline_id"], row["status_id"]) for row in (before, after))
        if old != new:
            yield "lead_status_changed", [stage_value(*old)], [stage_value(*new)]
    for name, kind, key, inner in (
        ("responsible_user_id", "entity_responsible_changed", "responsible_user", "id"),
        ("price", "sale_field_changed", "sale_field_value", "sale"),
        ("name", "name_field_changed", "name_field_value", "name"),
    ):
        if name in after and before.get(name) != after[name]:
            yield kind, [{key: {inner: before.get(name)}}], [{key: {inner: after[name]}}]
    if after.get("is_completed") and not before["is_completed"]:
        yield "task_completed", [], []
    yield from _fields(before, after)
    tags, known = (
        {tag["id"]: tag for tag in row.get("_embedded", {}).get("tags", ())}
        for row in (after, before)
    )
    for tag_id in tags.keys() - known.keys():
        yield "entity_tag_added", [], [{"tag": {"id": tag_id, "name": tags[tag_id]["name"]}}]
    for tag_id in known.keys() - tags.keys():
        yield "entity_tag_deleted", [{"tag": {"id": tag_id, "name": known[tag_id]["name"]}}], []


def _fields(before: Lead, after: Lead) -> Iterator[Change]:
    old, new = (
        {custom["field_id"]: custom for custom in row.get("custom_fields_values") or ()}
        for row in (before, after)
    )
    for field_id in sorted(old.keys() | new.keys()):
        was, is_ = old.get(field_id), new.get(field_id)
        if (was or {}).get("values") != (is_ or {}).get("values"):
            yield f"custom_field_{field_id}_value_changed", _texts(was), _texts(is_)


def _texts(custom: dict[str, Any] | None) -> list[dict[str, Any]]:
    if custom is None:
        return []
    number = _NUMBERS.get(custom["field_type"], 0)
    return [
        {
            "custom_field_value": {
                "field_id": custom["field_id"],
                "field_type": number,
                "enum_id": value.get("enum_id"),
                "text": str(value.get("value", "")),
            }
        }
        for value in custom["values"] or ()
    ]
