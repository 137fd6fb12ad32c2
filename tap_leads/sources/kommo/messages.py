"""The messages of Kommo's conversations (apis/kommo.md 56 to 58).

https://developers.kommo.com/reference/get-conversation-messages

Messages have no list of their own. Events name the conversations that have new ones; these are read
one after the other.
"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeAlias

from tap_leads.errors import DATA_ERRORS, Code
from tap_leads.records.columns import Column
from tap_leads.records.convert import INTEGER, TEXT, UNIX_TIME, integer, positive
from tap_leads.replication.behavior import clock_at
from tap_leads.replication.full_table import full_scan, rows_of
from tap_leads.replication.model import Chunk, Query
from tap_leads.replication.readahead import ReadAhead, in_background
from tap_leads.replication.time_slices import TimeSlices, read_all
from tap_leads.rest.errors import PermanentError
from tap_leads.sources.base import StreamSpec, record_error, spread
from tap_leads.sources.kommo.api import CREATED_AT, FULL_LIST, OPEN_OBJECT, UNSORTED, objects
from tap_leads.sources.kommo.talks import TALKS
from tap_leads.timestamps import DAY, SECOND, from_unix_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_leads.replication.model import AccountLists, Bounds, Record, Row
    from tap_leads.timestamps import Micros

_TYPES = ("incoming_chat_message", "outgoing_chat_message")
_EVENTS = StreamSpec(
    name="kommo_messages",
    path="/events",
    columns=(),
    replication_key=CREATED_AT,
    strategy=TimeSlices(),
    traits=UNSORTED,
    params={"filter[type]": ",".join(_TYPES)},
)
_SCOPE = (
    "Select the scope External chat history in the integration's Keys and scopes, then create a "
    "new token, or deselect the stream"
)
# How long Kommo keeps events at least. For messages before that, the list of conversations counts.
_EVENTS_KEPT = 7 * DAY


_LISTED = "conversations_listed"
"""The key of the state that says if a run has read all conversations of the list, or is about to.

