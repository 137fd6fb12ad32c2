"""Leads and conversations that are refused one by one, and keys that may read none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.catalogs import catalog_for
from tests.support.logs import errors, warnings
from tests.support.run import read
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from sandbox.dashly.api import Dashly
    from tests.support.run import Run

    Runner = Callable[..., Run]

DETAILS, PARTS = "dashly_lead_details", "dashly_conversation_parts"
LISTS = {DETAILS: "users", PARTS: "parts"}


@pytest.fixture
def api(box: Sandbox) -> Dashly:
    """An app with 20 conversations of different days, and 20 leads that were seen."""
    api = box.dashly
    api.delete([key for key, lead in api.leads.items() if "$last_seen" not in lead["props"]])
    api.delete([*api.leads][20:])
    api.conversations.delete([*api.conversations.rows])
    for days in range(20):
        api.conversations.insert(1, at=box.clock.now() - (90 - days) * 86_400)
    return api


def keys(api: Dashly, stream: str) -> list[int]:
    """Return the IDs of the leads or conversations in the order in which they are requested."""
    if stream == PARTS:
        rows = api.conversations.rows
        return sorted(rows, key=lambda key: float(rows[key]["last_update"]))
    return sorted(api.leads, key=lambda key: str(api.leads[key]["props"]["$last_seen"]))


def rows_of(run: Run, stream: str) -> set[int]:
    """Return the IDs of the leads or conversations of the rows."""
    column = "id" if stream == DETAILS else "conversation_id"
    return {int(row[column]) for row in run.records(stream)}


def asked(api: Dashly, stream: str) -> int:
    """Return the number of requests for single leads or conversations."""
    root = {DETAILS: "/v2/users/", PARTS: "/v2/conversations/"}[stream]
    return sum(request.path.startswith(root) for request in api.journal)


@pytest.mark.parametrize("stream", LISTS)
@pytest.mark.parametrize("status", [402, 403, 404, 405])
def test_a_key_that_may_read_none_of_them_skips_the_stream_with_one_line(
    api: Dashly, run_here: Runner, stream: str, status: int
) -> None:
    api.options.refused = {LISTS[stream]: status}
    catalog = catalog_for(stream, "dashly_leads")
    run = run_here({"dashly": settings_for(api)}, catalog=catalog)
    (line,) = run.said()
    assert run.code == 0
    assert line.startswith(f"{stream}, account default: ")
    assert f"(HTTP {status})" in line
    assert "; the stream is skipped. " in line
    assert run.records(stream) == []
    assert asked(api, stream) <= 4
    assert len(run.records("dashly_leads")) == 20


@pytest.mark.parametrize("stream", LISTS)
def test_a_key_that_loses_its_permission_fails_the_stream_which_is_resumed(
    api: Dashly, stream: str, caplog: pytest.LogCaptureFixture
) -> None:
    def revoke(*_: object) -> None:
        if asked(api, stream) == 8:
            api.options.refused = {LISTS[stream]: 403}

    api.after_request = revoke
    first = read(api, stream, code=1)
    assert len(errors(caplog)) == 1
    assert asked(api, stream) == 8 + 3 + 1
    quiet = read(api, stream, state=first.state, code=1)
    assert quiet.bookmark(stream) == first.bookmark(stream)
    api.after_request = None
    api.options.refused = {}
    last = read(api, stream, state=quiet.state, lookback_seconds=0)
    assert rows_of(first, stream) | rows_of(last, stream) == {*keys(api, stream)}
    assert len(rows_of(last, stream)) <= 13


@pytest.mark.parametrize("stream", LISTS)
@pytest.mark.parametrize("some", [slice(0, 1), slice(0, 7), slice(5, 6), slice(8, 17), slice(19)])
def test_one_that_is_refused_holds_up_no_other_and_is_requested_until_it_comes(
    api: Dashly, stream: str, some: slice, caplog: pytest.LogCaptureFixture
) -> None:
    refused = keys(api, stream)[some]
    api.options.refused_rows = dict.fromkeys(refused, 403)
    first = read(api, stream, code=1)
    (line,) = errors(caplog)
    things = "details of {} lead" if stream == DETAILS else "parts of {} conversation"
    what = things.format(len(refused)) + "s" * (len(refused) > 1)
    assert (
        f": the {what} could not be read, all others were: Dashly denied access to this data"
        in line
    )
    assert "The next run requests them again. " in line
    assert rows_of(first, stream) == {*keys(api, stream)} - {*refused}
    assert first.bookmark(stream) is not None
    assert not any(str(key) in caplog.text for key in refused)
    again = read(api, stream, state=first.state, code=1, lookback_seconds=0)
    assert len(rows_of(again, stream)) <= 1
    api.options.refused_rows = {}
    last = read(api, stream, state=again.state, lookback_seconds=0)
    assert rows_of(last, stream) >= {*refused}
    quiet = read(api, stream, state=last.state, lookback_seconds=0)
    assert len(rows_of(quiet, stream)) == 1


def test_a_limit_does_not_keep_back_a_lead_that_was_refused(api: Dashly) -> None:
    refused = keys(api, DETAILS)[2]
    api.options.refused_rows = {refused: 403}
    state = read(api, DETAILS, code=1, details_per_run=5).state
    api.options.refused_rows = {}
    assert refused in rows_of(read(api, DETAILS, state=state, details_per_run=5), DETAILS)


def test_a_lead_that_is_not_found_among_others_is_gone(
    api: Dashly, caplog: pytest.LogCaptureFixture
) -> None:
    missing = keys(api, DETAILS)[3:9]
    api.options.refused_rows = dict.fromkeys(missing, 404)
    rows = {int(row["id"]): row for row in read(api, DETAILS).records(DETAILS)}
    assert {key for key, row in rows.items() if row["gone_at"]} == {*missing}
    assert {*rows} == {*keys(api, DETAILS)}
    assert warnings(caplog) == errors(caplog) == []


def test_a_conversation_that_is_not_found_among_others_has_no_parts(api: Dashly) -> None:
    missing = keys(api, PARTS)[3:9]
    api.options.refused_rows = dict.fromkeys(missing, 404)
    assert rows_of(read(api, PARTS), PARTS) == {*keys(api, PARTS)} - {*missing}


def test_a_state_does_not_grow_with_leads_that_are_refused(api: Dashly) -> None:
    api.insert(200)
    chosen = keys(api, DETAILS)
    api.options.refused_rows = dict.fromkeys(chosen[5:-5], 403)
    run = read(api, DETAILS, code=1)
    (partition,) = run.state["bookmarks"][DETAILS]["partitions"]
    assert len(partition["refused"]) == 100
    assert rows_of(run, DETAILS).isdisjoint(chosen[5:-5])
    assert asked(api, DETAILS) < 200
