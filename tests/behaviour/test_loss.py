"""A sweep loses no lead, however the list changes, ties, hides or repeats."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import faults
from tests.support.run import Table, everyone, sync
from tests.support.settings import KEYS, SOURCES, settings_for

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from sandbox import Api, Sandbox
    from tests.support.run import Run

BOUNDS = ["kommo", "dashly"]
DAY = 86_400


def read(api: Api, state: dict[str, Any] | None = None, **settings: Any) -> Run:
    run = sync({api.slot: settings_for(api, **settings)}, state)
    assert run.code == 0
    return run


def stream(api: Api) -> str:
    return f"{api.slot}_leads"


def assert_two_runs_make_it_equal(api: Api) -> None:
    """After this run and a quiet one the table has each lead of the source as it is now."""
    table = Table()
    first = read(api)
    table.load(first.messages)
    api.after_request = None
    table.load(read(api, first.state).messages)
    rows = table.rows[stream(api)]
    current = Table()
    current.load(read(api).messages)
    key = KEYS[api.slot]
    assert set(current.rows[stream(api)]) == everyone(api)
    for lead_id, row in current.rows[stream(api)].items():
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
    assert sorted(run.ids(stream(api))) == sorted(everyone(api))
    keys = [r[KEYS[source]] for r in run.records(stream(api)) if r[KEYS[source]] is not None]
    minute = 17 if source == "dashly" else None  # it can be asked for minutes only
    assert [k[:minute] for k in keys] == sorted(k[:minute] for k in keys)


@pytest.mark.parametrize("source", SOURCES)
def test_a_quiet_second_run_costs_one_or_two_requests(box: Sandbox, source: str) -> None:
    api = box.apis[source]
    first = read(api)
    before = len(api.journal)
    second = read(api, first.state)
    assert len(api.journal) - before <= 2
    assert second.state == first.state
    third = read(api, second.state)
    assert third.ids(stream(api)) == second.ids(stream(api))
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
@pytest.mark.parametrize("echo", [False, True])
def test_a_server_that_caps_pages_without_a_word_costs_no_lead(
    box: Sandbox, source: str, echo: bool
) -> None:
    api = box.apis[source]
    api.options.page_cap = 7
    if source == "octanist":
        box.octanist.options.echo_cap = echo
    api.insert(60, at=time.time() - DAY)
    assert set(read(api).ids(stream(api))) == everyone(api)


@pytest.mark.parametrize("source", BOUNDS)
def test_bounds_that_the_server_takes_for_exclusive_cost_no_lead(box: Sandbox, source: str) -> None:
    api = box.apis[source]
    api.options.strict_bounds = "exclusive"  # type: ignore[attr-defined]  # these two have it
    api.options.page_cap = 20
    api.insert(90, at=time.time() - DAY)
    first = read(api)
    assert set(first.ids(stream(api))) == everyone(api)
    api.edit(30)
    assert len(read(api, first.state).ids(stream(api))) >= 30


@pytest.mark.parametrize("bounds", ["inclusive", "exclusive", "half_open"])
def test_leads_of_one_moment_are_whole_whatever_the_bounds_mean(box: Sandbox, bounds: Any) -> None:
    api = box.kommo
    api.options.strict_bounds = bounds
    at = int(time.time()) - DAY
    for ago in (0, 1, 2):
        api.insert(700, at=at - ago)
    assert set(read(api).ids("kommo_leads")) == everyone(api)
    start = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at - 2))
    run = sync({"start_date": start, "kommo": settings_for(api)})
    newer = {str(lead["id"]) for lead in api.rendered() if lead["updated_at"] >= at - 2}
    assert set(run.ids("kommo_leads")) == newer


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("days", [-400, 40])
def test_a_server_whose_clock_is_far_off_is_read_from_the_bookmark_on(
    box: Sandbox, source: str, days: int
) -> None:
    api = box.apis[source]
    assert api.count  # the leads are as old as the real clock says
    box.clock.advance(days * DAY)
    api.edit(3)
    first = read(api)
    assert set(first.ids(stream(api))) == everyone(api)
    edited = {str(i) for i in api.edit(4)}
    second = read(api, first.state)
    assert edited <= set(second.ids(stream(api)))
    assert len(second.ids(stream(api))) < 60 or days < 0


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("hours", [-30, -2, 2, 30])
def test_a_clock_of_our_own_that_is_wrong_hides_no_lead(
    box: Sandbox, source: str, hours: int
) -> None:
    api = box.apis[source]
    box.clock.advance(hours * 3600)
    api.edit(3)
    first = read(api)
    edited = {str(i) for i in api.edit(4)}
    box.clock.advance(3600)  # more than the lookback
    second = read(api, first.state)
    assert edited <= set(second.ids(stream(api)))
    assert len(second.ids(stream(api))) < 60 or hours == -30


@pytest.mark.parametrize("source", SOURCES)
def test_a_lead_that_shows_up_late_is_found_by_the_lookback(box: Sandbox, source: str) -> None:
    api = box.apis[source]
    api.edit(1, at=time.time() - 5)
    first = read(api)
    late = api.insert(1, at=time.time() - 240)
    assert str(late[0]) in read(api, first.state).ids(stream(api))


@pytest.mark.parametrize("source", SOURCES)
def test_without_lookback_a_run_begins_at_its_bookmark(box: Sandbox, source: str) -> None:
    api = box.apis[source]
    api.edit(2, at=time.time() - DAY // 24)
    first = read(api)
    again = read(api, first.state, lookback_seconds=0)
    assert again.bookmark(stream(api)) == first.bookmark(stream(api))
    keyed = [r for r in again.records(stream(api)) if r[KEYS[source]] is not None]
    assert {r[KEYS[source]] for r in keyed} == {first.bookmark(stream(api))}


@pytest.mark.parametrize("source", SOURCES)
def test_leads_dated_in_the_year_2999_are_read_and_hide_nothing(box: Sandbox, source: str) -> None:
    api = box.apis[source]
    far = api.edit(20, at=32_472_144_000)
    first = read(api)
    assert set(first.ids(stream(api))) == everyone(api)
    assert (first.bookmark(stream(api)) or "") < "2100"
    edited = api.edit([i for i in api.leads if i not in far][:5])
    second = read(api, first.state)
    assert {str(i) for i in [*edited, *far]} <= set(second.ids(stream(api)))


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("value", ["2999-01-01T00:00:00.000000Z", "yesterday"])
def test_a_bookmark_that_cannot_be_true_is_dropped_and_every_lead_read(
    box: Sandbox, source: str, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    api = box.apis[source]
    first = read(api)
    partition = first.state["bookmarks"][stream(api)]["partitions"][0]
    partition["replication_key_value"] = value
    second = read(api, first.state)
    assert set(second.ids(stream(api))) == everyone(api)
    assert (second.bookmark(stream(api)) or "z") < "2100"
    assert "syncing all records again" in caplog.text


@pytest.mark.parametrize("source", SOURCES)
def test_an_account_that_ignores_bounds_is_read_whole_and_filtered_here(
    box: Sandbox, source: str, caplog: pytest.LogCaptureFixture
) -> None:
    api = box.apis[source]
    api.options.page_cap = 40
    first = read(api)
    api.options.ignore_filters = True
    edited = api.edit(5)
    before = len(api.journal)
    second = read(api, first.state)
    assert {str(i) for i in edited} <= set(second.ids(stream(api)))
    assert len(second.ids(stream(api))) < 100
    assert "the API ignored the requested filter or sort order" in caplog.text
    assert len(api.journal) - before < 100


@pytest.mark.parametrize("source", SOURCES)
def test_an_account_that_ignores_the_order_is_read_whole(box: Sandbox, source: str) -> None:
    api = box.apis[source]
    api.options.ignore_order = True
    assert set(read(api).ids(stream(api))) == everyone(api)


@pytest.mark.parametrize("source", SOURCES)
def test_a_server_without_a_clock_is_read_all_the_same(box: Sandbox, source: str) -> None:
    api = box.apis[source]
    api.options.send_date = False
    first = read(api)
    edited = api.edit(5)
    assert {str(i) for i in edited} <= set(read(api, first.state).ids(stream(api)))


def test_leads_that_were_never_seen_or_changed_are_read_in_every_run(box: Sandbox) -> None:
    for api, key in ((box.dashly, "$last_seen"), (box.octanist, "updatedAt")):
        fields: dict[str, Any] = {key: None}
        keyless = {str(i) for i in api.insert(130, **fields)}
        first = read(api)
        assert set(first.ids(stream(api))) == everyone(api)
        assert keyless <= set(read(api, first.state).ids(stream(api)))


@pytest.mark.parametrize("source", SOURCES)
def test_an_empty_answer_is_not_taken_for_the_end_wherever_it_comes(
    box: Sandbox, source: str
) -> None:
    api = box.apis[source]
    api.insert(150, at=time.time() - DAY)  # of one moment, and more than a page
    api.options.page_cap = 50
    for place in range(18):
        api.faults.plan(*[faults.none()] * place, faults.early_204(counted=place % 3 == 0))
        assert set(read(api).ids(stream(api))) == everyone(api)
        api.faults.clear()


def test_a_server_that_serves_no_page_beyond_some_number_hides_no_lead(box: Sandbox) -> None:
    api = box.kommo
    api.options.page_cap = 20
    api.options.page_ceiling = 4
    now = int(time.time())
    for ago in range(90, 95):
        api.insert(50, at=now - ago)
    assert set(read(api).ids("kommo_leads")) == everyone(api)


def test_what_cannot_be_reached_is_counted_and_is_an_error(
    box: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    api = box.kommo
    api.options.page_cap = 20
    api.options.page_ceiling = 4
    api.insert(200, at=time.time() - DAY)
    run = sync({"kommo": settings_for(api)})
    assert run.code == 1
    assert re.search(r"more than the first \d+ records of a query", caplog.text)


def test_next_links_to_another_host_are_not_followed_and_cost_no_lead(box: Sandbox) -> None:
    box.kommo.options.page_cap = 50
    box.kommo.options.foreign_next = "https://evil.example"
    assert set(read(box.kommo).ids("kommo_leads")) == everyone(box.kommo)


def test_next_links_that_never_end_end_the_sweep_all_the_same(box: Sandbox) -> None:
    box.kommo.options.page_cap = 50
    box.kommo.options.repeat_next = True
    box.kommo.options.last_page_next = True
    assert set(read(box.kommo).ids("kommo_leads")) == everyone(box.kommo)


def test_a_next_link_on_every_page_is_not_taken_for_leads_that_are_missing(box: Sandbox) -> None:
    box.kommo.options.page_cap = 50
    box.kommo.options.always_next = True
    box.kommo.insert(180, at=time.time() - DAY)
    assert set(read(box.kommo).ids("kommo_leads")) == everyone(box.kommo)


def test_the_start_date_leaves_out_what_is_older_and_nothing_else(box: Sandbox) -> None:
    api = box.kommo
    marks = sorted(lead["updated_at"] for lead in api.rendered())
    middle = marks[len(marks) // 2]
    start = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(middle))
    run = sync({"start_date": start, "kommo": settings_for(api)})
    newer = {str(lead["id"]) for lead in api.rendered() if lead["updated_at"] >= middle}
    assert set(run.ids("kommo_leads")) == newer


def test_dates_in_another_time_zone_than_the_settings_say_cost_no_lead(
    box: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    box.dashly.options.page_cap = 20
    for offset in (3, -3):
        box.dashly.options.props_utc_offset = offset
        assert set(read(box.dashly).ids("dashly_leads")) == everyone(box.dashly)
    box.dashly.options.props_utc_offset = 2
    box.dashly.edit(1)
    caplog.clear()
    assert set(read(box.dashly, timezone="Etc/GMT-2").ids("dashly_leads")) == everyone(box.dashly)
    assert not [r for r in caplog.records if r.levelname == "WARNING"]
