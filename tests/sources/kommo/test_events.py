"""The stream `kommo_lead_stage_changes`, read from events that the API cannot sort."""

from __future__ import annotations

import json
from math import ceil
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.kommo.events import INTEGRATION
from tests.support.kommo_events import in_order, move, moves_of, truth
from tests.support.kommo_streams import frozen_kommo
from tests.support.moments import moment
from tests.support.run import Table, read
from tests.support.settings import DAY

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from sandbox import Api
    from sandbox.kommo.api import Kommo

CHANGES = "kommo_lead_stage_changes"
EVENTS = "kommo_lead_events"
LOOKBACK = 600


@pytest.fixture
def kommo() -> Iterator[Kommo]:
    yield from frozen_kommo(leads=200)


def test_a_stage_change_says_from_where_to_where_when_and_by_whom(kommo: Kommo) -> None:
    (lead,) = kommo.edit(1, pipeline_id=12215168, status_id=94386183)
    kommo.clock.advance(60)
    kommo.edit([lead], pipeline_id=12480022, status_id=143, updated_by=0)
    last = read(kommo, CHANGES).records(CHANGES)[-1]
    assert isinstance(last.pop("id"), str)
    assert last == {
        "account": "acme",
        "lead_id": lead,
        "changed_at": moment(int(kommo.clock.now())),
        "changed_by": 0,
        "oauth_client_uuid": INTEGRATION,
        "from_pipeline_id": 12215168,
        "from_status_id": 94386183,
        "to_pipeline_id": 12480022,
        "to_status_id": 143,
        "account_id": 35379952,
        "extra": None,
    }


@pytest.mark.parametrize("ties", ["stable", "shuffled"])
@pytest.mark.parametrize("order", ["newest_first", "oldest_first", "shuffled"])
def test_the_table_is_the_history_whatever_the_order_of_events(
    kommo: Kommo, order: Any, ties: Any
) -> None:
    kommo.options.events_order, kommo.options.events_ties = order, ties
    kommo.options.events_limit = 100
    at = kommo.clock.now() - 40 * DAY
    move(kommo, 200, within=1, ago=40 * DAY)
    kommo.insert(120, at=at, status_id=94386183, pipeline_id=12215168)
    kommo.edit(120, at=at + 60, status_id=94386187, pipeline_id=12215168)
    rows = read(kommo, CHANGES).records(CHANGES)
    assert len({row["id"] for row in rows}) == len(rows)
    assert moves_of(rows) == truth(kommo)
    assert in_order(rows, "changed_at")


@pytest.mark.parametrize("threads", [1, 4, 8])
def test_five_thousand_events_come_once_and_in_order_for_about_a_request_a_page(
    kommo: Kommo, threads: int
) -> None:
    move(kommo, 6000, within=700 * DAY)
    rows = read(kommo, CHANGES, concurrency=threads).records(CHANGES)
    assert len(rows) > 5000
    assert len({row["id"] for row in rows}) == len(rows)
    assert moves_of(rows) == truth(kommo)
    assert in_order(rows, "changed_at")
    assert len(kommo.journal) < 2 * len(rows) / 250


@pytest.mark.parametrize("days", [0.01, 1, 30])
def test_events_that_lie_close_together_cost_few_requests_too(kommo: Kommo, days: float) -> None:
    move(kommo, 6000, within=days * DAY, ago=100 * DAY)
    rows = read(kommo, CHANGES).records(CHANGES)
    assert moves_of(rows) == truth(kommo)
    assert len(kommo.journal) < 2 * len(rows) / 250


@pytest.mark.parametrize("count", [400, 3300])
@pytest.mark.parametrize(
    ("order", "requests_per_page"), [("newest_first", 2), ("oldest_first", 2), ("shuffled", 3)]
)
def test_events_of_one_second_in_another_order_in_each_response_cost_few_requests(
    kommo: Kommo, order: Any, requests_per_page: int, count: int
) -> None:
    kommo.options.events_order, kommo.options.events_ties = order, "shuffled"
    move(kommo, count, within=count / 4, ago=100 * DAY)
    rows = read(kommo, CHANGES).records(CHANGES)
    assert moves_of(rows) == truth(kommo)
    assert len(kommo.journal) <= requests_per_page * ceil(len(rows) / 250)


def test_more_events_of_one_second_than_a_window_holds_are_read(kommo: Kommo) -> None:
    at = kommo.clock.now() - 5 * DAY
    kommo.insert(3500, at=at - DAY, status_id=94386183, pipeline_id=12215168)
    kommo.edit(list(kommo.leads), at=at, status_id=142)
    assert moves_of(read(kommo, CHANGES).records(CHANGES)) == truth(kommo)


