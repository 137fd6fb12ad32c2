"""Ties in an order of chance, from an API without totals: the position of the last row counts."""

from __future__ import annotations

import math

import pytest

from tap_leads.replication.keyset import Keyset
from tap_leads.replication.model import Bounds
from tap_leads.replication.scan import Scan
from tap_leads.replication.ties import are_counted
from tap_leads.replication.time_slices import TimeSlices
from tap_leads.timestamps import HOUR
from tests.unit.replication.fake_list import START, FakeList, fake_list
from tests.unit.replication.fake_run import FakeAccount, read


def of_one_moment(rows: int, seed: int) -> FakeList:
    """A list of ties that come in another order with each request."""
    source = fake_list(
        page_size=50, sortable=False, stable_order="none", ties="shuffled", seed=seed
    )
    source.insert(rows, at=START - HOUR)
    return source


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("rows", [51, 60, 100, 140, 400])
def test_ties_in_an_order_of_chance_are_read_until_as_many_were_seen_as_there_are(
    rows: int, seed: int
) -> None:
    source = of_one_moment(rows, seed)
    run = read(source, TimeSlices())
    assert set(run.ids) == set(source.table)
    assert run.requests <= 14 * math.ceil(rows / 50)


@pytest.mark.parametrize("seed", range(40))
def test_ties_that_are_deleted_meanwhile_are_not_counted_for_others(seed: int) -> None:
    source = of_one_moment(70, seed)

    def delete(source: FakeList) -> None:
        if source.random.random() < 0.3:
            source.delete(source.pick(1))

    source.after_request = delete
    there = set(source.table)
    run = read(source, TimeSlices())
    assert there & set(source.table) <= set(run.ids)


def scan(length: int | None, *ids: int) -> Scan:
    return Scan(length=length, ids=dict.fromkeys(ids, 0))


@pytest.mark.parametrize(
    ("scans", "are_all"),
    [
        ([scan(2, 1, 2)], False),  # one of the rows may have been deleted during the scan
        ([scan(2, 1), scan(2, 1, 2)], True),
        ([scan(3, 1, 2, 3), scan(2, 1, 2)], False),
        ([scan(3, 1, 2, 3), scan(2, 1), scan(2, 1, 2)], True),
        ([scan(3, 1, 2, 3), scan(3, 1, 2), scan(3, 1, 2)], False),
        ([scan(2, 1, 2), scan(3, 1, 2), scan(2, 1, 2)], False),
        ([scan(None, 1, 2), scan(None, 1, 2)], False),
    ],
)
def test_scans_that_agree_on_the_number_of_rows_count_those_seen_since_the_first(
    scans: list[Scan], *, are_all: bool
) -> None:
    assert are_counted(scans) is are_all


@pytest.mark.parametrize("seed", range(5))
def test_ties_of_this_very_second_that_keep_changing_are_left_to_the_next_run(seed: int) -> None:
    source = fake_list(
        page_size=20, stable_order="none", ties="shuffled", seconds=0.0001, seed=seed
    )
    source.insert(30, at=START - HOUR)
    source.insert(150)

    def change(source: FakeList) -> None:
        source.edit(source.pick(3))
        source.insert(2)
        source.delete(source.pick(2))

    source.after_request = change
    moving = read(source, Keyset())
    source.after_request = None
    after = None if moving.watermark is None else moving.watermark - FakeAccount.lookback
    found = {row.id: row.cursor for row in moving.rows}
    found |= {row.id: row.cursor for row in read(source, Keyset(), Bounds(after=after)).rows}
    assert source.table.items() <= found.items()