Until then, events are not enough: those of older messages may have been purged.
"""


_Party: TypeAlias = tuple[str, str]
"""A contact or lead of a conversation: its type, and its ID."""


class _Plan(NamedTuple):
    """What a run reads.

    `started` is the server's clock at its start. `talks` has the conversations to read, each with
    a moment before which it has no unread message, sorted by that moment. `is_listed` is True if
    some of them are from the list.
    """

    started: Micros
    talks: list[tuple[Micros, int]]
    is_listed: bool


class Messages:
    """Reads the messages of all conversations that have new ones.

    Conversations are read in the order of their first unread message. The bookmark is then the
    first unread message of the next conversation, so that a run that is killed resumes there.
    """

    prefetch: ClassVar[bool] = False

    def read(self, account: AccountLists, bounds: Bounds, workers: int) -> Iterator[Chunk | None]:
        """Yield the messages of each conversation in turn, reading several concurrently."""
        if Query(bounds.after, bounds.until).is_empty:
            return
        is_complete = account.kept.get(_LISTED)
        # The bookmark of a run that did not get to its end says nothing of a message that is older
        # than its conversation.
        wanted = bounds if is_complete else replace(bounds, after=bounds.start)
        for plan in in_background(_plan(account, bounds)):
            if plan is None:
                yield None
                continue
            if plan.is_listed:
                yield Chunk((), (), None, {_LISTED: False})
            until = plan.started if bounds.until is None else min(plan.started, bounds.until)
            ends = [*(min(start, until) for start, _ in plan.talks[1:]), until]
            jobs = (
                _messages(account, talk_id, wanted, end)
                for (_, talk_id), end in zip(plan.talks, ends, strict=False)
            )
            yield from ReadAhead(jobs, workers).results()
            yield Chunk((), (), until, {_LISTED: True})


def _plan(account: AccountLists, bounds: Bounds) -> Iterator[_Plan]:
    """Yield the plan of a run."""
    events, sent, least = account.collection(_EVENTS), monotonic(), bounds.after or 0
    try:
        starts, unnamed = _named(read_all(events, Query(after=bounds.after)), least)
        started = clock_at(events, sent)  # the server's clock is known only now
        is_old = least < started - _EVENTS_KEPT
        is_listed = is_old or bool(unnamed) or not account.kept.get(_LISTED)
        if is_listed:
            _add_listed(account, starts, unnamed, least, is_old=is_old)
    except DATA_ERRORS as error:
        raise record_error(error) from None
    talks = sorted((start, talk_id) for talk_id, start in starts.items())
    yield _Plan(started, talks, is_listed)


def _named(events: Iterator[Row], least: Micros) -> tuple[dict[int, Micros], set[_Party]]:
    """Return the first message of each conversation that events since `least` name.

    The second result has the records whose events name none.
    """
    starts: dict[int, Micros] = {}
    unnamed: set[_Party] = set()
    for event, _, cursor in events:
        # The API may ignore the filters (apis/kommo.md 8 and 37).
        if event["type"] in _TYPES and (cursor or least) >= least:
            named = _talk_ids(event)
            for talk_id in named:
                starts[talk_id] = min(cursor or least, starts.get(talk_id, cursor or least))
            if not named:
                unnamed.add((str(event.get("entity_type")), str(event.get("entity_id"))))
    return starts, unnamed


def _add_listed(
    account: AccountLists,
    starts: dict[int, Micros],
    unnamed: set[_Party],
    least: Micros,
    *,
    is_old: bool,
) -> None:
    """Add listed conversations that may have messages since `least`, or that events may mean.

    A message may leave `updated_at` as it was, but only in a conversation that is in work: such
    ones are added if events since `least` may have been purged (`is_old`), or may mean them.
    """
    meant: set[_Party] = set()
    untouched: list[tuple[int, Micros, set[_Party]]] = []
    for talk, _, cursor in rows_of(account.collection(TALKS)):
        parties = _parties(talk) if unnamed else set()
        talk_id = integer(talk["talk_id"])
        start = max(least, from_unix_seconds(talk.get("created_at")) or 0)
        if parties & unnamed:
            meant |= parties
        if parties & unnamed or cursor is None or cursor >= least:
            starts[talk_id] = min(start, starts.get(talk_id, start))
        elif talk.get("is_in_work", True):
            untouched.append((talk_id, start, parties))
    missing = unnamed - meant
    for talk_id, start, parties in untouched:
        if is_old or missing or parties & meant:
            starts[talk_id] = min(start, starts.get(talk_id, start))
    if missing:
        account.warn(
            f"the API lists no conversation for the new messages of {len(missing):,} leads or "
            "contacts; these messages are missing",
            Code.INCOMPLETE,
        )


def _parties(talk: Record) -> set[_Party]:
    """Return the contact and the lead of a conversation."""
    parties: list[tuple[Any, Any]] = [
        ("contact", talk.get("contact_id")),
        (talk.get("entity_type"), talk.get("entity_id")),
    ]
    for kind in ("contact", "lead"):
        linked = objects(talk.get(f"_embedded.{kind}s"))
        parties += [(kind, each.get("id")) for each in linked]
    return {(str(kind), str(party)) for kind, party in parties if party}


def _talk_ids(event: Record) -> list[int]:
    """Return the IDs of the conversations in the values of an event."""
    messages = objects([each.get("message") for each in objects(event.get("value_after"))])
    ids = [_talk_id(message.get("talk_id")) for message in messages]
    return [each for each in ids if each is not None]


def _talk_id(value: Any) -> int | None:
    try:
        return positive(value)
    except (TypeError, ValueError):
        return None


def _messages(account: AccountLists, talk_id: int, bounds: Bounds, end: Micros) -> Iterator[Chunk]:
    """Yield the messages of a conversation, then `end` as the bookmark.

    A conversation that has been deleted meanwhile has none.
    """
    spec = replace(MESSAGES, path=f"{TALKS.path}/{talk_id}/messages", records=None)
    filters = {}
    if bounds.after is not None:  # a second early, as the bound may be exclusive
        filters["filter[created_at][from]"] = max(bounds.after // SECOND - 1, 0)
    try:
        for chunk in full_scan(account.collection(spec), bounds, Query(filters=(filters,))):
            for row in chunk.rows:
                row.record.setdefault("talk_id", talk_id)
            yield Chunk(chunk.rows, chunk.safe, None)
    except PermanentError as error:
        if error.status != HTTPStatus.NOT_FOUND or _exists(account, talk_id):
            raise
    yield Chunk((), (), end or None)


def _exists(account: AccountLists, talk_id: int) -> bool:
    """Return True if a conversation exists: its messages are then missing on this server."""
    spec = replace(TALKS, path=f"{TALKS.path}/{talk_id}", records=lambda body: [body])
    try:
        return bool(account.collection(spec).fetch(Query(cursor="any")).rows)
    except PermanentError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return False


def _fields(record: Record, _account: object) -> dict[str, Any]:
    fields = {**record}
    for name in ("author", "recipient", "attachment"):
        fields |= spread(name, fields.pop(name, None))
    return fields


MESSAGES = StreamSpec(
    name="kommo_messages",
    path="/talks",
    replication_key=CREATED_AT,
    strategy=Messages(),
    traits=FULL_LIST,
    records=lambda _body: [],  # each conversation has a path of its own
    fields=_fields,
    optional=True,
    permission=_SCOPE,
    selected_by_default=False,
    columns=(
        Column("id", TEXT, "ID of the message."),
        Column("talk_id", INTEGER, "ID of the conversation that the message belongs to."),
        Column("chat_id", TEXT, "ID of the chat in the Chats API."),
        Column("created_at", UNIX_TIME, "When the message was sent."),
        Column("type", TEXT, "Direction of the message: incoming or outgoing."),
        Column(
            "message_type",
            TEXT,
            "What the message contains: text, contact, file, video, picture, voice, audio, sticker "
            "or location.",
        ),
        Column("origin", TEXT, "Channel of the message, such as waba or telegram."),
        Column("text", TEXT, "Text of the message."),
        Column("delivery_status", TEXT, "Status of the delivery: sent, delivered, read or error."),
        Column(
            "author_id",
            TEXT,
            "ID of the author in the Chats API: `amojo_id` of a user, if one wrote the message.",
            "author.id",
        ),
        Column(
            "author_type",
            TEXT,
            "Who wrote the message: internal is a user, external the contact, bot a robot.",
            "author.type",
        ),
        Column("author_name", TEXT, "Name of the author.", "author.name"),
        Column("author_avatar_url", TEXT, "URL of the author's picture.", "author.avatar_url"),
        Column("recipient_id", TEXT, "ID of the recipient in the Chats API.", "recipient.id"),
        Column("recipient_name", TEXT, "Name of the recipient.", "recipient.name"),
        Column("attachment_type", TEXT, "Type of the attached file.", "attachment.type"),
        Column("attachment_link", TEXT, "URL of the attached file.", "attachment.link"),
        Column("attachment_name", TEXT, "Name of the attached file.", "attachment.file_name"),
        Column("contact", OPEN_OBJECT, "Contact that the message contains, if any."),
        Column("location", OPEN_OBJECT, "Location that the message contains, if any."),
    ),
)
