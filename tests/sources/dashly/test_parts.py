"""Parts of conversations: each message, note and assignment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import faults
from tap_leads.timestamps import from_text
from tests.support.conversations import all_parts, everyone, moving
from tests.support.run import read
from tests.support.runtime import set_runtime

if TYPE_CHECKING:
    import random

    from sandbox import Api, Sandbox
    from sandbox.dashly.api import Dashly
    from tests.support.run import Run

PARTS = "dashly_conversation_parts"


@pytest.fixture
def api(box: Sandbox) -> Dashly:
    box.dashly.conversations.insert(120, at=box.clock.now() - 90 * 86_400)
    return box.dashly


def test_every_part_of_every_conversation_comes(api: Dashly) -> None:
    (long,) = api.conversations.insert(1)
    for _ in range(120):
        api.conversations.edit([long])
    run = read(api, PARTS)
    assert {*run.ids(PARTS)} == all_parts(api)
    assert len(run.ids(PARTS)) == len(all_parts(api))
    stored = {str(p["id"]): p for parts in api.conversations.parts.values() for p in parts}
    for row in run.records(PARTS):
        part = stored[row["id"]]
        author = part["from"]
        assert row["conversation_id"] == str(part["conversation"])
        assert row["body"] == part["body"]
        assert row["author_id"] == str(author["id"] if isinstance(author, dict) else author)
        assert row["author_type"] == ("admin" if isinstance(author, dict) else "user")
        assert row["extra"] is None


def test_a_later_run_reads_the_conversations_that_changed(api: Dashly) -> None:
    first = read(api, PARTS)
    chosen = sorted(api.conversations.rows)[:3]
    api.conversations.edit(chosen)
    count = len(api.journal)
    second = read(api, PARTS, state=first.state, lookback_seconds=0)
    read_again = {row["conversation_id"] for row in second.records(PARTS)}
    assert {str(row) for row in chosen} <= read_again
    assert len(read_again) == 4  # and the one at the bookmark
    assert len(api.journal) - count == 5


def test_no_part_is_lost_while_conversations_move(api: Dashly) -> None:
    moving(api)
    first = read(api, PARTS)
    api.after_request = None
    second = read(api, PARTS, state=first.state)
    assert {*first.ids(PARTS), *second.ids(PARTS)} == all_parts(api)


def test_a_run_that_stopped_is_resumed(api: Dashly) -> None:
    api.faults.plan(*["none"] * 190, faults.status(403))
    first = read(api, PARTS, code=1)
    bookmark = first.bookmark(PARTS)
    assert bookmark is not None
    count = len(api.journal)
    second = read(api, PARTS, state=first.state)
    assert {*first.ids(PARTS), *second.ids(PARTS)} == all_parts(api)
    assert len(api.journal) - count < len(api.conversations.rows)


def test_no_state_passes_a_part_that_is_not_written(
    api: Dashly, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_runtime(monkeypatch, records_per_state=1)
    changed = {
        str(part["id"]): api.conversations.rows[row]["last_update"]
        for row, parts in api.conversations.parts.items()
        for part in parts
    }
    written: set[str] = set()
    bookmarks = set()
    for message in read(api, PARTS).messages:
        if message["type"] == "RECORD":
            written.add(message["record"]["id"])
        elif message["type"] == "STATE":
            state = message["value"]["bookmarks"][PARTS]["partitions"][0]
            bookmark = from_text(state.get("replication_key_value"))
            bookmarks.add(bookmark)
            missing = {part for part in changed if part not in written}
            assert all(changed[part] >= (bookmark or 0) for part in missing)
    assert len(bookmarks) > 50


def test_a_conversation_that_is_gone_by_its_turn_is_passed(api: Dashly) -> None:
    chosen = sorted(api.conversations.rows)[5:9]

    def delete(_: Api, __: random.Random) -> None:
        api.conversations.delete([row for row in chosen if row in api.conversations.rows])

    api.conversations.edit(chosen)
    api.after_request = delete
    run = read(api, PARTS)
    gone = {str(row) for row in chosen}
    assert not gone & {row["conversation_id"] for row in run.records(PARTS)}
    assert len({row["conversation_id"] for row in run.records(PARTS)}) == len(everyone(api))


def test_parts_that_are_newer_than_the_end_date_are_left_out(api: Dashly) -> None:
    run = read(api, PARTS, end_date="2026-11-01")
    dates = [row["created"] for row in run.records(PARTS)]
    assert max(dates) < "2026-11-01T00:00:01"
    assert (run.bookmark(PARTS) or "") <= "2026-11-01T00:00:00.000000Z"
    rest: Run = read(api, PARTS, state=run.state)
    assert {*run.ids(PARTS), *rest.ids(PARTS)} == all_parts(api)


def test_a_run_says_beforehand_how_long_it_takes(
    api: Dashly, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    read(api, PARTS)
    number = len(api.conversations.rows)
    line = f"reading the parts of {number} conversations takes about 0 s at 10000 requests"
    assert f"{PARTS}, account default: {line} per second" in caplog.text
