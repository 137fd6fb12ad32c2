"""An API that ignores the sort order loses no row, even if its first page is in order by chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_leads.replication.keyset import Keyset
from tap_leads.timestamps import DAY, HOUR, SECOND
from tests.unit.replication.fake_list import START, fake_list
from tests.unit.replication.fake_run import read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.unit.replication.fake_list import FakeList

PAGE = 10


def with_rows(seconds: Sequence[int], **behavior: Any) -> FakeList:
    """Return a list with a row for each number of seconds, in this order."""
    source = fake_list(page_size=PAGE, **behavior)
    for each in seconds:
        source.insert(at=START - DAY + each * SECOND)
    return source


@pytest.mark.parametrize("workers", [1, 4])
def test_a_first_page_that_ends_with_the_newest_row_is_no_proof_of_the_order(workers: int) -> None:
    seconds = [*range(PAGE - 1), int(HOUR / SECOND), *range(PAGE, 30)]
    source = with_rows(seconds, ignore_order=True, ignored_order="id")
    run = read(source, Keyset(), workers=workers)
    assert set(run.ids) == set(source.table)


@pytest.mark.parametrize("bounds", ["inclusive", "exclusive", "half_open"])
@pytest.mark.parametrize("earlier", [-1, -2, -100])
@pytest.mark.parametrize("workers", [1, 4])
def test_a_first_page_of_ties_is_no_proof_of_the_order(
    workers: int, earlier: int, bounds: str
) -> None:
    """As after an import or an edit of many rows at once."""
    seconds = [0] * (PAGE + 5) + [earlier] * 7
    source = with_rows(seconds, ignore_order=True, ignored_order="id", bounds=bounds)
    run = read(source, Keyset(), workers=workers)
    assert set(run.ids) == set(source.table)


@pytest.mark.parametrize("ignore_until", [False, True])
@pytest.mark.parametrize("inserts", [False, True])
def test_rows_before_a_first_page_of_ties_are_read_although_the_api_shows_no_sign_of_them(
    *, inserts: bool, ignore_until: bool
) -> None:
    """It ignores the upper bound too, or a new row comes first in what should be newest first."""
    seconds = [-100] * 7 + [0] * (PAGE + 5)
    source = with_rows(
        seconds, ignore_order=True, ignored_order="newest id", ignore_until=ignore_until
    )
    there = set(source.table)

    def insert(source: FakeList) -> None:
        if inserts and len(source.requests) == 1:
            source.insert()

    source.after_request = insert
    assert there <= set(read(source, Keyset()).ids)


def test_a_list_whose_newest_rows_are_deleted_is_not_taken_for_an_unsorted_one() -> None:
    source = with_rows(range(PAGE + 5))

    def delete(source: FakeList) -> None:
        if len(source.requests) == 1:
            source.delete(range(PAGE - 1, PAGE + 6))

    source.after_request = delete
    run = read(source, Keyset())
    assert run.warnings == []
    assert set(source.table) <= set(run.ids)


def test_rows_that_appear_late_before_a_page_of_ties_are_no_sign_of_an_ignored_order() -> None:
    source = fake_list(page_size=PAGE)
    source.insert(PAGE + 5, at=START - 100 * SECOND)

    def insert(source: FakeList) -> None:
        if len(source.requests) == 1:
            source.insert(3, at=START - 200 * SECOND)

    source.after_request = insert
    run = read(source, Keyset())
    assert run.warnings == []
    assert len(run.ids) == PAGE + 5


@given(
    seconds=st.lists(st.integers(0, 4), max_size=3 * PAGE),
    order=st.sampled_from(["id", "newest id"]),
    bounds=st.sampled_from(["inclusive", "exclusive", "half_open"]),
)
def test_rows_in_any_order_that_is_not_the_requested_one_are_read(
    seconds: list[int], order: str, bounds: str
) -> None:
    source = with_rows(seconds, ignore_order=True, ignored_order=order, bounds=bounds)
    assert set(read(source, Keyset()).ids) == set(source.table)


@given(
    seconds=st.lists(st.integers(0, 4), max_size=3 * PAGE),
    bounds=st.sampled_from(["inclusive", "exclusive", "half_open"]),
)
def test_a_list_that_is_sorted_is_not_taken_for_one_that_is_not(
    seconds: list[int], bounds: str
) -> None:
    source = with_rows(seconds, bounds=bounds)
    run = read(source, Keyset())
    assert set(run.ids) == set(source.table)
    assert run.warnings == []
