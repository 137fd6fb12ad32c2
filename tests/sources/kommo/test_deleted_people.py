"""Deleted contacts and companies, with and without a recycle bin that the API lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.kommo_deleted import Target, at, gone
from tests.support.kommo_streams import count_requests, frozen_kommo
from tests.support.settings import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.kommo.api import Kommo

PEOPLE = ["contacts", "companies"]


@pytest.fixture
def kommo() -> Iterator[Kommo]:
    yield from frozen_kommo(leads=400)


@pytest.fixture(params=PEOPLE)
def path(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def target_of(kommo: Kommo, path: str) -> Target:
    return Target(kommo, f"kommo_deleted_{path}")


@pytest.mark.parametrize("has_bin", [True, False])
def test_a_deleted_person_says_when_and_by_whom(kommo: Kommo, path: str, *, has_bin: bool) -> None:
    kommo.options.people_bin = has_bin
    table = getattr(kommo, path)
    (row,) = table.edit(1, updated_by=11087123)
    table.delete([row])
    assert target_of(kommo, path).run() == {
        row: {
            "account": "acme",
            "id": row,
            "deleted_at": at(kommo),
            "deleted_by": 11087123,
            "restored_at": None,
            "merged_into": None,
            "extra": None,
        }
    }


@pytest.mark.parametrize("has_bin", [True, False])
def test_a_restored_person_keeps_the_date_of_the_deletion(
    kommo: Kommo, path: str, *, has_bin: bool
) -> None:
    kommo.options.people_bin = has_bin
    target, table = target_of(kommo, path), getattr(kommo, path)
    row, other = table.delete(2)
    deleted_at = at(kommo)
    assert gone(target.run()) == {row, other}
    kommo.clock.advance(90 * DAY)
    target.run()
    table.restore([row])
    rows = target.run()
    assert gone(rows) == {other}
    assert (rows[row]["deleted_at"], rows[row]["restored_at"]) == (deleted_at, at(kommo))


@pytest.mark.parametrize("has_bin", [True, False])
@pytest.mark.parametrize("values", ["links", "ids"])
def test_a_merged_person_says_into_whom(
    kommo: Kommo, path: str, values: Any, *, has_bin: bool
) -> None:
    kommo.options.people_bin, kommo.options.merged_values = has_bin, values
    target, table = target_of(kommo, path), getattr(kommo, path)
    assert target.run() == {}
    first, second, into, *_ = table.rows
    table.merge([first, second], into)
    told = {row: each["merged_into"] for row, each in target.run().items()}
    assert told == {first: into, second: into}


def test_a_person_that_is_purged_from_the_bin_stays_deleted(kommo: Kommo, path: str) -> None:
    target, table = target_of(kommo, path), getattr(kommo, path)
    rows = table.delete(3)
    before = target.run()
    kommo.clock.advance(DAY)
    table.purge(rows[:2])
    assert target.run() == before
    assert target_of(kommo, path).run() == before


def test_a_list_that_ignores_the_parameter_is_read_for_one_page(kommo: Kommo, path: str) -> None:
    kommo.options.people_bin = False
    table = getattr(kommo, path)
    table.insert(1500)
    deleted = table.delete(3)
    assert gone(target_of(kommo, path).run()) == set(deleted)
    assert (
        count_requests(kommo, path) <= 3
    )  # a page of the bin, and those that were deleted, twice as there are none


def test_deletions_of_leads_are_none_of_people(kommo: Kommo, path: str) -> None:
    kommo.delete(5)
    first, into, *_ = kommo.leads
    kommo.merge([first], into)
    assert target_of(kommo, path).run() == {}


def test_a_quiet_run_costs_three_requests(kommo: Kommo, path: str) -> None:
    target, table = target_of(kommo, path), getattr(kommo, path)
    table.purge(table.delete(30)[:20])
    target.run()
    kommo.clock.advance(DAY)
    target.run()
    kommo.journal.clear()
    target.run()
    assert len(kommo.journal) <= 3  # an empty list of events is requested twice
