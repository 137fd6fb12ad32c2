"""Deleted and restored leads in `kommo_deleted_leads`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.kommo_deleted import Target, at, gone
from tests.support.kommo_streams import count_requests, frozen_kommo
from tests.support.settings import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.kommo.api import Kommo

LOOKBACK = 600


@pytest.fixture
def kommo() -> Iterator[Kommo]:
    yield from frozen_kommo(leads=40)


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
    """The API does not document if that changes `updated_at`, or creates an event."""
    (lead,) = kommo.delete(1)
    deleted_at = at(kommo)
    kommo.clock.advance(DAY)
    kommo.options.events_lag = 10 * DAY
    kommo.restore([lead])
    kommo.leads[lead]["updated_at"] = int(kommo.clock.now()) - 9 * DAY
    row = Target(kommo).run()[lead]
    assert (row["deleted_at"], row["restored_at"]) == (deleted_at, deleted_at)


def test_a_lead_that_is_in_the_bin_was_not_restored_in_the_same_second(kommo: Kommo) -> None:
    (lead,) = kommo.delete(1)
    kommo.clock.advance(5)
    kommo.restore([lead])
    kommo.options.events_lag = DAY
    kommo.delete([lead])  # its event is not there yet
    assert gone(Target(kommo).run()) == {lead}


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
    assert count_requests(kommo, "leads") < 5


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
