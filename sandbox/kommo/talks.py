"""Conversations with contacts, and their messages."""
# ruff: noqa: PLR2004 - shares and sizes of generated data

from __future__ import annotations

import hashlib
from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from sandbox.core.people import person
from sandbox.kommo.leads import ACCOUNT_ID, SOURCES, USERS
from sandbox.kommo.problems import problem
from sandbox.kommo.query import either, flag, members, of, span
from sandbox.kommo.resource import Resource
from sandbox.kommo.table import Context, Row, RowFactory, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from sandbox.core.store import Collection, Lead
    from sandbox.core.wire import Reply
    from sandbox.kommo.event_types import Change
    from sandbox.kommo.options import KommoOptions
    from sandbox.kommo.paths import Scope

MESSAGES = "talks/{talk_id}/messages"
TALK = Resource(
    key="talks",
    order="talk_id",
    descending=True,
    filters={
        "talk_id": members,
        "contact_id": members,
        "entity_id": members,
        "entity_type": either,
        "only_in_work": of("is_in_work", flag),
    },
)
MESSAGE = Resource(key="messages", filters={"created_at": span}, linked=False)
_ORDERS = {
    "newest_first": ("talk_id", True),
    "oldest_first": ("talk_id", False),
    "edited_first": ("updated_at", True),
    "edited_last": ("updated_at", False),
}
_ORIGINS = ("waba", "instagram_business", "telegram", "com.amocrm.amocrmwa")
_KINDS = ("text", "text", "picture", "text", "voice", "text", "contact", "location")
_FIRST = 101


class Talks(Table):
    """Conversations; an edit without values marks one as read or unread."""

    @override
    def embedded(self, row: Row, _with: frozenset[str], base: str) -> Row:
        lead = [row["entity_id"]] if row["entity_type"] == "lead" else []
        return {
            "contacts": [_linked(row["contact_id"], "contacts", base)],
            "leads": [_linked(lead_id, "leads", base) for lead_id in lead],
        }

    @override
    def happening(self, row: Row) -> Row:
        return {"is_read": not row["is_read"]}


class Messages(Table):
    """The messages of all conversations; an insert needs the `talk_id`."""

    talks: Talks
    options: KommoOptions

    @override
    def _completed(self, fields: Row) -> Row:
        """Add the fields of the conversation."""
        talk = self.talks.store.rows.get(fields.get("talk_id"))
        if talk is None:
            return fields
        named = {name: talk[name] for name in ("talk_id", "chat_id", "origin")}
        about = talk["entity_type"] or "contact", talk["entity_id"] or talk["contact_id"]
        return {**named, "_contact": talk["contact_id"], "_about": about, **fields}

    @override
    def _happened(self, what: str, at: float, before: Row | None, after: Row | None) -> None:
        if what == "added" and after is not None and self.options.messages_move_talks:
            self.talks.edit([after["talk_id"]], at=at, is_read=False)
        super()._happened(what, at, before, after)


def tables(
    context: Context, options: KommoOptions, leads: Callable[[], Collection]
) -> dict[str, Table]:
    """Return the tables by path."""
    factory = RowFactory(
        make=_new_talk,
        fill=lambda: _talks(leads().rows.values()),
        first_id=100_001,
        identify=itemgetter("talk_id"),
    )
    talks = Talks(context, TALK, "talks", factory)
    factory = RowFactory(make=_new_message, fill=lambda: _messages(talks.store.rows.values()))
    messages = Messages(context, MESSAGE, MESSAGES, factory)
    messages.talks, messages.options = talks, options
    return {"talks": talks, "messages": messages}


def refusal(parts: list[str], tables: Mapping[str, Table], options: KommoOptions) -> Reply | None:
    """Return the reply to a request for a conversation that may not be answered, if any."""
    match parts:
        case ["talks", number, *rest] if number.isdigit():
            if rest and not options.chat_history:
                return problem(403, "Invalid scope")
            if int(number) not in tables["talks"].store.rows:
                return problem(404, "Conversation not found")
    return None


def ordered(resource: Resource, options: KommoOptions) -> Resource:
    """Return the list of conversations in the order that the options say; others as they are."""
    if resource is not TALK:
        return resource
    order, descending = _ORDERS[options.talks_order]
    return replace(resource, order=order, descending=descending)


def recent(table: Table, count: int) -> Scope:
    """Return the scope of the newest conversations."""
    ids = frozenset(sorted(table.store.rows)[-count:])
    return ("recent", ids), lambda row: row["talk_id"] in ids


