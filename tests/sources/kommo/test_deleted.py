"""Deleted, restored and merged leads: `kommo_deleted_leads` against what truly happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox import Sandbox
from tests.support.kommo_streams import asked, read
from tests.support.moments import moment
from tests.support.run import Table
from tests.support.settings import DAY

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from sandbox import Api
    from sandbox.kommo.api import Kommo

DELETED = "kommo_deleted_leads"
LOOKBACK = 600
Row = dict[str, Any]


@pytest.fixture
def kommo() -> Iterator[Kommo]:
    """Kommo with few leads, whose clock moves by hand."""
    with Sandbox(leads=40, seed=7) as box:
        box.clock.freeze()
        box.kommo.options.rate_limit = None
        yield box.kommo


class Target:
    """A table that is loaded in each run."""

    def __init__(self, kommo: Kommo) -> None:
        self.kommo = kommo
        self.table = Table()
        self.state: dict[str, Any] | None = None

    def run(self, *others: str) -> dict[int, Row]:
        """The rows of the table after one more run."""
        run = read(self.kommo, DELETED, *others, state=self.state)
        self.state = run.state
        self.table.load(run.messages)
        return {row["id"]: row for row in self.table.rows[DELETED].values()}


def gone(rows: dict[int, Row]) -> set[int]:
    """The leads that are deleted now."""
    return {lead for lead, row in rows.items() if row["restored_at"] is None}


def at(kommo: Kommo) -> str | None:
    """The clock's second."""
    return moment(int(kommo.clock.now()))


def test_a_deleted_lead_says_when_and_by_whom(kommo: Kommo) -> None:
    (lead,) = kommo.edit(1, name="Ann", updated_by=11087123)
    kommo.delete([lead])
    assert Target(kommo).run() == {
        lead: {
            "account": "acme",
            "id": lead,
            "deleted_at": at(kommo),
            "deleted_by": 11087123,
            "restored_at": None,
            "merged_into": None,
            "extra": None,
        }
    }


def test_a_restored_lead_says_when_and_is_listed_again(kommo: Kommo) -> None:
    target = Target(kommo)
    lead, other = kommo.delete(2)
    deleted_at = at(kommo)
    assert gone(target.run("kommo_leads")) == {lead, other}
    kommo.clock.advance(DAY)
    kommo.restore([lead])
    rows = target.run("kommo_leads")
    assert gone(rows) == {other}
    assert (rows[lead]["deleted_at"], rows[lead]["restored_at"]) == (deleted_at, at(kommo))
    assert target.table.rows["kommo_leads"][str(lead)]["name"] is not None


def test_a_lead_that_is_deleted_once_more_is_deleted(kommo: Kommo) -> None:
    target = Target(kommo)
    (lead,) = kommo.delete(1)
    kommo.clock.advance(5)
    kommo.restore([lead])
    kommo.clock.advance(5)
    kommo.delete([lead])
    row = target.run()[lead]
    assert (row["deleted_at"], row["restored_at"]) == (at(kommo), None)


def test_a_lead_that_is_purged_from_the_bin_stays_deleted(kommo: Kommo) -> None:
    target = Target(kommo)
    leads = kommo.delete(3)
    before = target.run()
    kommo.clock.advance(DAY)
    kommo.purge(leads[:2])
    assert target.run() == before
    assert Target(kommo).run() == before


def test_the_bin_tells_of_leads_whose_events_are_gone(kommo: Kommo) -> None:
    (lead, purged) = kommo.delete(2)
    deleted_at = at(kommo)
    kommo.purge([purged])
    kommo.clock.advance(10 * DAY)
    kommo.options.events_retention_days = 5
    rows = Target(kommo).run()
    assert set(rows) == {lead}
    assert (rows[lead]["deleted_at"], rows[lead]["restored_at"]) == (deleted_at, None)


def test_what_a_table_knows_outlives_the_events(kommo: Kommo) -> None:
    target = Target(kommo)
    lead, purged = kommo.delete(2)
    before = target.run()
    kommo.purge([purged])
    kommo.clock.advance(10 * DAY)
    kommo.options.events_retention_days = 5
    assert target.run() == before
    assert set(before) == {lead, purged}


