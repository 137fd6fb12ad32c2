"""What the pages of a list that is sorted by its cursor prove, in whatever order its ties come."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_leads.replication.model import Page, Row
from tap_leads.replication.scan import Scan, note
from tap_leads.replication.time_slices import TimeSlices
from tap_leads.timestamps import DAY, HOUR, SECOND
from tests.unit.replication.fake_list import START, fake_list
from tests.unit.replication.fake_run import read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_leads.timestamps import Micros

SETTLED = 1000 * HOUR
DOWN = [90, 80, 80, 70, 60, 50, 40, 30, 20, 20]
UP = [*reversed(DOWN)]


def paged(cursors: Sequence[Micros], first: int = 100) -> list[Row]:
    return [Row({}, number, cursor) for number, cursor in enumerate(cursors, first)]


def walked(*pages: Sequence[Row]) -> Scan:
    """Return a scan whose pages were read as by a walker: it trusts rows before it notes them."""
    scan = Scan(settled=SETTLED)
    for each in pages:
        scan.trust(each, SETTLED, {})
        note(Page(each, has_more=True), [scan])
    return scan


@pytest.mark.parametrize(
    ("page", "following", "continues"),
    [
        (DOWN, [30, 20, 20, 10], True),
        (DOWN, [30], True),
        (DOWN, [20, 20, 10], False),  # another row with that cursor may be missing
        (DOWN, [10], False),
        (DOWN, [30, 20, 25], False),
        (DOWN, [], False),
        (UP, [80, 90, 95], True),
        (UP, [90, 95], False),
        (UP, [80, 95, 90], False),
        (DOWN, [95, 20], False),  # newer rows at the end of a list that only seems to be sorted
        ([*DOWN, 30], [30, 20], False),  # it is not sorted
        ([90, 90, 90, 90, 20], [90, 20], False),  # in order by chance
        ([90] * 10, [90, 20], False),
        ([90, 80, 70, 60, 50, 40, 30], [40, 20], False),  # too few rows to tell
    ],
)
def test_a_page_of_a_sorted_list_follows_where_it_begins_before_the_end_of_the_last(
    page: list[Micros], following: list[Micros], *, continues: bool
) -> None:
    scan = walked(paged(page))
    rows = paged(following, 200)
    scan.trust(rows, SETTLED, {})
    assert scan.is_continued_by(rows) is continues


def test_rows_that_changed_do_not_show_where_a_page_of_a_sorted_list_begins() -> None:
    scan = walked(paged(DOWN))
    rows = paged([SETTLED, 20, 10], 200)
    scan.trust(rows, SETTLED, {})
    assert not scan.is_continued_by(rows)
    assert not scan.is_continued_by(paged([30, 20], 300))


@pytest.mark.parametrize(
    ("cursors", "tail"),
    [
        (DOWN, 5),
        ([*range(200, 190, -1), *DOWN, 20, 20], 7),
        (range(50, 30, -1), 5),
        ([9] * 10, 5),
        ([], 5),
    ],
)
def test_the_ties_at_the_end_of_a_page_come_again_with_a_row_that_is_none(
    cursors: Sequence[Micros], tail: int
) -> None:
    assert walked(paged(cursors)).tail == tail


def test_rows_that_come_again_in_another_order_contradict_a_scan() -> None:
    scan = walked(paged(DOWN))
    earlier, later = paged(DOWN)[3:5]
    assert not scan.is_contradicted_by([earlier, later, *paged([10], 300)])
    assert scan.is_contradicted_by([later, earlier])
    assert not scan.is_contradicted_by([later, Row({}, earlier.id, SETTLED)])


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("stable_order", ["newest", "cursor"])
def test_rows_that_are_deleted_while_ties_are_shuffled_hide_no_others(
    stable_order: str, seed: int
) -> None:
    source = fake_list(
        page_size=50, stable_order=stable_order, ties="shuffled", sortable=False, seed=seed
    )
    for number in range(400):
        source.insert(at=START - HOUR - number // 6 * DAY)
    source.after_request = lambda source: source.delete(source.pick(2))
    there = set(source.table)
    run = read(source, TimeSlices())
    assert there & set(source.table) <= set(run.ids)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("totals", [False, True])
def test_a_scan_that_goes_back_comes_to_an_end(seed: int, *, totals: bool) -> None:
    source = fake_list(
        page_size=25,
        stable_order="cursor",
        ties="shuffled",
        sortable=False,
        totals=totals,
        seed=seed,
    )
    for number in range(200):
        source.insert(at=START - HOUR - number % 3 * 7 * SECOND)
    run = read(source, TimeSlices())
    assert set(run.ids) == set(source.table)