def test_events_of_long_ago_are_read(kommo: Kommo) -> None:
    move(kommo, 4000, within=3000 * DAY, ago=2000 * DAY)
    rows = read(kommo, CHANGES).records(CHANGES)
    assert moves_of(rows) == truth(kommo)


@pytest.mark.parametrize("days", [0, 1, 30, 1000])
def test_a_quiet_run_costs_a_request_or_two(kommo: Kommo, days: int) -> None:
    move(kommo, 2000, within=300 * DAY)
    first = read(kommo, CHANGES, EVENTS)
    kommo.clock.advance(days * DAY)
    kommo.journal.clear()
    again = read(kommo, CHANGES, EVENTS, state=first.state)
    assert len(kommo.journal) <= 2 * 2
    assert len(again.records(CHANGES)) <= 20
    assert again.bookmark(CHANGES) == first.bookmark(CHANGES)


def test_an_account_without_events_has_no_rows_and_no_bookmark(kommo: Kommo) -> None:
    kommo.options.events_retention_days = 0
    kommo.clock.advance(1)
    run = read(kommo, CHANGES)
    assert run.records(CHANGES) == []
    assert run.bookmark(CHANGES) is None
    assert len(kommo.journal) == 2


def test_moves_between_runs_and_between_requests_are_read_in_the_next(kommo: Kommo) -> None:
    table, state = Table(), None

    def after_request(_api: Api, _rng: random.Random) -> None:
        kommo.clock.advance(1)
        move(kommo, 3, within=1)

    kommo.options.events_limit = 100
    for _ in range(4):
        kommo.after_request = after_request
        run = read(kommo, CHANGES, state=state)
        kommo.after_request = None
        table.load(run.messages)
        state = run.state
        kommo.clock.advance(3600)
        move(kommo, 60, within=3000)
    table.load(read(kommo, CHANGES, state=state).messages)
    assert moves_of(table.rows[CHANGES].values()) == truth(kommo)


def test_events_that_come_late_are_found_by_the_lookback(kommo: Kommo) -> None:
    kommo.options.events_lag, kommo.options.late_events = LOOKBACK - 60, 0.5
    table, state = Table(), None
    for _ in range(5):
        move(kommo, 20, within=1)
        run = read(kommo, CHANGES, state=state)
        table.load(run.messages)
        state = run.state
        kommo.clock.advance(400)
    kommo.clock.advance(400)
    table.load(read(kommo, CHANGES, state=state).messages)
    assert moves_of(table.rows[CHANGES].values()) == truth(kommo)


@pytest.mark.parametrize("bounds", ["inclusive", "exclusive", "half_open"])
def test_events_are_whole_whatever_the_bounds_mean(kommo: Kommo, bounds: Any) -> None:
    kommo.options.strict_bounds = bounds
    move(kommo, 2000, within=2000)
    first = read(kommo, CHANGES, lookback_seconds=0)
    assert moves_of(first.records(CHANGES)) == truth(kommo)
    again = read(kommo, CHANGES, lookback_seconds=0, state=first.state)
    newest = [row["id"] for row in first.records(CHANGES)][-1]
    assert newest in again.ids(CHANGES)


def test_an_account_that_ignores_filters_is_read_once_and_filtered_here(
    kommo: Kommo, caplog: pytest.LogCaptureFixture
) -> None:
    move(kommo, 4000, within=300 * DAY)
    kommo.contacts.edit(30)
    kommo.options.ignore_filters = True
    first = read(kommo, CHANGES)
    assert moves_of(first.records(CHANGES)) == truth(kommo)
    assert len(kommo.journal) < 3 * len(kommo.events()) / 250
    # A list that is read as a whole needs no filter; that of the next run is ignored.
    again = read(kommo, CHANGES, state=first.state)
    assert len(again.records(CHANGES)) < 20
    assert "the API ignored the requested filter" in caplog.text


def test_an_event_that_does_not_say_what_changed_is_kept(kommo: Kommo) -> None:
    kommo.options.event_values = "empty"
    rows = read(kommo, CHANGES).records(CHANGES)
    assert len(rows) == sum(map(len, truth(kommo).values()))
    assert all(row["to_status_id"] is None and row["lead_id"] for row in rows)


def test_an_event_whose_values_are_none_that_are_known_is_kept_with_them(kommo: Kommo) -> None:
    kommo.options.event_values = "odd"
    run = read(kommo, CHANGES)
    rows = run.records(CHANGES)
    assert run.code == 0
    assert len(rows) == sum(map(len, truth(kommo).values()))
    assert all(row["to_status_id"] is None and row["lead_id"] for row in rows)
    extra = {"value_after": [["no object"], None, {"lead_status": "moved"}], "value_before": "none"}
    assert {row["extra"] for row in rows} == {json.dumps(extra, separators=(",", ":"))}
