"""Runs after the first cost what changed, and lose nothing that changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.kommo_deleted import DELETED, Target, at, gone
from tests.support.kommo_streams import count_requests, frozen_kommo
from tests.support.run import read
from tests.support.settings import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.kommo.api import Kommo

LOOKBACK = 600
MANY = 3000


@pytest.fixture
def kommo() -> Iterator[Kommo]:
    yield from frozen_kommo(leads=40)


def delete_many(kommo: Kommo) -> tuple[list[int], list[int]]:
    """Delete many leads, purge most of them, and merge some; return those purged, and the rest."""
    leads = kommo.insert(MANY + 300, at=kommo.clock.now() - 90 * DAY)
    kommo.delete(leads[:MANY])
    purged = leads[: MANY * 9 // 10]
    kommo.purge(purged)
    rest = leads[MANY:]
    for one, into in zip(rest[::2], rest[1::2], strict=True):
        kommo.merge([one], into)
    return purged, leads[len(purged) : MANY]


@pytest.mark.parametrize("passed", [0, 60, LOOKBACK + 60, 30 * DAY])
@pytest.mark.parametrize("order", ["newest_first", "oldest_first", "shuffled"])
def test_a_quiet_run_after_many_deletions_costs_a_few_requests(
    kommo: Kommo, order: Any, passed: int
) -> None:
    kommo.options.events_order = order
    target = Target(kommo)
    delete_many(kommo)
    before = target.run()
    for _ in range(3):
        kommo.clock.advance(passed)
        kommo.journal.clear()
        assert target.run() == before
        pages_of_bin = 2
        assert len(kommo.journal) - pages_of_bin <= 3


def test_a_change_after_many_deletions_costs_a_few_requests_more(kommo: Kommo) -> None:
    target = Target(kommo)
    purged, in_bin = delete_many(kommo)
    before = target.run()
    kommo.clock.advance(30 * DAY)
    target.run()
    kommo.clock.advance(DAY)
    kommo.restore(in_bin[:1])
    (lead,) = kommo.delete(1)
    kommo.journal.clear()
    rows = target.run()
    assert gone(rows) == (gone(before) | {lead}) - set(in_bin[:1])
    restored = rows[in_bin[0]]
    assert restored == {**before[in_bin[0]], "restored_at": at(kommo)}
    assert set(purged) <= gone(rows)
    assert len(kommo.journal) <= 6


def test_a_restore_is_seen_however_long_ago_the_lead_was_deleted(kommo: Kommo) -> None:
    target = Target(kommo)
    lead, other = kommo.delete(2)
    deleted_at = at(kommo)
    for _ in range(5):
        kommo.clock.advance(100 * DAY)
        assert gone(target.run()) == {lead, other}
    kommo.restore([lead])
    row = target.run()[lead]
    assert (row["deleted_at"], row["restored_at"]) == (deleted_at, at(kommo))


def test_an_event_that_comes_late_among_many_is_read(kommo: Kommo) -> None:
    target = Target(kommo)
    kommo.delete(kommo.insert(600))
    before = gone(target.run())
    kommo.options.events_lag = LOOKBACK - 60
    (lead,) = kommo.delete(1)
    kommo.purge([lead])
    assert gone(target.run()) == before
    kommo.clock.advance(LOOKBACK - 59)
    assert gone(target.run()) == before | {lead}


def test_a_lead_in_doubt_among_many_is_looked_for_again(kommo: Kommo) -> None:
    """Its event is there, its restore has none, and the list of leads lags behind."""
    target = Target(kommo)
    kommo.options.lag, kommo.options.prompt_events = 300, True
    kommo.insert(600, at=kommo.clock.now() - DAY)
    kommo.clock.advance(301)
    leads = kommo.delete(400)
    assert gone(target.run()) == set(leads)
    kommo.options.events_lag, kommo.options.lag = 10 * DAY, 0
    kommo.options.prompt_events = False
    kommo.restore(leads[:1])
    kommo.clock.advance(LOOKBACK + 60)
    assert gone(target.run()) == set(leads[1:])


def test_only_what_changed_is_emitted_after_the_first_run(kommo: Kommo) -> None:
    leads = kommo.delete(20)
    first = read(kommo, DELETED)
    assert sorted(map(int, first.ids(DELETED))) == sorted(leads)
    kommo.clock.advance(DAY)
    second = read(kommo, DELETED, state=first.state)
    (lead,) = kommo.delete(1)
    third = read(kommo, DELETED, state=second.state)
    assert (second.ids(DELETED), third.ids(DELETED)) == ([*first.ids(DELETED)], [str(lead)])
    kommo.clock.advance(DAY)
    assert read(kommo, DELETED, state=second.state).ids(DELETED) == [str(lead)]
    assert sorted(map(int, read(kommo, DELETED).ids(DELETED))) == sorted([*leads, lead])


def test_quiet_runs_leave_the_state_as_it_is(kommo: Kommo) -> None:
    kommo.delete(300)
    state = read(kommo, DELETED).state
    for _ in range(2):
        kommo.clock.advance(DAY)
        state = read(kommo, DELETED, state=state).state
    kommo.clock.advance(DAY)
    assert read(kommo, DELETED, state=state).state == state
    assert len(str(state)) < 400


def test_the_state_of_a_run_that_was_killed_has_no_deletions(kommo: Kommo) -> None:
    """It is kept once all rows are emitted, so the next run emits them again."""
    kommo.delete(30)
    run = read(kommo, DELETED, "kommo_leads")
    messages = [m for m in run.messages if m.get("stream") == DELETED or m["type"] == "STATE"]
    last = max(at for at, m in enumerate(messages) if m["type"] == "RECORD")
    states = [m["value"] for m in messages[:last] if m["type"] == "STATE"]
    assert not any("deletions" in str(state) for state in states)
    assert "deletions" in str(run.state)


def test_an_account_that_ignores_filters_is_read_whole_in_each_run(kommo: Kommo) -> None:
    kommo.options.ignore_filters = True
    target = Target(kommo)
    lead, other = kommo.delete(2)
    deleted_at = at(kommo)
    target.run()
    kommo.clock.advance(30 * DAY)
    kommo.restore([lead])
    kommo.clock.advance(LOOKBACK + 60)
    rows = target.run()
    assert gone(rows) == {other}
    assert rows[lead]["deleted_at"] == deleted_at


def test_a_state_that_is_no_moment_reads_all(kommo: Kommo) -> None:
    leads = kommo.delete(3)
    run = read(kommo, DELETED)
    (partition,) = run.state["bookmarks"][DELETED]["partitions"]
    partition["deletions"] = {"since": "soon", "events": "many"}
    again = read(kommo, DELETED, state=run.state)
    assert sorted(map(int, again.ids(DELETED))) == sorted(leads)
    assert count_requests(kommo, "events") == 2