def message_event(message: Row, options: KommoOptions) -> tuple[Change, tuple[str, int]]:
    """Return the event of a message, and the record that it is about."""
    kind = f"{message['type']}_chat_message"
    content = {name: message[name] for name in ("id", "origin", "talk_id")}
    match options.message_events:
        case "talk":
            return (kind, [], [{"message": content}]), message["_about"]
        case "contact":
            del content["talk_id"]
            return (kind, [], [{"message": content}]), ("contact", message["_contact"])
        case "empty":
            return (kind, [], []), message["_about"]


def _linked(row_id: int, path: str, base: str) -> Row:
    return {"id": row_id, "_links": {"self": {"href": f"{base}/api/v4/{path}/{row_id}"}}}


def _uuid(*seed: object) -> str:
    text = hashlib.sha256(repr(seed).encode()).hexdigest()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:32]}"


def _talk(number: int, talk_id: int, times: tuple[int, int]) -> Row:
    is_open = number % 3 != 0
    return {
        "talk_id": talk_id,
        "created_at": times[0],
        "updated_at": times[1],
        "rate": 5 if number % 11 == 0 else 0,
        "contact_id": 900_001,
        "chat_id": _uuid("chat", talk_id),
        "entity_id": None,
        "entity_type": None,
        "status": "in_work" if is_open else "closed",
        "is_in_work": is_open,
        "is_read": number % 2 == 0,
        "origin": _ORIGINS[number % len(_ORIGINS)],
        "source_id": SOURCES[0][0] if number % 2 else None,
        "missed_at": times[0] + 900 if number % 5 == 0 else None,
        "account_id": ACCOUNT_ID,
    }


def _new_talk(number: int, row_id: int, at: int) -> Row:
    return {**_talk(number, row_id, (at, at)), "status": "in_work", "is_in_work": True}


def _talks(leads: Iterable[Lead]) -> Iterator[Row]:
    """Return a conversation of every second lead, and a few that belong to no lead."""
    chosen = [lead for lead in leads if lead["_embedded"]["contacts"] and lead["id"] // 2 % 2 == 0]
    chosen.sort(key=itemgetter("created_at", "id"))
    for number, lead in enumerate(chosen):
        talk = _talk(number, _FIRST + number, (lead["created_at"], lead["updated_at"]))
        about = {"entity_id": lead["id"], "entity_type": "lead"} if number % 9 else {}
        yield {**talk, **about, "contact_id": lead["_embedded"]["contacts"][0]}


def _message(number: int, message_id: str, at: int) -> Row:
    is_incoming, kind = number % 2 == 0, _KINDS[number % len(_KINDS)]
    who = person(3, number % 1000)
    user = f"{USERS[number % 3]:08x}-0000-4000-9000-000000000000"
    client = {"id": _uuid("client", who.name), "type": "external", "name": who.name}
    staff = {"id": user, "type": "bot" if number % 7 == 3 else "internal", "name": "Ada Abbott"}
    author, recipient = (client, staff) if is_incoming else (staff, client)
    row: dict[str, Any] = {
        "id": message_id,
        "talk_id": 0,
        "chat_id": "",
        "type": "incoming" if is_incoming else "outgoing",
        "message_type": kind,
        "created_at": at,
        "origin": _ORIGINS[0],
        "text": f"Guten Tag, {who.phone} 👋" if kind == "text" else "",
        "delivery_status": "delivered" if is_incoming else ("sent", "error")[number % 9 == 5],
        "author": {**author, "avatar_url": ""},
        "recipient": {"id": recipient["id"], "name": recipient["name"]},
        "attachment": None,
    }
    if kind in {"picture", "voice"}:
        link = f"https://drive.example.com/{message_id}"
        row["attachment"] = {"type": kind, "link": link, "file_name": f"{who.name}.bin"}
    elif kind == "contact":
        row["contact"] = {"name": who.name, "phone": who.phone}
    elif kind == "location":
        row["location"] = {"lat": 52.5, "lon": 13.4}
    return row


def _new_message(number: int, row_id: int, at: int) -> Row:
    return _message(number, _uuid("message", row_id), at)


def _messages(talks: Iterable[Row]) -> Iterator[Row]:
    """Return up to four messages of each conversation, from its creation to its last change."""
    for place, talk in enumerate(talks):
        span_of = talk["updated_at"] - talk["created_at"]
        for part in range(place % 5):
            at = talk["created_at"] + span_of * part // 4
            row = _message(place + part, _uuid("message", talk["talk_id"], part), at)
            yield {**row, **{name: talk[name] for name in ("talk_id", "chat_id", "origin")}}