def test_events_that_come_late_change_nothing_that_lists_show(kommo: Kommo) -> None:
    kommo.options.events_lag = 300
    target = Target(kommo)
    (lead,) = kommo.delete(1)
    deleted_at = at(kommo)
    assert gone(target.run()) == {lead}
    kommo.clock.advance(301)
    assert gone(target.run()) == {lead}
    kommo.restore([lead])
    restored_at = at(kommo)
    assert gone(target.run()) == set()
    kommo.clock.advance(301)
    row = target.run()[lead]
    assert (row["deleted_at"], row["restored_at"]) == (deleted_at, restored_at)


def test_lists_that_lag_behind_the_events_bring_no_lead_back(kommo: Kommo) -> None:
    kommo.options.lag, kommo.options.prompt_events = 300, True
    target = Target(kommo)
    (lead,) = kommo.delete(1)
    for _ in range(2):
        kommo.clock.advance(1)
        assert gone(target.run()) == {lead}
        kommo.clock.advance(300)
    kommo.restore([lead])
    for _ in range(2):
        kommo.clock.advance(1)
        assert gone(target.run()) == set()
        kommo.clock.advance(300)


def test_a_lead_that_is_listed_long_after_its_deletion_was_restored(kommo: Kommo) -> None:
    """Whether that moves its date, and whether an event tells of it, is not documented."""
    (lead,) = kommo.delete(1)
    deleted_at = at(kommo)
    kommo.clock.advance(DAY)
    kommo.options.events_lag = 10 * DAY
    kommo.restore([lead])
    kommo.leads[lead]["updated_at"] = int(kommo.clock.now()) - 9 * DAY
    row = Target(kommo).run()[lead]
    assert (row["deleted_at"], row["restored_at"]) == (deleted_at, deleted_at)


@pytest.mark.parametrize("values", ["links", "ids", "empty"])
@pytest.mark.parametrize("deletes", [True, False])
def test_a_merged_lead_says_into_which(kommo: Kommo, values: Any, *, deletes: bool) -> None:
    kommo.options.merged_values = values
    kommo.options.merge_deletes = deletes
    first, second, into, *_ = kommo.leads
    kommo.merge([first, second], into)
    rows = Target(kommo).run()
    assert into not in rows
    told = {lead: row["merged_into"] for lead, row in rows.items()}
    if values != "empty":
        assert told == {first: into, second: into}
    else:  # nothing says into which, and without events of their own nothing says that they went
        assert told == (dict.fromkeys((first, second)) if deletes else {})
    assert {row["deleted_at"] for row in rows.values()} <= {at(kommo)}


def test_a_merged_lead_is_gone_though_nothing_says_into_which(kommo: Kommo) -> None:
    kommo.options.merged_values, kommo.options.merged_on = "empty", "merged"
    first, second, into, *_ = kommo.leads
    kommo.merge([first, second], into)
    told = {lead: row["merged_into"] for lead, row in Target(kommo).run().items()}
    assert told == {first: None, second: None}


def test_a_lead_that_is_in_the_bin_was_not_restored_in_the_same_second(kommo: Kommo) -> None:
    (lead,) = kommo.delete(1)
    kommo.clock.advance(5)
    kommo.restore([lead])
    kommo.options.events_lag = DAY
    kommo.delete([lead])  # its event is not there yet
    assert gone(Target(kommo).run()) == {lead}


@pytest.mark.parametrize("side", ["heir", "merged"])
@pytest.mark.parametrize("fate", ["stays", "is deleted", "is merged on", "is merged and deleted"])
def test_a_merged_lead_keeps_its_heir_whatever_becomes_of_it(
    kommo: Kommo, fate: str, side: Any
) -> None:
    kommo.options.merged_on = side
    lead, into, last, *_ = kommo.leads
    kommo.merge([lead], into)
    kommo.clock.advance(60)
    if fate == "is deleted":
        kommo.delete([into])
    elif fate != "stays":
        kommo.merge([into], last)
    if fate == "is merged and deleted":
        kommo.clock.advance(60)
        kommo.delete([last])
    rows = Target(kommo).run()
    assert rows[lead]["merged_into"] == into
    heirs: dict[str, dict[int, int | None]] = {
        "stays": {},
        "is deleted": {into: None},
        "is merged on": {into: last},
        "is merged and deleted": {into: last, last: None},
    }
    assert {i: row["merged_into"] for i, row in rows.items() if i != lead} == heirs[fate]


