"""A row that the cursor stands on and that does not come back: changed, or never filtered by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from tap_leads.replication.behavior import ServerBehavior
from tap_leads.replication.errors import FilterIgnoredError
from tap_leads.replication.keyset_reader import MAX_REPEATS, KeysetReader
from tap_leads.replication.model import Order, Page, Query, Row, Traits
from tap_leads.timestamps import HOUR, MINUTE, SECOND
from tests.unit.replication.fake_list import START, FakeList, fake_list

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_leads.replication.pagination import Position

OLD = START - 100 * HOUR
Answer = dict[int, int]
"""The ids of a page, each with its cursor in hours after `OLD`."""
FIRST: Answer = {1: 0, 2: 1, 3: 2}
"""The cursor stands on row 3 then."""
CHANGED = 100
"""The cursor of a row that changed since the read began."""


class Script(FakeList):
    """A list that answers its requests as a test says; a page with row 9 is the last one."""

    def __init__(self, answer: Callable[[Query, int], Answer]) -> None:
        super().__init__(Traits(page_size=3, granularity=SECOND))
        self.answer = answer

    @override
    def fetch(self, query: Query, at: Position | None = None) -> Page:
        number = len(self.requests)
        self.requests.append((query, at))
        found = FIRST if number == 0 else self.answer(query, number)
        rows = [Row({"id": i}, i, OLD + hours * HOUR) for i, hours in found.items()]
        return Page(rows, has_more=9 not in found, at=at)


def read(source: FakeList) -> list[Any]:
    reader = KeysetReader(source, Query(), ServerBehavior(source.traits))
    return [row.id for chunk in reader.read() for row in chunk.rows]


def asked(source: Script) -> list[int | None]:
    """Return where each request began, in seconds after the cursor; None for the beginning."""
    cursor = OLD + 2 * HOUR
    return [
        None if query.after is None else (query.after - cursor) // SECOND
        for query, _ in source.requests
    ]


def test_a_row_that_is_there_and_that_its_own_date_does_not_find_is_no_filter() -> None:
    source = Script(lambda query, _: FIRST if query.after is None else {5: 3, 6: 4, 7: 5})
    with pytest.raises(FilterIgnoredError):
        read(source)
    assert asked(source) == [None, 0, -1, None]


@pytest.mark.parametrize("changed", [0, 1])
def test_rows_that_changed_may_have_stood_where_it_is_missing(changed: int) -> None:
    """In the page from the cursor on, or in the one from a step before it."""

    def answer(query: Query, number: int) -> Answer:
        if query.after is None:
            return FIRST
        return {5: 3, 6: 4, 7: CHANGED if number % 3 == 1 + changed else 5}

    source = Script(answer)
    with pytest.raises(FilterIgnoredError):
        read(source)
    assert asked(source) == [None] + [0, -1, None] * MAX_REPEATS


def test_a_row_that_is_there_on_another_try_was_only_late() -> None:
    def answer(query: Query, number: int) -> Answer:
        if query.after is None:
            return FIRST
        return {5: 3, 6: 4, 7: CHANGED} if number < 4 else {3: 2, 5: 3, 9: 4}

    source = Script(answer)
    assert read(source) == [1, 2, 3, 5, 9]
    assert asked(source) == [None, 0, -1, None, 0]


@pytest.mark.parametrize("now", [{1: 0, 2: 1}, {1: 0, 2: 1, 3: 5}])
def test_a_row_that_is_gone_or_changed_is_not_waited_for(now: Answer) -> None:
    source = Script(lambda query, _: now if query.after is None else {5: 3, 9: 4})
    assert read(source) == [1, 2, 3, 5, 9]
    assert asked(source) == [None, 0, -1, None]


def test_an_empty_answer_is_wrong_where_the_list_goes_on() -> None:
    def answer(query: Query, number: int) -> Answer:
        if query.after is None:
            return {1: 0, 2: 1, 5: 3}
        return {} if number < 5 else {5: 3, 9: 4}

    source = Script(answer)
    assert read(source) == [1, 2, 3, 5, 9]
    assert asked(source) == [None, 0, -1, -1, None, 0, -1, None]


def test_an_exclusive_bound_is_found_out_a_step_earlier() -> None:
    source = Script(
        lambda query, _: {5: 3, 6: 4, 7: 5} if query.after == OLD + 2 * HOUR else {3: 2, 5: 3, 9: 4}
    )
    assert read(source) == [1, 2, 3, 5, 9]
    assert asked(source) == [None, 0, -1]


@pytest.mark.parametrize("granularity", [SECOND, MINUTE])
def test_rows_before_the_bound_that_fill_a_page_are_passed(granularity: int) -> None:
    source = fake_list(page_size=10, granularity=granularity, early_rows=4 * granularity, splits=12)
    for number in range(100):
        source.insert(at=OLD + number * granularity // 6)
    assert sorted(read(source)) == sorted(source.table)


@pytest.mark.parametrize(
    ("newest", "ids"), [(2, [1, 2, 3]), (3, [1, 2, 3, 4, 5]), (5, [1, 2, 3, 4, 5, 6])]
)
def test_a_read_goes_on_to_the_newest_row_where_rows_are_dated_ahead(
    newest: int, ids: list[int]
) -> None:
    """`newest` is what the API says when it is asked for the newest row."""
    dates = {i: 100 + i for i in range(1, 7)}

    class Ahead(Script):
        @override
        def fetch(self, query: Query, at: Position | None = None) -> Page:
            self.requests.append((query, at))
            found: Sequence[int] = [
                i for i, hours in dates.items() if OLD + hours * HOUR >= (query.after or 0)
            ][:3]
            if query.order is Order.NEWEST:
                assert (query.after, query.until) == (START, None)
                found = [newest]
            rows = [Row({"id": i}, i, OLD + dates[i] * HOUR) for i in found]
            return Page(rows, has_more=True, at=at)

    source = Ahead(lambda *_: {})
    assert read(source) == ids
    assert sum(query.order is Order.NEWEST for query, _ in source.requests) == 1
