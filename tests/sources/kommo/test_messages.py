"""Kommo's messages: read from the conversations that events name."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.kommo_streams import count_requests
from tests.support.kommo_talks import (
    MESSAGES,
    all_messages,
    messages_of,
    some_talks,
    talks_of,
    talks_read,
)
from tests.support.run import read

if TYPE_CHECKING:
    from sandbox import Sandbox
    from sandbox.core.wire import Reply, Request
    from sandbox.kommo.api import Kommo

DAY = 86_400
FORMS = ["talk", "contact", "empty"]


@pytest.fixture
def kommo(box: Sandbox) -> Kommo:
    box.clock.freeze()
    return box.kommo


@pytest.mark.parametrize("workers", [1, 4])
def test_the_first_run_reads_the_messages_of_all_conversations(kommo: Kommo, workers: int) -> None:
    messages_of(kommo).insert(600, talk_id=some_talks(kommo, 1)[0])
    run = read(kommo, MESSAGES, concurrency=workers)
    ids = run.ids(MESSAGES)
    assert set(ids) == all_messages(kommo)
    assert len(ids) == len(set(ids))
    assert run.schemas[MESSAGES]["key_properties"] == ["account", "id"]


def test_a_message_has_its_author_attachment_and_conversation(kommo: Kommo) -> None:
    rows = messages_of(kommo).rows
    records = read(kommo, MESSAGES).records(MESSAGES)
    for record in records:
        row = rows[record["id"]]
        for name in ("talk_id", "chat_id", "type", "message_type", "origin", "text"):
            assert record[name] == row[name]
        author, attachment = row["author"], row["attachment"] or {}
        for name in ("id", "type", "name"):
            assert record[f"author_{name}"] == author[name]
        assert record["attachment_link"] == attachment.get("link")
        assert record["attachment_name"] == attachment.get("file_name")
        assert json.loads(record["contact"] or "null") == row.get("contact")
        assert record["extra"] is None
    kinds = {record["message_type"] for record in records}
    assert {"text", "picture", "contact", "location"} <= kinds


@pytest.mark.parametrize("form", FORMS)
def test_a_run_reads_only_conversations_with_new_messages(kommo: Kommo, form: Any) -> None:
    kommo.options.message_events = form
    first = read(kommo, MESSAGES)
    kommo.clock.advance(DAY)
    chosen = some_talks(kommo, 3)
    new = [message for talk in chosen for message in messages_of(kommo).insert(2, talk_id=talk)]
    kommo.clock.advance(60)
    since = len(kommo.journal)
    again = read(kommo, MESSAGES, state=first.state)
    assert set(again.ids(MESSAGES)) == set(new)
    assert set(chosen) <= set(talks_read(kommo, since))
    if form == "talk":
        assert sorted(talks_read(kommo, since)) == chosen
        assert count_requests(kommo, "talks") == 1
    else:
        contacts = {talks_of(kommo).rows[talk]["contact_id"] for talk in chosen}
        read_of = {talks_of(kommo).rows[t]["contact_id"] for t in talks_read(kommo, since)}
        assert read_of == contacts


def test_ids_of_conversations_may_be_text(kommo: Kommo) -> None:
    def rewrite(request: Request, reply: Reply) -> None:
        if request.path.endswith(("/talks", "/events")) and reply.status == HTTPStatus.OK:
            reply.body = re.sub(rb'("talk_id":\s*)(\d+)', rb'\1"\2"', reply.body)

    kommo.rewrite = rewrite
    first = read(kommo, MESSAGES)
    assert set(first.ids(MESSAGES)) == all_messages(kommo)
    kommo.clock.advance(DAY)
    new = messages_of(kommo).insert(2, talk_id=some_talks(kommo, 1)[0])
    since = len(kommo.journal)
    assert set(read(kommo, MESSAGES, state=first.state).ids(MESSAGES)) == set(new)
    assert talks_read(kommo, since) == some_talks(kommo, 1)


def test_a_quiet_run_asks_for_events_alone(kommo: Kommo) -> None:
    first = read(kommo, MESSAGES)
    kommo.clock.advance(DAY)
    second = read(kommo, MESSAGES, state=first.state)
    since = len(kommo.journal)
    third = read(kommo, MESSAGES, state=second.state)
    assert second.records(MESSAGES) == third.records(MESSAGES) == []
    assert {request.path.rpartition("/")[2] for request in kommo.journal[since:]} == {"events"}
    assert len(kommo.journal) - since == 2


def test_messages_during_the_run_come_in_it_or_in_the_next(kommo: Kommo) -> None:
    chosen = iter(some_talks(kommo, 60))

    def after_request(_api: Any, _rng: Any) -> None:
        kommo.clock.advance(1)
        talk = next(chosen, None)
        if talk is not None:
            messages_of(kommo).insert(1, talk_id=talk)

    kommo.after_request = after_request
    first = read(kommo, MESSAGES, concurrency=4)
    kommo.after_request = None
    second = read(kommo, MESSAGES, state=first.state)
    assert {*first.ids(MESSAGES), *second.ids(MESSAGES)} == all_messages(kommo)


def test_conversations_that_the_list_leaves_out_are_found_by_their_events(kommo: Kommo) -> None:
    (old, *_) = some_talks(kommo, 1)
    new = messages_of(kommo).insert(3, talk_id=old)
    kommo.options.talks_listed = 5
    assert set(new) <= set(read(kommo, MESSAGES).ids(MESSAGES))


@pytest.mark.parametrize("lookback", [0, 3600])
def test_start_date_and_lookback_bound_the_messages(kommo: Kommo, lookback: int) -> None:
    dates = sorted(row["created_at"] for row in messages_of(kommo).rows.values())
    start = dates[len(dates) // 2]
    run = read(
        kommo,
        MESSAGES,
        start_date=_text(start),
        lookback_seconds=lookback,
    )
    rows = messages_of(kommo).rows
    assert set(run.ids(MESSAGES)) == {n for n, row in rows.items() if row["created_at"] >= start}


def _text(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def test_a_message_that_is_listed_late_comes_within_the_lookback(kommo: Kommo) -> None:
    first = read(kommo, MESSAGES, lookback_seconds=600)
    kommo.options.lag = 300.0
    (message,) = messages_of(kommo).insert(1, talk_id=some_talks(kommo, 1)[0])
    kommo.clock.advance(60)
    second = read(kommo, MESSAGES, state=first.state, lookback_seconds=600)
    assert second.ids(MESSAGES) == []
    kommo.clock.advance(400)
    third = read(kommo, MESSAGES, state=second.state, lookback_seconds=600)
    assert third.ids(MESSAGES) == [message]


def test_after_more_than_a_week_the_list_of_conversations_counts_too(kommo: Kommo) -> None:
    kommo.options.messages_move_talks = True
    talks_of(kommo).edit(list(talks_of(kommo).rows), touch=False, is_in_work=False)
    first = read(kommo, MESSAGES)
    new = messages_of(kommo).insert(2, talk_id=some_talks(kommo, 1)[0])
    kommo.clock.advance(10 * DAY)
    kommo.options.events_retention_days = 1.0
    since = len(kommo.journal)
    again = read(kommo, MESSAGES, state=first.state)
    assert set(new) <= set(again.ids(MESSAGES))
    assert talks_read(kommo, since) == some_talks(kommo, 1)


@pytest.mark.parametrize("is_first", [True, False])
def test_messages_that_neither_an_event_nor_a_date_shows_come_if_the_conversation_is_in_work(
    kommo: Kommo, *, is_first: bool
) -> None:
    start = kommo.clock.now()
    first = None if is_first else read(kommo, MESSAGES)
    (talk,) = some_talks(kommo, 1)
    talks_of(kommo).edit([talk], touch=False, is_in_work=True)
    new = messages_of(kommo).insert(2, talk_id=talk)
    kommo.clock.advance(10 * DAY)
    kommo.options.events_retention_days = 1.0
    run = read(
        kommo,
        MESSAGES,
        state=first.state if first else None,
        start_date=_text(int(start)),
    )
    assert set(run.ids(MESSAGES)) == set(new)


def test_messages_after_the_end_date_come_once_it_is_later(kommo: Kommo) -> None:
    dates = sorted(row["created_at"] for row in messages_of(kommo).rows.values())
    end = dates[len(dates) // 2]
    first = read(kommo, MESSAGES, end_date=_text(end))
    rows = messages_of(kommo).rows
    assert set(first.ids(MESSAGES)) == {n for n, row in rows.items() if row["created_at"] <= end}
    rest = read(kommo, MESSAGES, state=first.state)
    assert {*first.ids(MESSAGES), *rest.ids(MESSAGES)} == all_messages(kommo)


def test_a_server_that_ignores_filters_costs_requests_and_no_message(kommo: Kommo) -> None:
    first = read(kommo, MESSAGES)
    kommo.clock.advance(DAY)
    kommo.options.ignore_filters = True
    new = messages_of(kommo).insert(2, talk_id=some_talks(kommo, 1)[0])
    since = len(kommo.journal)
    again = read(kommo, MESSAGES, state=first.state)
    assert set(again.ids(MESSAGES)) == set(new)
    assert talks_read(kommo, since) == some_talks(kommo, 1)
