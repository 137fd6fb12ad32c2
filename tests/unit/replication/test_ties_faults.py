"""Result sets that are read by position, from an API that does not do as it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from tap_leads.replication.behavior import ServerBehavior
from tap_leads.replication.errors import FilterIgnoredError, IncompleteError
from tap_leads.replication.full_table import FullTable
from tap_leads.replication.keyset import Keyset
from tap_leads.replication.model import Bounds, Order, Query
from tap_leads.replication.pagination import Link, Offset
from tap_leads.replication.ties import OverlappingScan
from tap_leads.replication.time_slices import TimeSlices
from tap_leads.replication.walk import MAX_IDLE_PAGES, MAX_REWINDS
from tap_leads.timestamps import HOUR, SECOND
from tests.unit.replication.fake_list import START, FakeList, Item, fake_list
from tests.unit.replication.fake_run import read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_leads.replication.model import Page
    from tap_leads.replication.pagination import Position

SET = Query(order=Order.STABLE)
WHOLE = Bounds(filterable=False)


def ids_in(source: FakeList, query: Query) -> tuple[list[object], OverlappingScan]:
    scan = OverlappingScan(source, ServerBehavior(source.traits))
    found = [row.id for rows in scan.read(query, source.traits.splits) for row in rows]
    return found, scan


def test_rows_that_change_faster_than_they_are_read_are_an_error() -> None:
    source = fake_list(page_size=10, stable_order="newest")
    for number in range(40):
        source.insert(at=START - number * HOUR)

    def edit_more_than_a_page(source: FakeList) -> None:
        source.edit(range(1, 31))

    source.after_request = edit_more_than_a_page
    run = read(source, Keyset(), WHOLE, fails=True)
    assert str(run.error) == (
        "records changed faster than the API returned them, so some may be missing; run the sync "
        "again [incomplete]"
    )


def test_a_list_that_comes_newest_first_is_read_again_from_the_front_until_nothing_changes() -> (
    None
):
    source = fake_list(page_size=10, stable_order="newest")
    for number in range(40):
        source.insert(at=START - (number + 1) * HOUR)

    def edit(source: FakeList) -> None:
        if len(source.requests) < 6:
            source.edit([35 + len(source.requests)])

    source.after_request = edit
    run = read(source, Keyset(), WHOLE)
    seen = {(row.id, row.cursor) for row in run.rows}
    assert set(source.table.items()) <= seen
    assert run.requests <= 12


def test_an_api_that_answers_every_page_with_the_first_one_is_an_error_in_time() -> None:
    source = fake_list(page_size=10, ignore_position=True)
    source.insert(40, null=True)
    run = read(source, FullTable(), fails=True)
    assert isinstance(run.error, IncompleteError)
    assert str(run.error).startswith("the API does not return more than the first 10 records")
    assert run.requests <= 2 * (MAX_IDLE_PAGES + 3 * MAX_REWINDS + 5)


class NotSplit(FakeList):
    """A list that ignores the filters which would split a set."""

    @override
    def fetch(self, query: Query, at: Position | None = None) -> Page:
        return super().fetch(Query(query.after, query.until, query.order, query.cursor), at)


@pytest.mark.parametrize("ignores", [False, True])
def test_parts_of_a_set_that_have_the_same_rows_show_an_ignored_filter(*, ignores: bool) -> None:
    plain = fake_list(page_size=10, stable_order="none", ties="shuffled", splits=12)
    kind = NotSplit if ignores else FakeList
    source = kind(plain.traits, plain.paginator, plain.options)
    source.insert(40, at=START - HOUR)
    if ignores:
        with pytest.raises(FilterIgnoredError):
            ids_in(source, SET)
    else:
        found, scan = ids_in(source, SET)
        assert set(found) == set(source.table)
        assert scan.is_proven


def test_a_few_rows_that_move_from_part_to_part_are_no_ignored_filter() -> None:
    source = fake_list(page_size=10, stable_order="none", ties="shuffled", splits=12)
    source.insert(40, at=START - HOUR)
    moved: list[int] = []

    def move(source: FakeList) -> None:
        if len(source.requests) == 20:  # two rows become others, with their dates
            for each in (2, 4):
                item = source.items.pop(each)
                moved.extend(source.insert(at=item.cursor))

    source.after_request = move
    found, _ = ids_in(source, SET)
    assert set(source.table) - set(moved) <= set(found)


@pytest.mark.parametrize(
    ("after", "until", "ids"),
    [(None, None, 9), (3, None, 6), (None, 3, 4), (2, 5, 4)],
)
def test_rows_beside_the_bounds_that_the_api_returns_are_left_out(
    after: int | None, until: int | None, ids: int
) -> None:
    source = fake_list(page_size=20)
    for number in range(9):
        source.insert(at=START - HOUR + number * SECOND)
    low, high = (None if each is None else START - HOUR + each * SECOND for each in (after, until))
    found, _ = ids_in(source, Query(low, high, Order.STABLE))
    first = 0 if after is None else after
    assert found == list(range(first + 1, first + ids + 1))


def test_a_set_without_cursors_leaves_out_rows_that_got_one_meanwhile() -> None:
    source = fake_list(page_size=10, nullable=True)
    source.insert(25, null=True)

    def date_one(source: FakeList, ids: object) -> None:
        if ids and len(source.requests) == 2:
            source.edit([15])

    source.before_rows = date_one
    found, _ = ids_in(source, Query(order=Order.STABLE, cursor="null"))
    assert set(found) == set(source.table) - {15}


def test_an_empty_page_in_the_middle_is_requested_twice() -> None:
    source = fake_list(page_size=10, empty_at={1})
    source.insert(25, null=True)
    run = read(source, FullTable())
    assert sorted(run.ids) == sorted(source.table)


@pytest.mark.parametrize(("rows", "is_whole"), [(39, True), (40, False)])
def test_a_set_as_large_as_the_window_may_be_cut_off(rows: int, *, is_whole: bool) -> None:
    source = fake_list(page_size=10, result_window=40, totals=True)
    source.insert(rows, null=True)
    run = read(source, FullTable(), fails=True)
    assert (run.error is None) is is_whole


def test_a_page_that_lost_most_of_its_rows_is_followed_by_its_link() -> None:
    source = fake_list(page_size=20, links=True)
    source.insert(100, null=True)

    def delete(source: FakeList, ids: Sequence[int]) -> None:
        if len(source.requests) in {3, 4}:
            source.delete(ids)

    source.before_rows = delete
    run = read(source, FullTable())
    assert set(source.table) <= set(run.ids)
    places = [at for _, at in source.requests]
    assert places[:4] == [Offset(0, 20), Offset(15, 20), Offset(30, 20), Offset(30, 20)]
    # From here on by links, which do not overlap: until two scans add nothing.
    assert [at is None for at in places[4:]] == [True, False, False] * 3
    assert all(isinstance(at, Link) for at in places[4:] if at)


class Reordered(FakeList):
    """A list that comes in another order in every response but the first."""

    @override
    def _chosen(self, query: Query) -> list[Item]:
        chosen = super()._chosen(query)
        return chosen if len(self.requests) < 2 else [*chosen[:3], *chosen[7:], *chosen[3:7]]


def test_rows_that_come_again_in_order_by_chance_hide_no_others() -> None:
    plain = fake_list(page_size=7, sortable=False)
    source = Reordered(plain.traits, plain.paginator, plain.options)
    for number in range(8):
        source.insert(at=START - HOUR - number * SECOND)
    run = read(source, TimeSlices())
    assert set(run.ids) == set(source.table)


@pytest.mark.parametrize(("calm", "requests"), [(0, 400), (6, 40)])
@pytest.mark.parametrize("seed", range(3))
def test_a_list_that_grows_by_more_than_a_page_at_each_request_is_read_as_it_was(
    seed: int, calm: int, requests: int
) -> None:
    source = fake_list(
        page_size=20, sortable=False, stable_order="none", ties="shuffled", seed=seed
    )
    for number in range(100):
        source.insert(at=START - HOUR - number * SECOND)
    there = set(source.table)

    def grow(source: FakeList) -> None:
        if len(source.requests) > calm:
            source.insert(25)

    source.after_request = grow
    run = read(source, TimeSlices())
    assert there <= set(run.ids)
    assert run.requests <= requests


@pytest.mark.parametrize("request_number", range(4, 20))
def test_a_set_that_shrinks_while_it_is_read_is_no_limit_of_the_api(request_number: int) -> None:
    source = fake_list(page_size=10, stable_order="none", ties="shuffled")
    source.insert(60, at=START - HOUR)

    def shrink(source: FakeList) -> None:
        if len(source.requests) == request_number:
            source.delete(range(16, 61))

    source.after_request = shrink
    run = read(source, Keyset(), WHOLE)
    assert set(source.table) <= set(run.ids)


@pytest.mark.parametrize("seed", [0, 2, 4, 5])
def test_a_set_that_shrinks_during_each_scan_is_no_limit_of_the_api(seed: int) -> None:
    source = fake_list(page_size=10, sortable=False, seed=seed)
    source.insert(50, at=START - HOUR)

    def shrink(source: FakeList, ids: Sequence[int]) -> None:
        if source.random.random() < 0.4:
            source.delete(source.random.sample(list(ids), min(9, len(ids))))

    source.before_rows = shrink
    run = read(source, TimeSlices())
    assert set(source.table) <= set(run.ids)


def test_ties_that_overlap_by_chance_hide_no_others() -> None:
    """Pages of three rows overlap by one, in a list that has shown that it keeps no order."""
    source = fake_list(page_size=3, stable_order="none", ties="shuffled", seed=59)
    for number in range(12):
        source.insert(5, at=START - HOUR - number * SECOND)
    run = read(source, Keyset())
    assert set(run.ids) == set(source.table)


def test_rows_edited_while_a_scan_is_given_up_are_read_in_the_same_run() -> None:
    """A list that comes newest first and grows as fast as its pages advance."""
    source = fake_list(page_size=14, stable_order="newest")
    source.insert(61, at=START - HOUR)

    def grow(source: FakeList) -> None:
        if len(source.requests) <= 58:
            source.clock += SECOND
            source.edit(sorted(source.table, key=lambda row: (source.items[row].cursor, row))[:3])
            source.insert(3)

    for _ in range(3):
        grow(source)
    source.after_request = grow
    there = set(source.table)
    assert there <= set(read(source, Keyset(), WHOLE).ids)


def test_rows_that_moved_together_do_not_show_that_pages_overlap() -> None:
    """As after many records are edited at once: they come again in the same order, at the end."""
    source = fake_list(page_size=50, stable_order="cursor")
    for number in range(150):
        source.insert(at=START - HOUR + number * SECOND)

    def edit_and_delete(source: FakeList, ids: Sequence[int]) -> None:
        if len(source.requests) == 2:
            source.edit(ids[5:35])
            source.delete(range(1, 31))
            source.insert(40)

    source.before_rows = edit_and_delete
    there = set(source.table)
    run = read(source, Keyset(), WHOLE)
    assert there & set(source.table) <= set(run.ids)
