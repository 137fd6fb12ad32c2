"""Kommo's messages where conversations are gone, the scope is missing, or a run is killed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import Sandbox
from tests.support.catalogs import catalog_for
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
from tests.support.runtime import set_runtime
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.core.wire import Reply, Request
    from sandbox.kommo.api import Kommo
    from tests.support.run import Run

    Runner = Callable[..., Run]


@pytest.fixture
def kommo(box: Sandbox) -> Kommo:
    box.clock.freeze()
    return box.kommo


def test_without_the_scope_one_line_names_it(kommo: Kommo, run_here: Runner) -> None:
    kommo.options.chat_history = False
    catalog = catalog_for("kommo_talks", MESSAGES, "kommo_leads")
    run = run_here({"kommo": settings_for(kommo)}, catalog=catalog)
    assert run.code == 0
    (line,) = run.said()
    assert line.startswith("kommo_messages, account acme: Kommo denied access to this data ")
    assert "; the stream is skipped. Select the scope External chat history " in line
    assert run.records("kommo_talks")
    assert run.records("kommo_leads")
    assert len(talks_read(kommo)) <= 16


def test_a_conversation_that_is_gone_is_skipped(kommo: Kommo) -> None:
    first, second, *_ = some_talks(kommo, 2)
    (message,) = messages_of(kommo).insert(1, talk_id=second)
    messages_of(kommo).insert(1, talk_id=first)
    gone = {n for n, row in messages_of(kommo).rows.items() if row["talk_id"] == first}
    talks_of(kommo).delete([first])
    ids = set(read(kommo, MESSAGES).ids(MESSAGES))
    assert message in ids
    assert ids == all_messages(kommo) - gone


def test_a_server_without_messages_is_told_apart_from_conversations_that_are_gone(
    kommo: Kommo, caplog: pytest.LogCaptureFixture
) -> None:
    def no_messages(request: Request, reply: Reply) -> None:
        if request.path.endswith("/messages"):
            reply.status, reply.body = 404, b"{}"

    kommo.rewrite = no_messages
    assert read(kommo, MESSAGES).records(MESSAGES) == []
    assert "Kommo has no such data for this account (HTTP 404)" in caplog.text
    assert len(talks_read(kommo)) < 16


def test_new_messages_without_a_conversation_fail_a_run_once(
    kommo: Kommo, caplog: pytest.LogCaptureFixture
) -> None:
    first = read(kommo, MESSAGES)
    kommo.options.message_events = "contact"
    (talk, *_) = some_talks(kommo, 1)
    messages_of(kommo).insert(1, talk_id=talk)
    contact = talks_of(kommo).rows[talk]["contact_id"]
    same = [n for n, row in talks_of(kommo).rows.items() if row["contact_id"] == contact]
    talks_of(kommo).delete(same)
    kommo.clock.advance(3600)
    second = read(kommo, MESSAGES, state=first.state, code=1)
    assert "lists no conversation for the new messages of 1 leads or contacts" in caplog.text
    assert read(kommo, MESSAGES, state=second.state).records(MESSAGES) == []


def test_a_scope_that_was_taken_away_is_a_failure_that_names_it(
    kommo: Kommo, run_here: Runner
) -> None:
    config, catalog = {"kommo": settings_for(kommo)}, catalog_for(MESSAGES)
    first = run_here(config, catalog=catalog)
    messages_of(kommo).insert(1, talk_id=some_talks(kommo, 1)[0])
    kommo.options.chat_history = False
    second = run_here(config, catalog=catalog, state=first.state)
    assert second.code == 1
    assert "Select the scope External chat history " in second.said()[0]
    assert second.bookmark(MESSAGES) == first.bookmark(MESSAGES)
    kommo.options.chat_history = True
    third = run_here(config, catalog=catalog, state=second.state)
    assert set(first.ids(MESSAGES)) | set(third.ids(MESSAGES)) == all_messages(kommo)


def test_one_account_without_the_scope_costs_no_other(kommo: Kommo, run_here: Runner) -> None:
    with Sandbox(leads=80, seed=11) as other:
        other.kommo.options.rate_limit = None
        kommo.options.chat_history = False
        accounts = [
            {"name": name, "api_url": api.url, "access_token": api.token}
            for name, api in (("north", kommo), ("south", other.kommo))
        ]
        config = {"kommo": {"requests_per_second": 10_000, "accounts": accounts}}
        run = run_here(config, catalog=catalog_for(MESSAGES))
        assert run.code == 0
        assert {record["account"] for record in run.records(MESSAGES)} == {"south"}
        assert set(run.ids(MESSAGES)) == all_messages(other.kommo)


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_run_that_is_killed_resumes_with_the_conversations_that_are_left(
    kommo: Kommo, monkeypatch: pytest.MonkeyPatch, workers: int, *, is_first: bool
) -> None:
    set_runtime(monkeypatch, records_per_state=17)
    state = None
    seen: set[str] = set()
    if not is_first:
        state = (earlier := read(kommo, MESSAGES)).state
        seen = set(earlier.ids(MESSAGES))
        for talk in some_talks(kommo, 60):
            kommo.clock.advance(3600)
            messages_of(kommo).insert(2, talk_id=talk)
    whole = read(kommo, MESSAGES, state=state, lookback_seconds=0, concurrency=workers)
    reads, states = [], 0
    for message in whole.messages:
        if message["type"] == "RECORD":
            seen.add(message["record"]["id"])
        elif message["type"] == "STATE" and (states := states + 1) % 3 == 0:
            since = len(kommo.journal)
            rest = read(kommo, MESSAGES, state=message["value"], lookback_seconds=0)
            assert seen | set(rest.ids(MESSAGES)) == all_messages(kommo)
            reads.append(len(talks_read(kommo, since)))
    assert len(reads) > 1
    assert reads[-1] < reads[0] * 0.8


def test_a_run_that_is_killed_misses_no_message_that_is_older_than_its_conversation(
    kommo: Kommo, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_runtime(monkeypatch, records_per_state=17)
    talks = talks_of(kommo).rows
    oldest = min(talk["created_at"] for talk in talks.values())
    for talk in list(talks):
        messages_of(kommo).insert(1, talk_id=talk, at=oldest)
    kommo.delete_events([each["id"] for each in kommo.events() if "message" in each["type"]])
    seen: set[str] = set()
    resumed = 0
    for message in read(kommo, MESSAGES).messages:
        if message["type"] == "RECORD":
            seen.add(message["record"]["id"])
        elif message["type"] == "STATE" and (resumed := resumed + 1) % 6 == 0:
            rest = read(kommo, MESSAGES, state=message["value"])
            assert seen | set(rest.ids(MESSAGES)) == all_messages(kommo)
    assert resumed > 12


def test_a_first_run_that_is_killed_lists_the_conversations_again(
    kommo: Kommo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the age of the messages: events of those before it may have been purged."""
    set_runtime(monkeypatch, records_per_state=5)
    talks_of(kommo).delete(list(talks_of(kommo).rows))
    for talk in talks_of(kommo).insert(20):
        kommo.clock.advance(60)
        messages_of(kommo).insert(3, talk_id=talk)
    messages = {n for n, row in messages_of(kommo).rows.items() if row["talk_id"] > 100_000}
    kommo.delete_events([each["id"] for each in kommo.events() if "message" in each["type"]])
    whole = read(kommo, MESSAGES, lookback_seconds=0)
    seen: set[str] = set()
    resumed = 0
    for message in whole.messages:
        if message["type"] == "RECORD":
            seen.add(message["record"]["id"])
        elif message["type"] == "STATE" and seen != messages and (resumed := resumed + 1) % 3 == 0:
            rest = read(kommo, MESSAGES, state=message["value"], lookback_seconds=0)
            assert seen | set(rest.ids(MESSAGES)) == messages
    assert resumed > 6
    assert whole.bookmark(MESSAGES) is not None
    again = read(kommo, MESSAGES, state=whole.state)
    assert count_requests(kommo, "talks") == 1 + resumed // 3
    assert again.state["bookmarks"][MESSAGES]["partitions"][0]["conversations_listed"] is True


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("fault", ["reset", "truncate", "html200", 429, 503])
def test_a_fault_costs_no_message(kommo: Kommo, fault: str | int) -> None:
    kommo.faults.random(0.1, [fault])
    assert set(read(kommo, MESSAGES, concurrency=4).ids(MESSAGES)) == all_messages(kommo)


@pytest.mark.usefixtures("no_waits")
def test_a_conversation_that_cannot_be_read_stops_the_bookmark_before_it(kommo: Kommo) -> None:
    def fail(request: Request, reply: Reply) -> None:
        if request.path.endswith(f"/{broken}/messages"):
            reply.status, reply.body = 400, b"{}"

    broken = some_talks(kommo, 40)[-1]
    messages_of(kommo).insert(1, talk_id=broken)
    kommo.rewrite = fail
    first = read(kommo, MESSAGES, code=1)
    kommo.rewrite = None
    rest = read(kommo, MESSAGES, state=first.state)
    assert set(first.ids(MESSAGES)) | set(rest.ids(MESSAGES)) == all_messages(kommo)
    assert first.ids(MESSAGES)
    assert len(rest.ids(MESSAGES)) < len(all_messages(kommo))
