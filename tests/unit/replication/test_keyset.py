"""Slices of a list that is ordered by its cursor: where each begins and ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_leads.replication.behavior import ServerBehavior
from tap_leads.replication.keyset import Keyset
from tap_leads.replication.model import Bounds, Order, Query
from tap_leads.replication.pagination import CursorPaginator, Offset, OffsetPaginator
from tap_leads.timestamps import DAY, HOUR, SECOND
from tests.unit.replication.fake_list import START, FakeList, fake_list
from tests.unit.replication.fake_run import read

if TYPE_CHECKING:
    from tap_leads.timestamps import Micros

PAGE = 20


def hourly(rows: int, **options: Any) -> FakeList:
    """A list of rows an hour apart, the last one an hour old."""
    source = fake_list(page_size=PAGE, splits=12, **options)
    for number in range(rows):
        source.insert(at=START - (rows - number) * HOUR)
    return source


def slices_of(
    source: FakeList, *, workers: int = 2, after: Micros | None = None, null: bool = False
) -> list[list[Any]]:
    """Return the ids of each slice but the first one, which checks the order."""
    behavior = ServerBehavior(source.traits)
    slices = Keyset().slices(source, Query(after), behavior, workers=workers, null=null)
    check, *found = [[row.id for chunk in each for row in chunk.rows] for each in slices]
    assert check == []
    return found


def numbers(*ends: int) -> list[list[int]]:
    """Return slices that end with these ids."""
    return [list(range(a + 1, b + 1)) for a, b in zip((0, *ends), ends, strict=False)]


@pytest.mark.parametrize(
    ("workers", "ends"), [(1, (200,)), (2, (61, 121, 181, 200)), (3, (91, 181, 200))]
)
def test_a_slice_has_two_pages_for_each_worker(workers: int, ends: tuple[int, ...]) -> None:
    source = hourly(200)
    assert slices_of(source, workers=workers) == numbers(*ends)
    ahead = [at for _, at in source.requests if at]
    assert ahead == [Offset(30 * workers, PAGE)] * (len(ends) - 1)


@pytest.mark.parametrize(
    ("rows", "slices", "looks"),
    [(0, 1, 0), (PAGE, 1, 0), (PAGE + 1, 1, 1), (60, 1, 1), (61, 1, 1), (62, 2, 1)],
)
def test_nothing_is_looked_for_behind_the_only_page(rows: int, slices: int, looks: int) -> None:
    source = hourly(rows)
    found = slices_of(source)
    assert len(found) == slices
    assert [each for ids in found for each in ids] == list(range(1, rows + 1))
    assert sum(at is not None for _, at in source.requests) == looks


@pytest.mark.parametrize(("rows", "looks"), [(60, 0), (61, 1)])
def test_a_declared_total_shows_that_the_end_is_near(rows: int, looks: int) -> None:
    source = hourly(rows, totals=True)
    assert slices_of(source) == numbers(rows)
    assert sum(at is not None for _, at in source.requests) == looks


@pytest.mark.parametrize(("window", "slices"), [(79, 1), (80, 4), (None, 4)])
def test_a_slice_never_ends_beyond_the_window(window: int | None, slices: int) -> None:
    source = hourly(200, result_window=window)
    assert len(slices_of(source)) == slices


def test_a_list_that_is_paged_by_tokens_is_one_slice() -> None:
    assert slices_of(hourly(200, paginator=CursorPaginator)) == numbers(200)
    assert len(slices_of(hourly(200, paginator=OffsetPaginator))) == 4


def test_an_api_that_ignores_the_position_has_one_slice_without_an_end() -> None:
    source = hourly(200, ignore_position=True)
    assert slices_of(source)[0][:20] == list(range(1, 21))
    assert sorted(read(source, Keyset(), workers=2).ids) == list(range(1, 201))


def test_a_slice_ends_where_another_moment_follows() -> None:
    source = fake_list(page_size=PAGE, splits=12)
    source.insert(100, at=START - 10 * DAY)
    for number in range(100):
        source.insert(at=START - 5 * DAY + number * SECOND)
    found = slices_of(source)
    # 60 rows further on is the same moment, and 120 is another one.
    assert sorted(found[0]) == list(range(1, 122))
    assert found[1:] == [list(range(122, 181)), list(range(181, 201))]


def test_a_slice_never_ends_ahead_of_the_clock() -> None:
    source = hourly(50)
    for number in range(100):
        source.insert(at=START + DAY + number * SECOND)
    assert len(slices_of(source)) == 1


def test_slices_begin_at_the_bookmark() -> None:
    source = hourly(200)
    found = slices_of(source, after=START - 100 * HOUR)
    assert found[0][0] == 101
    assert [each for ids in found for each in ids] == list(range(101, 201))
    assert source.requests[0] == (Query(after=START - 100 * HOUR - SECOND), None)


# Rows without a cursor


@pytest.mark.parametrize("after", [None, START - 100 * HOUR])
def test_rows_without_a_cursor_are_requested_without_bounds(after: Micros | None) -> None:
    source = hourly(10, nullable=True)
    without = source.insert(50, null=True)
    run = read(source, Keyset(), Bounds(after, START))
    assert sorted(run.ids) == sorted(source.table)
    assert run.ids[10:] == without
    asked = {query for query, _ in source.requests if query.cursor == "null"}
    assert asked == {Query(order=Order.STABLE, cursor="null")}
    assert run.watermark == START - HOUR


def test_rows_without_a_cursor_in_no_order_are_split() -> None:
    source = hourly(10, nullable=True, stable_order="none", ties="shuffled")
    source.insert(100, null=True)
    run = read(source, Keyset())
    assert set(run.ids) == set(source.table)
    assert any(query.filters for query, _ in source.requests)


def test_rows_without_a_cursor_are_left_out_where_they_are_not_asked_for() -> None:
    source = hourly(10, nullable=True)
    source.insert(5, null=True)
    assert read(source, Keyset(), Bounds(null=False)).ids == list(range(1, 11))