def test_a_lead_that_was_restored_and_then_merged_is_gone(kommo: Kommo) -> None:
    lead, into, *_ = kommo.leads
    kommo.delete([lead])
    kommo.clock.advance(60)
    kommo.restore([lead])
    kommo.clock.advance(60)
    kommo.merge([lead], into)
    row = Target(kommo).run()[lead]
    assert (row["deleted_at"], row["restored_at"], row["merged_into"]) == (at(kommo), None, into)


def test_no_deletion_empties_the_row_of_a_lead(kommo: Kommo) -> None:
    target = Target(kommo)
    target.run("kommo_leads")
    before = dict(target.table.rows["kommo_leads"])
    kommo.delete(5)
    target.run("kommo_leads")
    assert target.table.rows["kommo_leads"] == before


@pytest.mark.parametrize("ties", ["stable", "shuffled"])
@pytest.mark.parametrize("order", ["newest_first", "oldest_first", "shuffled"])
def test_many_deletions_are_read_whole_in_any_order_of_events(
    kommo: Kommo, order: Any, ties: Any
) -> None:
    kommo.options.events_order, kommo.options.events_ties = order, ties
    kommo.options.events_limit = 100
    kommo.insert(700, at=kommo.clock.now() - 90 * DAY)
    for _ in range(6):
        kommo.delete(100)
        kommo.clock.advance(3 * DAY)
        kommo.restore(20)
        kommo.clock.advance(1)
    rows = Target(kommo).run()
    assert gone(rows) == set(kommo.bin)
    assert len(rows) > 500


def test_an_account_that_ignores_filters_brings_no_lead_that_is_there(kommo: Kommo) -> None:
    kommo.insert(600, at=kommo.clock.now() - DAY)
    kommo.edit(100)
    leads = kommo.delete(210)
    kommo.clock.advance(LOOKBACK + 60)
    kommo.restore(leads[:3])
    kommo.purge(leads[3:150])
    kommo.options.ignore_filters = True
    rows = Target(kommo).run()
    assert set(rows) == set(leads)
    assert gone(rows) == set(leads[3:])
    assert asked(kommo, "leads") < 5


def test_an_account_that_does_not_know_the_bin_has_no_deleted_lead(kommo: Kommo) -> None:
    kommo.options.ignored_params = ("with",)
    assert Target(kommo).run() == {}


def test_a_quiet_run_costs_a_few_requests(kommo: Kommo) -> None:
    leads = kommo.delete(20)
    kommo.purge(leads[:5])
    target = Target(kommo)
    target.run()
    kommo.clock.advance(30 * DAY)
    kommo.journal.clear()
    target.run()
    assert len(kommo.journal) <= 4


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["delete", "restore", "purge", "merge", "run", "edit"]),
        st.integers(1, 3),
        st.integers(0, 900),
    ),
    min_size=5,
    max_size=25,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    steps=STEPS,
    during=st.lists(st.sampled_from(["delete", "restore", "edit", "insert"]), max_size=6),
    lag=st.sampled_from([0, 240]),
    values=st.sampled_from(["links", "ids"]),
    deletes=st.booleans(),
)
def test_after_any_deletions_over_several_runs_the_table_is_what_happened(
    steps: list[tuple[str, int, int]], during: list[str], lag: int, values: Any, *, deletes: bool
) -> None:
    with Sandbox(leads=30, seed=3) as box:
        box.clock.freeze()
        api = box.kommo
        api.options.rate_limit = None
        api.options.events_lag, api.options.events_limit = lag, 5
        api.options.late_events = 0.5
        api.options.merged_values, api.options.merge_deletes = values, deletes
        target, left = Target(api), list(during)

        def after_request(_api: Api, _rng: random.Random) -> None:
            if left:
                getattr(api, left.pop())(1)

        ever: set[int] = set()
        for what, count, seconds in steps:
            box.clock.advance(seconds)
            if what == "run":
                api.after_request = after_request
                target.run("kommo_leads")
                api.after_request = None
            elif what == "merge":
                first, into, *_ = api.leads
                api.merge([first], into)
            else:
                getattr(api, what)(count)
            ever |= set(api.bin)
        box.clock.advance(LOOKBACK + 60)
        rows = target.run("kommo_leads")
        merged = {lead: into for lead, into in api.merged.items() if lead not in api.leads}
        assert gone(rows) == set(api.bin) | api.purged | merged.keys()
        assert {i: row["merged_into"] for i, row in rows.items() if row["merged_into"]} == merged
        assert ever <= rows.keys()
        leads = target.table.rows["kommo_leads"].values()
        assert all(lead["name"] is not None and lead["created_at"] for lead in leads)
