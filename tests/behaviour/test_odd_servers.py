"""No lead is lost where an API caps, ignores, repeats or misdates what it serves."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import faults
from tests.support.run import everyone, read, sync
from tests.support.settings import DAY, SOURCES, settings_for

if TYPE_CHECKING:
    from sandbox import Sandbox


BOUNDS = ["kommo", "dashly"]


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
    assert set(read(api).ids(f"{api.slot}_leads")) == everyone(api)


@pytest.mark.parametrize("source", BOUNDS)
def test_bounds_that_the_server_takes_for_exclusive_cost_no_lead(box: Sandbox, source: str) -> None:
    api = box.apis[source]
    api.options.strict_bounds = "exclusive"  # type: ignore[attr-defined]  # these two have it
    api.options.page_cap = 20
    api.insert(90, at=time.time() - DAY)
    first = read(api)
    assert set(first.ids(f"{api.slot}_leads")) == everyone(api)
    api.edit(30)
    assert len(read(api, state=first.state).ids(f"{api.slot}_leads")) >= 30


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
    assert set(first.ids(f"{api.slot}_leads")) == everyone(api)
    edited = {str(i) for i in api.edit(4)}
    second = read(api, state=first.state)
    assert edited <= set(second.ids(f"{api.slot}_leads"))
    assert len(second.ids(f"{api.slot}_leads")) < 60 or days < 0


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
    second = read(api, state=first.state)
    assert edited <= set(second.ids(f"{api.slot}_leads"))
    assert len(second.ids(f"{api.slot}_leads")) < 60 or hours == -30


@pytest.mark.parametrize("source", SOURCES)
def test_leads_dated_in_the_year_2999_are_read_and_hide_nothing(box: Sandbox, source: str) -> None:
    api = box.apis[source]
    far = api.edit(20, at=32_472_144_000)
    first = read(api)
    assert set(first.ids(f"{api.slot}_leads")) == everyone(api)
    assert (first.bookmark(f"{api.slot}_leads") or "") < "2100"
    edited = api.edit([i for i in api.leads if i not in far][:5])
    second = read(api, state=first.state)
    assert {str(i) for i in [*edited, *far]} <= set(second.ids(f"{api.slot}_leads"))


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
    second = read(api, state=first.state)
    assert {str(i) for i in edited} <= set(second.ids(f"{api.slot}_leads"))
    assert len(second.ids(f"{api.slot}_leads")) < 100
    assert "the API ignored the requested filter or sort order" in caplog.text
    assert len(api.journal) - before < 100


@pytest.mark.parametrize("source", SOURCES)
def test_an_account_that_ignores_the_order_is_read_whole(box: Sandbox, source: str) -> None:
    api = box.apis[source]
    api.options.ignore_order = True
    assert set(read(api).ids(f"{api.slot}_leads")) == everyone(api)


@pytest.mark.parametrize("source", SOURCES)
def test_a_server_without_a_clock_is_read_all_the_same(box: Sandbox, source: str) -> None:
    api = box.apis[source]
    api.options.send_date = False
    first = read(api)
    edited = api.edit(5)
    assert {str(i) for i in edited} <= set(read(api, state=first.state).ids(f"{api.slot}_leads"))


@pytest.mark.parametrize("source", SOURCES)
def test_an_empty_answer_is_not_taken_for_the_end_wherever_it_comes(
    box: Sandbox, source: str
) -> None:
    api = box.apis[source]
    api.insert(150, at=time.time() - DAY)  # of one moment, and more than a page
    api.options.page_cap = 50
    for place in range(18):
        api.faults.plan(*[faults.none()] * place, faults.early_204(counted=place % 3 == 0))
        assert set(read(api).ids(f"{api.slot}_leads")) == everyone(api)
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
