"""A sweep loses no lead, however the list changes, ties, hides or repeats."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.run import Table, everyone, read, sync
from tests.support.settings import DAY, KEYS, SOURCES, settings_for

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from sandbox import Api, Sandbox


def assert_two_runs_make_it_equal(api: Api) -> None:
    """After this run and a quiet one the table has each lead of the source as it is now."""
    table = Table()
    first = read(api)
    table.load(first.messages)
    api.after_request = None
    table.load(read(api, state=first.state).messages)
    rows = table.rows[f"{api.slot}_leads"]
    current = Table()
    current.load(read(api).messages)
    key = KEYS[api.slot]
    assert set(current.rows[f"{api.slot}_leads"]) == everyone(api)
    for lead_id, row in current.rows[f"{api.slot}_leads"].items():
        assert rows[lead_id][key] == row[key]


def on_each_request(edit: int = 0, insert: int = 0, delete: int = 0) -> Callable[..., None]:
    def after_request(api: Api, _rng: random.Random) -> None:
        api.edit(edit)
        api.insert(insert)
        api.delete(delete)

    return after_request


@pytest.mark.parametrize("source", SOURCES)
def test_every_lead_comes_once_and_in_the_order_of_its_key(box: Sandbox, source: str) -> None:
    api = box.apis[source]
    run = read(api)
    assert sorted(run.ids(f"{api.slot}_leads")) == sorted(everyone(api))
    keys = [
        r[KEYS[source]] for r in run.records(f"{api.slot}_leads") if r[KEYS[source]] is not None
    ]
    minute = 17 if source == "dashly" else None  # it can be asked for minutes only
    assert [k[:minute] for k in keys] == sorted(k[:minute] for k in keys)


@pytest.mark.parametrize("source", SOURCES)
def test_a_quiet_second_run_costs_one_or_two_requests(box: Sandbox, source: str) -> None:
    api = box.apis[source]
    first = read(api)
    before = len(api.journal)
    second = read(api, state=first.state)
    assert len(api.journal) - before <= 2
    assert second.state == first.state
    third = read(api, state=second.state)
    assert third.ids(f"{api.slot}_leads") == second.ids(f"{api.slot}_leads")
    assert third.state == second.state


@pytest.mark.parametrize("source", SOURCES)
def test_a_lead_edited_inserted_or_deleted_during_the_sweep_is_not_lost(
    box: Sandbox, source: str
) -> None:
    api = box.apis[source]
    api.options.page_cap = 20
    api.after_request = on_each_request(edit=3, insert=2, delete=2)
    assert_two_runs_make_it_equal(api)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("moving", [False, True])
def test_leads_of_one_moment_in_an_order_that_changes_are_not_lost(
    box: Sandbox, source: str, moving: bool
) -> None:
    api = box.apis[source]
    api.insert(1200, at=time.time() - 3 * DAY)
    api.after_request = on_each_request(edit=2, delete=1) if moving else None
    assert_two_runs_make_it_equal(api)


@pytest.mark.parametrize("source", SOURCES)
def test_a_lead_that_shows_up_late_is_found_by_the_lookback(box: Sandbox, source: str) -> None:
    api = box.apis[source]
    api.edit(1, at=time.time() - 5)
    first = read(api)
    late = api.insert(1, at=time.time() - 240)
    assert str(late[0]) in read(api, state=first.state).ids(f"{api.slot}_leads")


@pytest.mark.parametrize("source", SOURCES)
def test_without_lookback_a_run_begins_at_its_bookmark(box: Sandbox, source: str) -> None:
    api = box.apis[source]
    api.edit(2, at=time.time() - DAY // 24)
    first = read(api)
    again = read(api, state=first.state, lookback_seconds=0)
    assert again.bookmark(f"{api.slot}_leads") == first.bookmark(f"{api.slot}_leads")
    keyed = [r for r in again.records(f"{api.slot}_leads") if r[KEYS[source]] is not None]
    assert {r[KEYS[source]] for r in keyed} == {first.bookmark(f"{api.slot}_leads")}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("value", ["2999-01-01T00:00:00.000000Z", "yesterday"])
def test_a_bookmark_that_cannot_be_true_is_dropped_and_every_lead_read(
    box: Sandbox, source: str, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    api = box.apis[source]
    first = read(api)
    partition = first.state["bookmarks"][f"{api.slot}_leads"]["partitions"][0]
    partition["replication_key_value"] = value
    second = read(api, state=first.state)
    assert set(second.ids(f"{api.slot}_leads")) == everyone(api)
    assert (second.bookmark(f"{api.slot}_leads") or "z") < "2100"
    assert "syncing all records again" in caplog.text


def test_leads_that_were_never_seen_or_changed_are_read_in_every_run(box: Sandbox) -> None:
    for api, key in ((box.dashly, "$last_seen"), (box.octanist, "updatedAt")):
        fields: dict[str, Any] = {key: None}
        keyless = {str(i) for i in api.insert(130, **fields)}
        first = read(api)
        assert set(first.ids(f"{api.slot}_leads")) == everyone(api)
        assert keyless <= set(read(api, state=first.state).ids(f"{api.slot}_leads"))


def test_the_start_date_leaves_out_what_is_older_and_nothing_else(box: Sandbox) -> None:
    api = box.kommo
    marks = sorted(lead["updated_at"] for lead in api.rendered())
    middle = marks[len(marks) // 2]
    start = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(middle))
    run = sync({"start_date": start, "kommo": settings_for(api)})
    newer = {str(lead["id"]) for lead in api.rendered() if lead["updated_at"] >= middle}
    assert set(run.ids("kommo_leads")) == newer
