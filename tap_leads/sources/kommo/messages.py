"""The messages of Kommo's conversations (apis/kommo.md 56 to 58).

https://developers.kommo.com/reference/get-conversation-messages

Kommo lists the messages of one conversation at a time. `new_messages` finds the conversations to
read.
"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

from tap_leads.records.columns import Column
from tap_leads.records.convert import INTEGER, TEXT, UNIX_TIME
from tap_leads.replication.errors import IncompleteError
from tap_leads.replication.full_table import full_scan
from tap_leads.replication.model import Chunk, Query
from tap_leads.replication.readahead import ReadAhead, in_background
from tap_leads.rest.errors import PermanentError
from tap_leads.sources.base import StreamSpec, spread
from tap_leads.sources.kommo.api import CREATED_AT, FULL_LIST, OPEN_OBJECT
from tap_leads.sources.kommo.new_messages import LISTED, find_conversations
from tap_leads.sources.kommo.talks import TALKS
from tap_leads.timestamps import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_leads.replication.model import AccountLists, Bounds, Record
    from tap_leads.timestamps import Micros

_SCOPE = (
    "Select the scope External chat history in the integration's Keys and scopes, then create a "
    "new token, or deselect the stream"
)


class Messages:
    """Reads the messages of all conversations that have new ones.

    Conversations are sorted by their first new message. After each of them, the bookmark is the
    first new message of the next one, so that a run that is killed resumes there.
    """

    prefetch: ClassVar[bool] = False

    def read(self, account: AccountLists, bounds: Bounds, workers: int) -> Iterator[Chunk | None]:
        """Yield the messages of each conversation in turn, reading several concurrently.

        Raises:
            IncompleteError: At the end, if new messages have no conversation; once, as the next run
                begins after them.
            LeadsError: Messages cannot be read.
        """
        if Query(bounds.after, bounds.until).is_empty:
            return
        is_complete = account.kept.get(LISTED)
        # Until a run is complete, a message that is older than its conversation may not have been
        # read, although it is older than the bookmark.
        wanted = bounds if is_complete else replace(bounds, after=bounds.start)
        for plan in in_background(find_conversations(account, bounds)):
            if plan is None:
                yield None
                continue
            if plan.is_listed:
                yield Chunk((), (), None, {LISTED: False})
            until = plan.started if bounds.until is None else min(plan.started, bounds.until)
            ends = [*(min(start, until) for start, _ in plan.talks[1:]), until]
            jobs = (
                _messages(account, talk_id, wanted, end)
                for (_, talk_id), end in zip(plan.talks, ends, strict=False)
            )
            yield from ReadAhead(jobs, workers).results()
            yield Chunk((), (), until, {LISTED: True})
            if plan.missing:
                raise IncompleteError(
                    f"the API lists no conversation for the new messages of {plan.missing:,} leads "
                    "or contacts; these messages are missing, and all others were read"
                )


def _messages(account: AccountLists, talk_id: int, bounds: Bounds, end: Micros) -> Iterator[Chunk]:
    """Yield the messages of a conversation, then `end` as the bookmark.

    A conversation that was deleted in the meantime has no messages.
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
    """Return True if a conversation exists: a 404 for its messages then concerns the endpoint."""
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
    forbidden_advice=_SCOPE,
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
