"""What a read learns of its API: bounds that are exclusive, and rows that changed meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_leads.replication.behavior import (
    ServerBehavior,
    first_page,
    open_set,
    request,
    start_of,
)
from tap_leads.replication.errors import FilterIgnoredError
from tap_leads.replication.model import Order, Page, Query, Row, Traits
from tap_leads.timestamps import HOUR, SECOND
from tests.unit.replication.fake_list import START, fake_list
from tests.unit.replication.fake_run import at_the_pace_of

if TYPE_CHECKING:
    from tap_leads.timestamps import Micros

SETTLED = 1000


def dated(*cursors: Micros | None) -> list[Row]:
    return [Row({"id": number}, number, cursor) for number, cursor in enumerate(cursors)]


def page_of(*cursors: Micros | None) -> Page:
    return Page(dated(*cursors), has_more=False)


def behavior(granularity: Micros = 10, **known: Micros | bool) -> ServerBehavior:
    traits = Traits(page_size=10, granularity=granularity, early_rows=5)
    return ServerBehavior(traits, settled=SETTLED, **known)  # type: ignore[arg-type]


def cursors_of(rows: list[Row]) -> list[Micros | None]:
    return [row.cursor for row in rows]


# Bounds


@pytest.mark.parametrize(
    ("exclusive", "inclusive", "order", "after", "until"),
    [
        (None, False, Order.CURSOR, 100, 210),
        (None, False, Order.STABLE, 90, 210),
        (False, False, Order.STABLE, 100, 210),
        (True, False, Order.CURSOR, 90, 210),
        (True, True, Order.CURSOR, 90, 200),
        (None, True, Order.CURSOR, 100, 200),
    ],
)
def test_bounds_are_a_step_wider_where_they_may_be_exclusive(
    order: Order, after: Micros, until: Micros, *, exclusive: bool | None, inclusive: bool
) -> None:
    known = behavior()
    known.lower_is_exclusive, known.upper_is_inclusive = exclusive, inclusive
    assert known.widen(Query(100, 200, order)) == Query(after, until, order)
    assert known.widen(Query(None, None, order)) == Query(None, None, order)


@pytest.mark.parametrize(
    ("until", "cursors", "is_shown"),
    [
        (200, (200,), True),
        (205, (None, 150, 201), True),
        (200, (199, 210), False),
        (None, (200,), False),
        (1000, (1000,), False),  # it may have changed since the page was chosen
        (200, (), False),
    ],
)
def test_a_row_on_the_upper_bound_shows_that_it_is_inclusive(
    until: Micros | None, cursors: tuple[Micros | None, ...], *, is_shown: bool
) -> None:
    known = behavior()
    assert known.observe(page_of(*cursors), Query(None, until)) is is_shown
    assert known.upper_is_inclusive is is_shown
    assert not known.observe(page_of(*cursors), Query(None, until))  # not the first one any more


@pytest.mark.parametrize(
    ("cursors", "ignored"),
    [
        ((None, 75, 100, 225), False),
        ((None, 74), True),
        ((226,), True),
        ((SETTLED,), False),  # it left the bounds since the read began
        ((SETTLED - 1,), True),
    ],
)
def test_rows_far_outside_of_the_bounds_show_an_ignored_filter(
    cursors: tuple[Micros | None, ...], *, ignored: bool
) -> None:
    known, rows = behavior(), dated(*cursors)
    known.check_bounds(rows, Query())
    if ignored:
        with pytest.raises(FilterIgnoredError):
            known.check_bounds(rows, Query(100, 200))
    else:
        known.check_bounds(rows, Query(100, 200))


@pytest.mark.parametrize(
    ("after", "start"), [(None, None), (100, 90), (105, 90), (109, 90), (110, 100)]
)
def test_a_read_starts_a_step_before_its_bound(after: Micros | None, start: Micros | None) -> None:
    assert start_of(after, 10) == start


# Order


@pytest.mark.parametrize(
    ("cursors", "placed"),
    [
        ((), []),
        ((100, 100, 150), [100, 100, 150]),
        ((75, 80), [75, 80]),
        ((100, SETTLED + 5, 150, SETTLED), [100, 150, SETTLED]),
        ((SETTLED, 100, 150), [100, 150]),
        ((100, SETTLED + 9, SETTLED + 8, SETTLED + 8), [100, SETTLED + 8, SETTLED + 8]),
    ],
)
def test_rows_that_changed_are_not_at_their_place(
    cursors: tuple[Micros, ...], placed: list[Micros]
) -> None:
    assert cursors_of(behavior().placed(dated(*cursors), 100)) == placed


@pytest.mark.parametrize(
    "cursors", [(74,), (None,), (150, 149), (150, SETTLED, 149), (100, SETTLED - 1, 998)]
)
def test_rows_out_of_order_or_before_the_bound_show_an_ignored_filter(
    cursors: tuple[Micros | None, ...],
) -> None:
    with pytest.raises(FilterIgnoredError):
        behavior().placed(dated(*cursors), 100)


def test_without_a_bound_and_a_clock_rows_need_only_be_in_order() -> None:
    known = behavior()
    known.settled = None
    assert cursors_of(known.placed(dated(0, 5, SETTLED), None)) == [0, 5, SETTLED]
    with pytest.raises(FilterIgnoredError):
        known.placed(dated(SETTLED + 1, SETTLED), None)


def test_the_newest_row_that_was_seen_is_remembered() -> None:
    known = behavior()
    seen = []
    for cursors in ((), (100, 300), (200,), (350,), (100, SETTLED + 1, 400)):
        known.placed(dated(*cursors), None)
        seen.append(known.newest)
    assert seen == [0, 300, 300, 350, 400]


# The clock


def test_a_cursor_ahead_of_the_clock_is_later_than_the_read() -> None:
    known = behavior(run_started=100)
    assert [known.is_after_start(each) for each in (99, 100, 101)] == [False, False, True]
    assert not behavior().is_after_start(101)


def test_what_is_as_old_as_the_clock_when_the_read_began_may_have_changed() -> None:
    known = behavior()
    assert [known.is_settled(each) for each in (999, 1000)] == [True, False]
    known.settled = None
    assert known.is_settled(10**18)


def test_the_clock_is_read_with_the_first_answer() -> None:
    source = fake_list()
    known = ServerBehavior(source.traits)
    request(source, known, Query())
    first = source.now()
    assert known.run_started == first
    assert known.settled is not None
    assert first - 3 * SECOND < known.settled <= first - SECOND
    source.clock += HOUR
    request(source, known, Query())
    assert known.run_started == first


def test_what_passes_until_the_first_answer_is_not_settled() -> None:
    source = fake_list(seconds=5.0)
    known = ServerBehavior(source.traits)
    with at_the_pace_of(source):
        request(source, known, Query())
    assert known.run_started == START + 5 * SECOND
    assert known.settled == START - SECOND


# Pages


def test_an_empty_page_is_requested_twice_and_no_other() -> None:
    source = fake_list(empty_at={0})
    source.insert(3, at=START - HOUR)
    known = ServerBehavior(source.traits)
    assert len(first_page(source, known, Query()).rows) == 3
    assert len(source.requests) == 2
    assert len(first_page(source, known, Query()).rows) == 3
    assert len(source.requests) == 3


@pytest.mark.parametrize(
    ("rows_after", "requests", "rows"), [(5, 1, 8), (7, 1, 10), (8, 2, 3), (0, 1, 3)]
)
def test_a_set_is_opened_again_in_narrower_bounds_where_that_saves_pages(
    rows_after: int, requests: int, rows: int
) -> None:
    source = fake_list(page_size=10)
    source.insert(3, at=START - HOUR)
    source.insert(rows_after, at=START - HOUR + SECOND)
    known = ServerBehavior(source.traits)
    query = Query(START - 2 * HOUR, START - HOUR, Order.STABLE)
    page, bounds = open_set(source, known, query)
    assert (len(source.requests), len(page.rows)) == (requests, rows)
    assert known.upper_is_inclusive is (rows_after > 0)
    assert bounds.until == START - HOUR + (0 if requests == 2 else SECOND)
    assert bounds.after == START - 2 * HOUR - SECOND
    assert source.requests[-1] == (bounds, None)
