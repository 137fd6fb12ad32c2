"""Finds the Kommo conversations that have new messages (apis/kommo.md 56 to 58).

Events name most of them. The list of conversations supplies the others: those whose events were
purged, and those whose events name only a lead or contact.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from tap_leads.errors import DATA_ERRORS
from tap_leads.records.convert import integer, positive
from tap_leads.replication.behavior import clock_at
from tap_leads.replication.full_table import rows_of
from tap_leads.replication.model import Query
from tap_leads.replication.time_slices import TimeSlices, read_all
from tap_leads.sources.base import StreamSpec, record_error
from tap_leads.sources.kommo.api import CREATED_AT, UNSORTED, objects
from tap_leads.sources.kommo.talks import TALKS
from tap_leads.timestamps import DAY, from_unix_seconds

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
_EVENTS_KEPT = 7 * DAY
"""How long Kommo keeps events at least; older messages are found through the list."""
LISTED = "conversations_listed"
"""The key of the state that is True once a run has read all conversations of the list.

It is False during such a run. Until it is True, events do not suffice: those of older messages may
have been purged.
"""
_Party: TypeAlias = tuple[str, str]
"""A contact or lead of a conversation: its type, and its ID."""


class Plan(NamedTuple):
    """The conversations to read in a run.

    `started` is the server's clock when the run began. `talks` has a moment for each conversation,
    before which it has no message that earlier runs did not read, and its ID; it is sorted.
    `is_listed` is True if the list of conversations was read to find them. `missing` is the number
    of leads and contacts that have new messages, but no conversation.
    """

    started: Micros
    talks: list[tuple[Micros, int]]
    is_listed: bool
    missing: int


def find_conversations(account: AccountLists, bounds: Bounds) -> Iterator[Plan]:
    """Yield the plan of a run, as the only result of a job in the background."""
    events, sent, since = account.collection(_EVENTS), monotonic(), bounds.after or 0
    try:
        starts, unnamed = _named(read_all(events, Query(after=bounds.after)), since)
        started = clock_at(events, sent)  # the server's clock is known only now
        is_old = since < started - _EVENTS_KEPT
        is_listed = is_old or bool(unnamed) or not account.kept.get(LISTED)
        missing = 0
        if is_listed:
            missing = _add_listed(account, starts, unnamed, since, is_old=is_old)
    except DATA_ERRORS as error:
        raise record_error(error) from None
    talks = sorted((start, talk_id) for talk_id, start in starts.items())
    yield Plan(started, talks, is_listed, missing)


def _named(events: Iterator[Row], since: Micros) -> tuple[dict[int, Micros], set[_Party]]:
    """Return when the first new message of each conversation was sent, according to the events.

    The second result has the leads and contacts whose events name no conversation.
    """
    starts: dict[int, Micros] = {}
    unnamed: set[_Party] = set()
    for event, _, cursor in events:
        # The API may ignore the filters (apis/kommo.md 8 and 37).
        if event["type"] in _TYPES and (cursor or since) >= since:
            named = _talk_ids(event)
            for talk_id in named:
                starts[talk_id] = min(cursor or since, starts.get(talk_id, cursor or since))
            if not named:
                unnamed.add((str(event.get("entity_type")), str(event.get("entity_id"))))
    return starts, unnamed


def _add_listed(
    account: AccountLists,
    starts: dict[int, Micros],
    unnamed: set[_Party],
    since: Micros,
    *,
    is_old: bool,
) -> int:
    """Add conversations of the list that may have messages since `since`.

    These are the conversations that were modified since then, and those of the leads and contacts
    in `unnamed`. A message may leave `updated_at` unchanged, but only in a conversation that is in
    work. These conversations are added if their events may have been purged (`is_old`), or if an
    event may refer to them. Returns the number of `unnamed` without a conversation.
    """
    meant: set[_Party] = set()
    untouched: list[tuple[int, Micros, set[_Party]]] = []
    for talk, _, cursor in rows_of(account.collection(TALKS)):
        parties = _parties(talk) if unnamed else set()
        talk_id = integer(talk["talk_id"])
        start = max(since, from_unix_seconds(talk.get("created_at")) or 0)
        if parties & unnamed:
            meant |= parties
        if parties & unnamed or cursor is None or cursor >= since:
            starts[talk_id] = min(start, starts.get(talk_id, start))
        elif talk.get("is_in_work", True):
            untouched.append((talk_id, start, parties))
    missing = unnamed - meant
    for talk_id, start, parties in untouched:
        if is_old or missing or parties & meant:
            starts[talk_id] = min(start, starts.get(talk_id, start))
    return len(missing)


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
