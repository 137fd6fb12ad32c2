"""Conversations of Dashly and Carrot quest, and the channels that they came through.

https://developers.dashly.io/webapi/endpoints/apps/conversations/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_leads.records.columns import Column, Nested, Texts
from tap_leads.records.convert import BOOLEAN, EMAIL, INTEGER, JSON, PHONE, TEXT, UNIX_TIME
from tap_leads.replication.model import Traits
from tap_leads.replication.newest_first import NewestFirst
from tap_leads.replication.pagination import CursorPaginator
from tap_leads.sources.base import Cursor, StreamSpec, spread
from tap_leads.sources.dashly.positions import decode_page
from tap_leads.timestamps import SECOND, from_unix_seconds

if TYPE_CHECKING:
    from tap_leads.records.privacy import Redactor
    from tap_leads.replication.model import Record
    from tap_leads.sources.base import Account

CONVERSATION_TRAITS = Traits(page_size=50, granularity=SECOND)


def _part_members(value: Any, redactor: Redactor) -> Any:
    """Return a part of a conversation with its text removed or hashed like a column `body`."""
    if not isinstance(value, dict):
        return value
    if redactor.is_hidden("body") or redactor.is_hashed("body"):
        # Other fields repeat the text.
        value = {k: v for k, v in value.items() if not k.startswith("body_")}
        if value.get("body") is not None:
            value["body"] = redactor.redact("body", value["body"])
    return value


def _user_members(value: Any, redactor: Redactor) -> Any:
    """Return a lead with your own ID of it removed or hashed like the column `user_id`."""
    if not isinstance(value, dict):
        return value
    lead = {**value}
    for name in ("user_id", "$user_id"):
        if redactor.is_hidden("user_id"):
            lead.pop(name, None)
        elif lead.get(name) is not None:
            lead[name] = redactor.redact("user_id", lead[name])
    if "props" in lead:
        lead["props"] = _user_members(lead["props"], redactor)
    return lead


_PART = Nested({}, many=False, rest=TEXT, members=_part_members)
_USER = Nested({}, many=False, rest=TEXT, members=_user_members)


def one_of(name: str, value: Any) -> dict[str, Any]:
    """Return the fields of an object as `name.field`; an ID in place of one as `name.id`."""
    fields = spread(name, value)
    return {f"{name}.id": fields[name]} if name in fields else fields


def _fields(record: Record, _account: Account) -> dict[str, Any]:
    fields = {**record}
    for name in ("assignee", "last_admin", "channel"):
        fields |= one_of(name, fields.pop(name, None))
    user = record.get("user")
    props = user.get("props") if isinstance(user, dict) else None
    of_user = {"id": user.get("id") if isinstance(user, dict) else user}
    of_user |= {f"props.{name}": props.get(name) for name in _NAMES} if props else {}
    return fields | {f"user.{name}": value for name, value in of_user.items()}


_NAMES = ("$name", "$email", "$phone")


def conversations(name: str) -> StreamSpec:
    """Return the stream of a brand's conversations."""
    return StreamSpec(
        name=name,
        path="/conversations",
        replication_key=Cursor("last_update", from_unix_seconds),
        paginator=CursorPaginator,
        strategy=NewestFirst(),
        traits=CONVERSATION_TRAITS,
        decode=decode_page,
        fields=_fields,
        optional=True,
        columns=(
            Column("id", TEXT, "ID of the conversation, as text because it can exceed integers."),
            Column("created", UNIX_TIME, "When the conversation began."),
            Column("last_update", UNIX_TIME, "When the conversation was last changed."),
            Column("user_id", TEXT, "ID of the lead; its `id` in the stream of leads.", "user.id"),
            Column("name", TEXT, "Name of the lead.", "user.props.$name"),
            Column("email", EMAIL, "Email address of the lead.", "user.props.$email"),
            Column("phone", PHONE, "Phone number of the lead.", "user.props.$phone"),
            Column("type", TEXT, "How it began: email, popup_small, popup_big, popup_chat, ..."),
            Column("reply_type", TEXT, "What the lead may reply with: text, email, phone or no."),
            Column("read", BOOLEAN, "True if the lead has read it."),
            Column("replied", BOOLEAN, "True if the lead has replied."),
            Column("clicked", BOOLEAN, "True if the lead has clicked a link in it."),
            Column("unsubscribed", BOOLEAN, "True if the lead has unsubscribed through it."),
            Column("closed", BOOLEAN, "True if the conversation is closed."),
            Column("parts_count", INTEGER, "Number of parts: messages, notes and changes."),
            Column("unread_parts_count", INTEGER, "Number of parts that are not read yet."),
            Column("assignee_id", TEXT, "ID of the operator in charge.", "assignee.id"),
            Column("assignee_name", TEXT, "Name of the operator in charge.", "assignee.name"),
            Column("last_admin_id", TEXT, "ID of the operator who wrote last.", "last_admin.id"),
            Column("last_admin_name", TEXT, "Name of that operator.", "last_admin.name"),
            Column("channel_id", TEXT, "ID of the channel.", "channel.id"),
            Column("message", JSON, "Automatic message that began the conversation, or its ID."),
            Column("tags", Texts(), "Tags of the conversation."),
            Column("part_last", _PART, "Last part of the conversation, with its text."),
            Column("reply_last", _PART, "Last reply, with its text."),
            Column("important_part_last", _PART, "Last message or note, with its text."),
            Column("user", _USER, "Lead of the conversation as the API returned it."),
        ),
    )


def channels(name: str) -> StreamSpec:
    """Return the stream of a brand's channels."""
    return StreamSpec(
        name=name,
        path="/channels",
        paginator=CursorPaginator,
        traits=Traits(page_size=0),  # no page size is documented (apis/dashly.md 24)
        decode=decode_page,
        optional=True,
        columns=(
            Column("id", TEXT, "ID of the channel."),
            Column("name", TEXT, "Name of the channel."),
            Column("type", TEXT, "Type of the channel: email, manual or another."),
            Column("avatar", TEXT, "URL of the channel's picture."),
            Column("not_assigned_count", INTEGER, "Number of conversations without an operator."),
            Column("not_read_count", INTEGER, "Number of unread conversations."),
            Column("droppable", BOOLEAN, "True if the channel can be deleted."),
            Column("read_permission", TEXT, "Who may read the channel."),
            Column("operators", JSON, "Operators of the channel."),
        ),
    )
