"""Conversations, channels and parts: positions as the API wrote them, and what moves meanwhile."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import faults
from tests.support.catalogs import catalog_for
from tests.support.conversations import everyone, moving
from tests.support.logs import errors, warnings
from tests.support.run import config_of, read, sync

if TYPE_CHECKING:
    from sandbox import Sandbox
    from sandbox.dashly.api import Dashly

STREAM = "dashly_conversations"
PARTS = "dashly_conversation_parts"


@pytest.fixture
def api(box: Sandbox) -> Dashly:
    box.dashly.conversations.insert(120, at=box.clock.now() - 90 * 86_400)
    return box.dashly


@pytest.mark.parametrize("brand", ["dashly", "carrotquest"])
def test_every_conversation_comes_with_exact_values(box: Sandbox, brand: str) -> None:
    api: Any = box.apis[brand]
    run = read(api, f"{brand}_conversations")
    rows = {row["id"]: row for row in run.records(f"{brand}_conversations")}
    assert {*rows} == everyone(api)
    for row_id, stored in api.conversations.rows.items():
        row = rows[str(row_id)]
        micros = stored["last_update"]
        assert row["last_update"].endswith(f".{micros % 1_000_000:06d}Z")
        assert row["user_id"] == str(stored["user"])
        assert row["channel_id"] == str(stored["channel"])
        assert (row["assignee_name"] is None) is (stored["assignee"] is None)
        assert row["parts_count"] == len(api.conversations.parts[row_id])
        assert json.loads(row["part_last"])["id"] == str(api.conversations.parts[row_id][-1]["id"])
        assert json.loads(row["tags"]) == stored["tags"]
    newest = max(row["last_update"] for row in rows.values())
    assert run.bookmark(f"{brand}_conversations") == newest


def test_no_conversation_is_lost_while_conversations_move(api: Dashly) -> None:
    moving(api)
    first = read(api, STREAM)
    assert {*first.ids(STREAM)} == everyone(api)
    api.after_request = None
    second = read(api, STREAM, state=first.state)
    latest = {
        row["id"]: row["last_update"] for run in (first, second) for row in run.records(STREAM)
    }
    for row_id, row in api.conversations.rows.items():
        assert latest[str(row_id)].endswith(f".{row['last_update'] % 1_000_000:06d}Z")


@pytest.mark.parametrize("late", [True, False])
def test_rows_that_are_read_after_their_page_is_chosen_lose_nothing(
    api: Dashly, late: bool, caplog: pytest.LogCaptureFixture
) -> None:
    api.options.late_rows = late
    moving(api)
    assert {*read(api, STREAM).ids(STREAM)} == everyone(api)
    assert warnings(caplog) == []


def test_a_conversation_that_is_listed_late_is_found_by_the_lookback(api: Dashly) -> None:
    api.options.lag = 600
    (late,) = api.conversations.insert(1)
    first = read(api, STREAM)
    assert str(late) not in first.ids(STREAM)
    api.clock.advance(900)
    assert str(late) in read(api, STREAM, state=first.state).ids(STREAM)


def test_a_quiet_run_reads_one_page_and_the_same_rows(api: Dashly) -> None:
    first = read(api, STREAM)
    runs, bookmark = [], first.bookmark(STREAM)
    for _ in range(2):
        count = len(api.journal)
        runs.append(read(api, STREAM, state=first.state))
        assert len(api.journal) - count == 1
    assert runs[0].records(STREAM) == runs[1].records(STREAM)
    assert [run.bookmark(STREAM) for run in runs] == [bookmark] * 2


def test_a_default_run_of_a_quiet_account_makes_a_request_for_each_list_and_one_more(
    api: Dashly,
) -> None:
    config = config_of(api)
    first = sync(config, catalog=None)
    count, before = len(api.journal), deepcopy(first.state)
    second = sync(config, first.state, catalog=None)
    assert len([*before["bookmarks"]]) == 3
    assert len(api.journal) - count == 4
    assert second.state == before


def test_no_state_is_kept_of_a_walk_that_did_not_end(api: Dashly) -> None:
    api.faults.plan("none", "none", faults.status(403))
    run = read(api, STREAM, code=1)
    assert len(run.ids(STREAM)) == 100
    assert run.bookmark(STREAM) is None
    assert {*read(api, STREAM, state=run.state).ids(STREAM)} == everyone(api)


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize(
    "fault",
    [
        "reset",
        "truncate",
        "lost_reply",
        "html200",
        "half_json200",
        "early_204",
        "meta_error200",
        503,
    ],
)
def test_a_failed_request_is_sent_again(api: Dashly, fault: Any) -> None:
    api.faults.plan(fault, "none", fault, "none", "none", fault)
    assert {*read(api, STREAM).ids(STREAM)} == everyone(api)


def test_an_early_end_is_not_believed(api: Dashly) -> None:
    api.options.empty_early = 1
    assert {*read(api, STREAM).ids(STREAM)} == everyone(api)


def test_a_list_in_another_order_is_read_whole_with_a_warning(
    api: Dashly, caplog: pytest.LogCaptureFixture
) -> None:
    api.options.ignore_order = True
    first = read(api, STREAM)
    assert {*first.ids(STREAM)} == everyone(api)
    (oldest,) = api.conversations.edit([min(api.conversations.rows)])
    assert str(oldest) in read(api, STREAM, state=first.state).ids(STREAM)
    assert all("falling back to a full scan" in line for line in warnings(caplog))
    assert len(warnings(caplog)) == 2


def test_the_older_name_of_a_position_is_followed(api: Dashly) -> None:
    api.options.position_name = "next_after"
    api.options.ignored_params = ("after", "count")
    assert {*read(api, STREAM).ids(STREAM)} == everyone(api)


def test_a_position_that_comes_again_is_an_error(
    api: Dashly, caplog: pytest.LogCaptureFixture
) -> None:
    api.options.repeat_position = True
    read(api, STREAM, code=1)
    (line,) = errors(caplog)
    assert "the same page token twice (pagination loop)" in line


def test_a_full_page_without_a_position_is_an_error(
    api: Dashly, caplog: pytest.LogCaptureFixture
) -> None:
    def rewrite(_request: Any, reply: Any) -> None:
        body = json.loads(reply.body)
        body["meta"] = {"status": 200}
        reply.body = json.dumps(body).encode()

    api.rewrite = rewrite
    read(api, STREAM, code=1)
    (line,) = errors(caplog)
    assert "a full page without the position of the next page" in line
    api.conversations.delete(len(api.conversations.rows) - 20)
    assert {*read(api, STREAM).ids(STREAM)} == everyone(api)


def test_dates_limit_which_conversations_are_read(api: Dashly) -> None:
    run = read(api, STREAM, start_date="2026-10-01", end_date="2026-11-01")
    dates = [row["last_update"] for row in run.records(STREAM)]
    assert dates
    assert all("2026-10-01" <= date < "2026-11-01T00" for date in dates)
    bookmark = run.bookmark(STREAM)
    assert bookmark == max(dates)
    rest = read(api, STREAM, state=run.state)
    newer = {str(n) for n, row in api.conversations.rows.items()
             if row["last_update"] > 1_793_491_200_000_000}  # fmt: skip
    assert newer <= {*rest.ids(STREAM)}


@pytest.mark.parametrize("stream", [STREAM, PARTS, "dashly_channels"])
def test_a_token_without_the_scope_skips_the_stream(
    api: Dashly, stream: str, caplog: pytest.LogCaptureFixture
) -> None:
    api.options.missing_scopes = ("conversations-read",)
    run = read(api, "dashly_leads", stream)
    assert len(run.ids("dashly_leads")) == api.count
    (line,) = warnings(caplog)
    assert line.startswith(f"{stream}, account default: ")
    assert "the stream is skipped" in line


def test_half_a_surrogate_pair_in_a_text_changes_no_position(api: Dashly) -> None:
    def rewrite(_request: Any, reply: Any) -> None:
        reply.body = reply.body.replace(b"Thank you", b"C:\\\\ud83d \\ud83d you")

    api.rewrite = rewrite
    run = read(api, STREAM)
    assert {*run.ids(STREAM)} == everyone(api)
    assert any(r"C:\\ud83d  you" in row["part_last"] for row in run.records(STREAM))


def test_every_account_has_its_own_conversations(api: Dashly) -> None:
    config = config_of(api)
    config["dashly"]["accounts"] = [
        {"name": name, "auth_token": api.add_account()} for name in ("a", "b")
    ]
    del config["dashly"]["auth_token"]
    run = sync(config, catalog=catalog_for(STREAM, PARTS, "dashly_channels"))
    assert run.code == 0
    for account in "ab":
        rows = [row for row in run.records(STREAM) if row["account"] == account]
        assert {row["id"] for row in rows} == everyone(api)
        assert run.bookmark(PARTS, account) == run.bookmark(STREAM, account)


def test_channels_are_read_whole(api: Dashly) -> None:
    run = read(api, "dashly_channels")
    assert [(row["id"], row["name"]) for row in run.records("dashly_channels")] == [
        ("310", "Site"),
        ("311", "Mail"),
    ]
    assert len(api.journal) == 1
    assert api.journal[0].query == {"id_as_string": ["true"]}
