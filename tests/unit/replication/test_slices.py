"""Lists that can be filtered by their cursor and not ordered by it: time ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_leads.replication.model import Bounds
from tap_leads.replication.time_slices import TimeSlices, read_all
from tap_leads.timestamps import DAY, HOUR, MINUTE, SECOND
from tests.unit.replication.fake_list import START, FakeList, fake_list
from tests.unit.replication.fake_parts import in_parts
from tests.unit.replication.fake_run import read

if TYPE_CHECKING:
    from tap_leads.timestamps import Micros


def hourly(rows: int, **options: Any) -> FakeList:
    """A list of rows an hour apart, the first one an hour old."""
    source = fake_list(page_size=10, sortable=False, splits=12, **options)
    for number in range(rows):
        source.insert(at=START - (number + 1) * HOUR)
    return source


# All rows at once


@pytest.mark.parametrize("rows", [0, 5, 10, 11, 300])
@pytest.mark.parametrize("ignore_filters", [False, True])
def test_all_rows_of_a_list_are_read_also_where_the_filter_is_ignored(
    rows: int, *, ignore_filters: bool
) -> None:
    source = hourly(rows, ignore_filters=ignore_filters)
    found: list[Any] = [row.id for row in read_all(source)]
    assert sorted(found) == sorted(source.table)


# Time ranges


def test_a_list_of_one_page_is_one_request() -> None:
    source = hourly(10)
    run = read(source, TimeSlices())
    assert (run.ids, run.requests) == (list(range(10, 0, -1)), 1)
    assert run.watermark == START - HOUR


def test_an_empty_list_is_requested_twice() -> None:
    run = read(hourly(0), TimeSlices())
    assert (run.ids, run.requests, run.watermark) == ([], 2, None)


@pytest.mark.parametrize(
    ("after", "until", "ids"),
    [
        (START - 150 * HOUR, None, range(1, 151)),
        (None, START - 50 * HOUR, range(50, 201)),
        (START - 150 * HOUR, START - 50 * HOUR, range(50, 151)),
        (START - 150 * HOUR + 1, None, range(1, 150)),
        (START + DAY, None, ()),
    ],
)
@pytest.mark.parametrize("granularity", [SECOND, MINUTE])
def test_ranges_keep_to_the_bounds(
    granularity: Micros, after: Micros | None, until: Micros | None, ids: range
) -> None:
    source = hourly(200, granularity=granularity)
    run = read(source, TimeSlices(), Bounds(after, until))
    assert run.ids == list(reversed(ids))
    assert not run.warnings


def test_rows_come_in_the_order_of_their_cursors_and_ties_in_that_of_their_ids() -> None:
    source = fake_list(page_size=10, sortable=False, splits=12, stable_order="none", seed=3)
    for number in range(30):
        source.insert(4, at=START - (30 - number) * HOUR)
    run = read(source, TimeSlices())
    found = [(row.cursor, str(row.id)) for row in run.rows]
    assert found == sorted(found, key=lambda each: each[0] or 0)
    assert [row.cursor for row in run.rows] == sorted(source.table.values(), key=lambda c: c or 0)


def test_a_range_is_split_until_it_has_few_pages_and_no_further() -> None:
    source = hourly(1500, stable_order="cursor")
    run = read(source, TimeSlices())
    assert sorted(run.ids) == sorted(source.table)
    ranges = {(query.after, query.until) for query, at in source.requests}
    assert 5 <= len(ranges) <= 15
    assert run.requests <= 320


def test_rows_of_one_moment_are_one_range() -> None:
    source = fake_list(page_size=10, sortable=False, splits=12)
    source.insert(200, at=START - HOUR)
    run = read(source, TimeSlices())
    assert sorted(run.ids) == sorted(source.table)
    assert run.watermark == START - HOUR


def test_no_bookmark_passes_a_range_in_which_rows_may_be_missing() -> None:
    """The order never holds still, the list grows, and its declared size is all there is."""
    source = fake_list(
        page_size=10, sortable=False, stable_order="none", ties="shuffled", totals=True
    )
    source.insert(15, at=START - HOUR)

    def grow(source: FakeList) -> None:
        if len(source.requests) < 30:
            source.insert(1)

    source.after_request = grow
    there = set(source.table)
    run = read(source, TimeSlices())
    assert there - set(run.ids)  # so the next run has to begin where this one did
    assert run.watermark is None


def test_a_row_dated_far_ahead_of_the_clock_is_read_and_moves_no_bookmark() -> None:
    source = fake_list(page_size=10, sortable=False)
    for number in range(100):
        source.insert(at=START - HOUR - number * SECOND)
    source.insert(at=START + 9 * HOUR)
    run = read(source, TimeSlices())
    assert set(run.ids) == set(source.table)
    assert run.watermark is not None
    assert run.watermark <= source.clock


# Several lists as one


@pytest.mark.parametrize("workers", [1, 4])
def test_parts_of_many_slices_are_emitted_in_the_order_of_the_whole(workers: int) -> None:
    source = hourly(600)
    run = read(source, in_parts(), workers=workers)
    assert run.ids == list(range(600, 0, -1))
    assert [safe for _, safe in run.steps] == [row.cursor for row, _ in run.steps]
    assert run.watermark == START - HOUR


def test_a_slice_is_no_longer_than_the_api_can_page_through() -> None:
    source = fake_list(page_size=10, sortable=False, result_window=100)
    for number in range(350):
        source.insert(at=START - HOUR - number * SECOND)
    assert set(read(source, TimeSlices()).ids) == set(source.table)
