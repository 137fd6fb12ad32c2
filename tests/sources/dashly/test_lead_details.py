"""Details of leads: those that changed, how many in a run, and leads that are gone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import faults
from sandbox.dashly.leads import moment
from tests.support.catalogs import catalog_for
from tests.support.logs import errors, warnings
from tests.support.run import config_of, everyone, read, sync

if TYPE_CHECKING:
    from sandbox import Sandbox
    from sandbox.dashly.api import Dashly

STREAM = "dashly_lead_details"


@pytest.fixture
def api(box: Sandbox) -> Dashly:
    """An app with 60 leads, 2 of which were never seen."""
    api = box.dashly
    never = [key for key, lead in api.leads.items() if "$last_seen" not in lead["props"]]
    seen = [key for key in api.leads if key not in never]
    api.delete([*never[2:], *seen[58:]])
    return api


def seen(api: Dashly) -> list[str]:
    """Return the IDs of the leads that were seen, the least recent first."""
    dates = {key: lead["props"].get("$last_seen") for key, lead in api.leads.items()}
    return [str(key) for key in sorted(api.leads, key=lambda key: str(dates[key])) if dates[key]]


def asked(api: Dashly, since: int = 0) -> list[str]:
    """Return the IDs of the leads whose details were requested."""
    return [r.path.split("/")[-1] for r in api.journal[since:] if r.path.startswith("/v2/users/")]


@pytest.mark.parametrize("shape", ["list", "dict"])
def test_every_lead_has_its_details(api: Dashly, shape: Any) -> None:
    api.options.events_shape = shape
    run = read(api, STREAM)
    rows = {row["id"]: row for row in run.records(STREAM)}
    assert {*rows} == everyone(api)
    assert sorted(asked(api)) == sorted(rows)
    for key, lead in api.leads.items():
        row, props = rows[str(key)], lead["props"]
        assert row["user_id"] == props.get("$user_id")
        custom = json.loads(row["props_custom"])
        assert {*custom} == {name for name in props if not name.startswith("$")}
        assert json.loads(row["segments"])[0]["name"] == "segment-reg"
        assert row["timezone_offset"] == 180
        assert row["removed"] is row["gone_at"] is row["extra"] is None
        events = json.loads(row["event_types"])
        assert [event["count"] for event in events] == (
            [props["$event_18_count"]] if "$event_18_count" in props else []
        )


def test_no_request_creates_a_lead(api: Dashly) -> None:
    read(api, STREAM)
    assert not any("by_user_id" in request.query for request in api.journal)
    assert {request.method for request in api.journal} == {"GET"}


def test_deselected_parts_are_not_requested(api: Dashly) -> None:
    catalog = catalog_for(STREAM)
    (stream,) = (each for each in catalog["streams"] if each["stream"] == STREAM)
    stream["metadata"] += [
        {"breadcrumb": ["properties", name], "metadata": {"selected": False}}
        for name in ("notes", "event_types")
    ]
    read(api, catalog=catalog)
    queries = [r.query for r in api.journal if r.path.startswith("/v2/users/")]
    assert {query["notes"][0] for query in queries} == {"false"}
    assert {query["events"][0] for query in queries} == {"false"}
    assert {query["segments"][0] for query in queries} == {"true"}


def test_a_later_run_reads_the_leads_that_changed(api: Dashly) -> None:
    first = read(api, STREAM)
    chosen = [int(each) for each in seen(api)[:3]]
    api.clock.advance(7200)
    api.edit(chosen, at=api.clock.now())
    count, before = len(api.journal), first.bookmark(STREAM)
    second = read(api, STREAM, state=first.state)
    assert {*map(str, chosen)} <= {*asked(api, count)}
    assert len(asked(api, count)) == 3 + 2 + 1  # the never seen, and the one at the bookmark
    after = second.bookmark(STREAM)
    assert (after or "") > (before or "")
    assert read(api, STREAM, state=second.state).bookmark(STREAM) == after


def test_a_limited_run_is_continued_by_the_next_until_all_are_read(
    api: Dashly, caplog: pytest.LogCaptureFixture
) -> None:
    state, found, runs = None, [], 0
    while runs < 10:
        caplog.clear()
        count = len(api.journal)
        run = read(api, STREAM, state=state, details_per_run=20, lookback_seconds=60)
        runs, state = runs + 1, run.state
        found += run.ids(STREAM)
        if not warnings(caplog):
            break
        (line,) = warnings(caplog)
        assert "limited by `details_per_run`; the next run continues after them" in line
        assert 20 <= len(asked(api, count)) <= 22
    assert runs == 3
    assert {*found} == everyone(api)


@pytest.mark.parametrize("limit", [1, 7])
def test_leads_of_one_moment_do_not_stop_a_limited_run(api: Dashly, limit: int) -> None:
    same = [int(each) for each in seen(api)[10:40]]
    date = api.leads[same[0]]["props"]["$last_seen"]
    last_seen: dict[str, Any] = {"$last_seen": f"{date:%Y-%m-%dT%H:%M:%S}"}
    api.edit(same, touch=False, **last_seen)
    state, found = None, set()
    for _ in range(80):
        run = read(api, STREAM, state=state, details_per_run=limit)
        state = run.state
        found |= {*run.ids(STREAM)}
        if (run.bookmark(STREAM) or "") >= f"{date:%Y-%m-%dT%H:%M:%S}":
            assert found >= {*map(str, same)}
        if found >= {*seen(api)}:
            return
    pytest.fail("the runs make no progress")


def test_many_leads_within_the_overlap_do_not_stop_a_limited_run(api: Dashly) -> None:
    now = api.clock.now()
    for index, each in enumerate(seen(api)):
        date = moment(now - 90 * 60 + index * 60)
        last_seen: dict[str, Any] = {"$last_seen": f"{date:%Y-%m-%dT%H:%M:%S}"}
        api.edit([int(each)], touch=False, **last_seen)
    state, found = None, set()
    for _ in range(15):
        run = read(api, STREAM, state=state, details_per_run=5, lookback_seconds=3600)
        state = run.state
        found |= {*run.ids(STREAM)}
    assert found >= {*seen(api)}


def test_a_backlog_of_leads_that_were_active_together_is_read_once(api: Dashly) -> None:
    for index, each in enumerate(seen(api)):
        date = moment(api.clock.now() - 86_400 + index * 20)
        last_seen: dict[str, Any] = {"$last_seen": f"{date:%Y-%m-%dT%H:%M:%S}"}
        api.edit([int(each)], touch=False, **last_seen)
    state, runs = None, 0
    found: list[str] = []
    while {*found} < {*seen(api)}:
        run = read(api, STREAM, state=state, details_per_run=10)
        state, runs = run.state, runs + 1
        found += [key for key in run.ids(STREAM) if key in seen(api)]
    assert len(found) == 58 + runs - 1  # the lead at the bookmark comes again


@pytest.mark.parametrize("limit", [None, 30])
def test_a_lead_that_is_listed_late_is_read(api: Dashly, limit: int | None) -> None:
    settings: dict[str, Any] = {"details_per_run": limit} if limit else {}
    state = read(api, STREAM).state
    api.clock.advance(7200)
    listed = api.clock.now()
    api.insert(1, at=listed)
    state = read(api, STREAM, state=state, **settings).state
    late = [*map(str, api.insert(20, at=listed - 1500))]
    assert {*late} <= {*read(api, STREAM, state=state, **settings).ids(STREAM)}


def test_leads_that_were_never_seen_come_last_and_are_reported_if_they_do_not_fit(
    api: Dashly, caplog: pytest.LogCaptureFixture
) -> None:
    run = read(api, STREAM, details_per_run=59)
    assert {*run.ids(STREAM)} > {*seen(api)}
    (line,) = warnings(caplog)
    assert "leads without a date of their last activity remain, which the next runs read" in line
    assert run.bookmark(STREAM) is not None


def test_leads_that_were_never_seen_take_turns_under_a_limit(api: Dashly) -> None:
    never = [str(key) for key in api.leads if str(key) not in seen(api)]
    never += map(str, api.insert(23))
    api.edit([int(key) for key in never], touch=False, **{"$last_seen": None})
    state, found = read(api, STREAM, details_per_run=58).state, []
    for _ in range(5):
        run = read(api, STREAM, state=state, details_per_run=5)
        state = run.state
        found += [key for key in run.ids(STREAM) if key in never]
        assert len(json.dumps(state)) < 400
    assert sorted(found) == sorted(never)
    again = read(api, STREAM, state=state, details_per_run=5)
    assert [key for key in again.ids(STREAM) if key in never] == found[:5]


def test_a_lead_that_is_gone_is_a_row(api: Dashly) -> None:
    gone = [int(each) for each in seen(api)[5:7]]

    def delete(*_: object) -> None:
        if len(asked(api)) == 3:
            api.delete(gone)

    api.after_request = delete
    run = read(api, STREAM)
    rows = {row["id"]: row for row in run.records(STREAM)}
    assert len(rows) == 60
    for each in map(str, gone):
        assert rows[each]["gone_at"].endswith("Z")
        assert rows[each]["last_seen"] is not None
        assert rows[each]["user_id"] is None


def test_a_lead_that_was_merged_says_when(api: Dashly) -> None:
    key = int(seen(api)[5])
    api.leads[key]["removed"] = "2026-11-20T10:00:00"
    row = next(r for r in read(api, STREAM).records(STREAM) if r["id"] == str(key))
    assert row["removed"] == "2026-11-20T10:00:00.000000Z"
    rows = read(api, STREAM, timezone="Europe/Berlin").records(STREAM)
    assert next(r for r in rows if r["id"] == str(key))["removed"] == "2026-11-20T09:00:00.000000Z"


def test_another_refusal_of_a_lead_is_no_lead_that_is_gone(
    api: Dashly, caplog: pytest.LogCaptureFixture
) -> None:
    api.faults.plan(*["none"] * 10, faults.status(400))
    run = read(api, STREAM, code=1)
    assert all(row["gone_at"] is None for row in run.records(STREAM))
    (line,) = errors(caplog)
    assert "(HTTP 400) (BadRequest)" in line


def test_a_run_that_stopped_is_resumed(api: Dashly) -> None:
    api.faults.plan(*["none"] * 40, faults.status(403))
    first = read(api, STREAM, code=1)
    assert first.bookmark(STREAM) is not None
    second = read(api, STREAM, state=first.state)
    assert {*first.ids(STREAM), *second.ids(STREAM)} == everyone(api)
    assert len(second.ids(STREAM)) < 40


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("fault", ["reset", "truncate", "html200", "early_204", "meta_error200"])
def test_a_failed_request_is_sent_again(api: Dashly, fault: Any) -> None:
    api.faults.plan(*["none"] * 7, fault, "none", fault)
    assert {*read(api, STREAM).ids(STREAM)} == everyone(api)


def test_leads_are_narrowed_by_the_filters_of_the_source(api: Dashly) -> None:
    known = {"type": "known", "property_name": "$phone", "value": {}}
    run = read(api, STREAM, filters={"type": "and", "filters": [known]})
    assert {*run.ids(STREAM)} == {
        str(key) for key, lead in api.leads.items() if "$phone" in lead["props"]
    }


def test_a_run_says_beforehand_how_long_it_takes(
    api: Dashly, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    read(api, STREAM, requests_per_second=1000)
    text = "reading the details of 60 leads takes about 0 s at 1000 requests per second"
    assert f"{STREAM}, account default: {text}" in caplog.text


def test_a_list_that_ignores_filters_is_read_whole_and_in_order(api: Dashly) -> None:
    first = read(api, STREAM)
    api.options.ignore_filters = True
    api.options.ignore_order = True
    run = read(api, STREAM, state=first.state, lookback_seconds=0)
    assert {*run.ids(STREAM)} >= {seen(api)[-1]}
    limited = read(api, STREAM, details_per_run=10)
    assert [*limited.ids(STREAM)] == seen(api)[:10]


def test_every_account_has_its_own_details(api: Dashly) -> None:
    config = config_of(api)
    config["dashly"]["accounts"] = [
        {"name": "a", "auth_token": api.add_account(), "details_per_run": 5},
        {"name": "b", "auth_token": api.add_account()},
    ]
    del config["dashly"]["auth_token"]
    run = sync(config, catalog=catalog_for(STREAM))
    assert run.code == 0
    counts = [sum(row["account"] == name for row in run.records(STREAM)) for name in "ab"]
    assert counts == [5, 60]
