"""Parts of conversations of Dashly and Carrot quest: messages, notes and changes.

https://developers.dashly.io/webapi/endpoints/conversations/parts/
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from tap_leads.records.columns import UNRELATED, Column, Nested
from tap_leads.records.convert import BOOLEAN, JSON, TEXT, UNIX_TIME
from tap_leads.replication.behavior import ServerBehavior
from tap_leads.replication.model import Query
from tap_leads.replication.newest_first import newest_first, pages_of
from tap_leads.replication.pagination import CursorPaginator
from tap_leads.replication.readahead import in_background
from tap_leads.sources.base import Cursor, StreamSpec
from tap_leads.sources.dashly.conversations import CONVERSATION_TRAITS, one_of
from tap_leads.sources.dashly.one_by_one import Item, OneByOne
from tap_leads.sources.dashly.positions import decode_page
from tap_leads.timestamps import from_unix_seconds

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from tap_leads.replication.model import AccountLists, Bounds, Chunk, Record, Row
    from tap_leads.sources.base import Account
    from tap_leads.timestamps import Micros

_ATTACHMENTS = Nested({}, rest=TEXT, members=UNRELATED)


class ConversationParts:
    """Reads all parts of each conversation that changed since the bookmark.

    The bookmark is the last change of the conversations that are read, the oldest first, so that
    an interrupted run is resumed.
    """

    prefetch: ClassVar[bool] = False

    def read(self, account: AccountLists, bounds: Bounds, workers: int) -> Iterator[Chunk | None]:
        """Yield the parts of one conversation after the other.

        Raises:
            LeadsError: Conversations or parts may be missing.
        """
        del workers  # the rate limit allows no more than one request at a time would take
        yield from in_background(_read(account, bounds))


def _read(account: AccountLists, bounds: Bounds) -> Iterator[Chunk]:
    moved: dict[Hashable, Micros | None] = {}
    newest: Micros | None = None
    for chunk in newest_first(account, replace(bounds, until=None)):
        moved |= {row.id: row.cursor for row in chunk.rows}
        newest = chunk.watermark
    if newest is not None and bounds.until is not None:
        newest = min(newest, bounds.until)
    items = [Item(str(each), changed) for each, changed in moved.items()]
    one_by_one = OneByOne(
        account,
        "the parts of {} conversation",
        rows=partial(_parts, account, bounds.until),
        gone=lambda _: [],
    )
    yield from one_by_one.read(sorted(items, key=lambda item: item.cursor or 0), newest)


def _parts(account: AccountLists, until: Micros | None, conversation: Item) -> list[Row]:
    """Return the parts of a conversation."""
    collection = account.collection(_PARTS)
    query = Query(cursor="any", filters=({"id": conversation.id},))
    found: dict[Hashable, Row] = {}
    for page in pages_of(collection, ServerBehavior(collection.traits), query):
        for row in page.rows:
            if until is None or row.cursor is None or row.cursor <= until:
                record = {"conversation": conversation.id, **row.record}
                found.setdefault(row.id, row._replace(record=record))
    return [*found.values()]


def _fields(record: Record, _account: Account) -> dict[str, Any]:
    """Return the fields of a part; `from` is an operator, or the ID of the lead."""
    fields = {**record}
    author = fields.pop("from", None)
    fields |= one_of("from", author)
    if author is not None and not isinstance(author, dict):
        fields["from.type"] = "user"
    return fields | one_of("conversation", fields.pop("conversation", None))


_PARTS = StreamSpec(
    name="conversation_parts",
    path="/conversations/{id}/parts",
    columns=(),
    replication_key=Cursor("created", from_unix_seconds),
    paginator=CursorPaginator,
    traits=CONVERSATION_TRAITS,
    decode=decode_page,
)


def conversation_parts(name: str) -> StreamSpec:
    """Return the stream of the parts of a brand's conversations."""
    return StreamSpec(
        name=name,
        path="/conversations",
        replication_key=Cursor("created", from_unix_seconds, "last_update"),
        paginator=CursorPaginator,
        strategy=ConversationParts(),
        traits=CONVERSATION_TRAITS,
        decode=decode_page,
        fields=_fields,
        optional=True,
        selected_by_default=False,
        columns=(
            Column("id", TEXT, "ID of the part, as text because it can exceed integers."),
            Column("conversation_id", TEXT, "ID of the conversation.", "conversation.id"),
            Column("created", UNIX_TIME, "When the part was added."),
            Column("type", TEXT, "reply_user, reply_admin, note, assigned, closed or another."),
            Column("body", TEXT, "Text of the message or note."),
            Column("body_json", JSON, "The same text with its formatting.", repeats="body"),
            Column("read", BOOLEAN, "True if the other side has read it."),
            Column("sent_via", TEXT, "Where it was sent from: web_user, app_android or another."),
            Column("direction", TEXT, "a2u: to the lead; u2a: from the lead."),
            Column("first", BOOLEAN, "True for the first part of the conversation."),
            Column("author_id", TEXT, "ID of the operator, or of the lead.", "from.id"),
            Column("author_type", TEXT, "admin, default_admin, bot, or user: a lead.", "from.type"),
            Column("author_name", TEXT, "Name of the operator.", "from.name"),
            Column("author_avatar", TEXT, "URL of the operator's picture.", "from.avatar"),
            Column("attachments", _ATTACHMENTS, "Files of the message, with their URLs."),
        ),
    )
