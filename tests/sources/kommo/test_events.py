"""Kommo's events, which have no order: stage changes and all that happens to leads."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox import Sandbox
from sandbox.kommo.leads import PIPELINES
from tests.support.catalogs import catalog_for
from tests.support.kommo_streams import assert_equal, read
from tests.support.moments import moment
from tests.support.run import Table, sync
from tests.support.runtime import set_runtime
from tests.support.settings import DAY, settings_for

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sandbox import Api
    from sandbox.kommo.api import Kommo

CHANGES = "kommo_lead_stage_changes"
EVENTS = "kommo_lead_events"
LOOKBACK = 600
STAGES = [(pipeline, stage) for pipeline, stages in PIPELINES.items() for stage in stages]
Row = dict[str, Any]
Moves = dict[int, list[tuple[Any, ...]]]


@pytest.fixture
def kommo() -> Iterator[Kommo]:
    with Sandbox(leads=200, seed=7) as box:
        box.clock.freeze()
        box.kommo.options.rate_limit = None
        yield box.kommo


def truth(api: Kommo) -> Moves:
    """The moves of each lead as they were, in order: when, from where, to where."""
    moves = {
        lead: [(moment(new.at), *old[1:], *new[1:]) for old, new in pairwise(past)]
        for lead, past in api.stage_history().items()
    }
    return {lead: sorted(each) for lead, each in moves.items() if each}


def moves_of(rows: Iterable[Mapping[str, Any]]) -> Moves:
    """The same from the rows of a table."""
    names = ("changed_at", "from_pipeline_id", "from_status_id", "to_pipeline_id", "to_status_id")
    moves: Moves = defaultdict(list)
    for row in rows:
        moves[row["lead_id"]].append(tuple(row[name] for name in names))
    return {lead: sorted(each) for lead, each in moves.items()}


def move(api: Kommo, count: int, within: float, ago: float = 0.0) -> None:
    """Move leads from stage to stage at moments spread over a span of time."""
    rng, now, leads = api.rng, api.clock.now(), list(api.leads)
    for _ in range(count):
        pipeline, stage = rng.choice(STAGES)
        at = now - ago - int(rng.random() * within)
        api.edit([rng.choice(leads)], at=at, pipeline_id=pipeline, status_id=stage)


def in_order(rows: Sequence[Row], key: str) -> bool:
    """Whether rows are in the order of their key."""
    return all(one[key] <= other[key] for one, other in pairwise(rows))


# Stage changes


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
    rows = read(kommo, CHANGES, top={"concurrency": threads}).records(CHANGES)
    assert len(rows) > 5000
    assert len({row["id"] for row in rows}) == len(rows)
    assert moves_of(rows) == truth(kommo)
    assert in_order(rows, "changed_at")
    assert len(kommo.journal) < 2 * len(rows) / 250
    assert max(int(request.query["page"][0]) for request in kommo.journal) < 15


@pytest.mark.parametrize("days", [0.01, 1, 30])
def test_events_that_lie_close_together_cost_few_requests_too(kommo: Kommo, days: float) -> None:
    move(kommo, 6000, within=days * DAY, ago=100 * DAY)
    rows = read(kommo, CHANGES).records(CHANGES)
    assert moves_of(rows) == truth(kommo)
    assert len(kommo.journal) < 2 * len(rows) / 250


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
    rows = read(kommo, CHANGES).records(CHANGES)
    assert moves_of(rows) == truth(kommo)
    assert "the API ignored the requested filter" in caplog.text
    assert len(kommo.journal) < 3 * len(kommo.events()) / 250


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


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    groups=st.lists(st.tuples(st.integers(1, 25), st.integers(1, 90)), min_size=1, max_size=5),
    during=st.lists(st.integers(0, 4), max_size=20),
    order=st.sampled_from(["newest_first", "oldest_first", "shuffled"]),
    ties=st.sampled_from(["stable", "shuffled"]),
    limit=st.integers(8, 15),
    kill_at=st.integers(0, 200),
    threads=st.sampled_from([1, 4]),
    lag=st.sampled_from([0, 300]),
)
def test_after_any_moves_and_a_kill_one_quiet_run_makes_the_table_the_history(
    groups: list[tuple[int, int]],
    during: list[int],
    order: Any,
    ties: Any,
    limit: int,
    kill_at: int,
    threads: int,
    lag: int,
) -> None:
    with pytest.MonkeyPatch.context() as patch, Sandbox(leads=20, seed=3) as box:
        set_runtime(patch, records_per_state=5)
        api, left = box.kommo, list(during)
        box.clock.freeze()
        api.options.rate_limit = None
        api.options.events_order, api.options.events_ties = order, ties
        api.options.events_limit, api.options.late_events = limit, 0.5
        for count, days in groups:
            move(api, count, within=min(count, 20), ago=days * DAY)
        api.options.events_lag = lag

        def after_request(_api: Api, _rng: random.Random) -> None:
            if left:
                box.clock.advance(1)
                move(api, left.pop(), within=1)

        api.after_request = after_request
        config = {"kommo": settings_for(api), "concurrency": threads}
        moving = sync(config, catalog=catalog_for(CHANGES))
        api.after_request = None
        survived = moving.messages[:kill_at] if kill_at else moving.messages
        table = Table()
        table.load(survived)
        states = [m["value"] for m in survived if m["type"] == "STATE"]
        box.clock.advance(lag + 1)
        table.load(read(api, CHANGES, state=states[-1] if states else None).messages)
        assert moving.code == 0
        assert moves_of(table.rows[CHANGES].values()) == truth(api)


# All that happens to leads


def test_every_event_of_a_lead_comes_with_what_was_before_and_after(kommo: Kommo) -> None:
    kommo.edit(20)
    kommo.delete(2)
    kommo.contacts.edit(3)
    events = [event for event in kommo.events() if event["entity_type"] == "lead"]
    rows = read(kommo, EVENTS).records(EVENTS)
    for row in rows:
        entity = json.loads(row["extra"])["_embedded.entity"]
        assert entity["id"] == row["entity_id"]
    assert_equal(rows, events)
    assert in_order(rows, "created_at")


@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize(
    ("types", "found"),
    [
        (["lead_added"], {"lead_added"}),
        (["lead_deleted", "name_field_changed"], {"lead_deleted", "name_field_changed"}),
        ("lead_deleted,lead_added", {"lead_deleted", "lead_added"}),
        (["lead_restored"], set[str]()),
    ],
)
def test_events_are_of_the_types_in_the_settings(
    kommo: Kommo, types: Any, found: set[str], *, ignored: bool
) -> None:
    kommo.edit(3, name="Renamed")
    kommo.delete(2)
    kommo.options.ignore_filters = ignored
    rows = read(kommo, EVENTS, event_types=types).records(EVENTS)
    counted = Counter(row["type"] for row in rows)
    wanted = Counter(each["type"] for each in kommo.events() if each["type"] in found)
    assert counted == wanted
