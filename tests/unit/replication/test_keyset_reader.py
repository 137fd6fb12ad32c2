"""Keyset pagination against answers that no list in memory gives at will."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from tap_leads.replication.behavior import ServerBehavior
from tap_leads.replication.errors import FilterIgnoredError, IncompleteError, PagingError
from tap_leads.replication.keyset_reader import MAX_REPEATS, KeysetReader
from tap_leads.replication.model import Order, Page, Query, Row
from tap_leads.timestamps import HOUR, SECOND
from tests.support.logs import uncoded
from tests.unit.replication.fake_list import START, FakeList, fake_list

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_leads.replication.pagination import Position

PAGE = 10


def read(source: FakeList, query: Query | None = None) -> tuple[list[Row], ServerBehavior]:
    behavior = ServerBehavior(source.traits)
    chunks = KeysetReader(source, query or Query(), behavior).read()
    return [row for chunk in chunks for row in chunk.rows], behavior


def ids_of(rows: Sequence[Row]) -> list[Any]:
    return [row.id for row in rows]


def hourly(rows: int, **options: Any) -> FakeList:
    """A list of rows an hour apart, the last one an hour old."""
    source = fake_list(page_size=PAGE, splits=12, **options)
    for number in range(rows):
        source.insert(at=START - (rows - number) * HOUR)
    return source


class Scripted(FakeList):
    """A list whose every answer has these rows, and reports more."""

    rows: Sequence[Row] = ()

    @override
    def fetch(self, query: Query, at: Position | None = None) -> Page:
        self.requests.append((query, at))
        return Page(self.rows, has_more=True, at=at)


# Bounds


@pytest.mark.parametrize("bounds", ["inclusive", "exclusive", "half_open"])
def test_a_read_finds_out_if_the_lower_bound_is_exclusive(bounds: str) -> None:
    source = hourly(3 * PAGE, bounds=bounds)
    rows, behavior = read(source)
    assert ids_of(rows) == list(source.table)
    assert behavior.lower_is_exclusive is (bounds == "exclusive")


def test_nothing_is_learned_of_a_bound_from_a_list_of_one_page() -> None:
    rows, behavior = read(hourly(PAGE))
    assert len(rows) == PAGE
    assert behavior.lower_is_exclusive is None


def test_once_the_bounds_are_known_they_are_requested_as_they_are() -> None:
    source = hourly(4 * PAGE)
    read(source, Query(after=START - 100 * HOUR))
    moved = [query.after for query, _ in source.requests[1:]]
    cursors = set(source.table.values())
    assert all(after in cursors for after in moved)


def test_a_read_with_an_end_stops_once_a_page_leads_past_it() -> None:
    source = hourly(5 * PAGE, bounds="inclusive")
    until = source.items[2 * PAGE].cursor
    rows, _ = read(source, Query(until=until))
    assert ids_of(rows) == list(range(1, 2 * PAGE + 1))
    assert len(source.requests) == 3


# Pages that do not hold still


def test_an_empty_page_that_reports_more_is_an_error() -> None:
    source = Scripted(fake_list(page_size=PAGE).traits)
    with pytest.raises(PagingError) as raised:
        read(source)
    assert raised.value.cause == "the API returned an empty page but reported more records"
    assert len(source.requests) == 2 * MAX_REPEATS  # each is requested twice


def test_a_page_whose_rows_change_each_time_is_an_error_and_not_the_end() -> None:
    source = fake_list(page_size=PAGE)
    source.insert(3 * PAGE, at=START - HOUR)

    def edit_all(source: FakeList, _ids: Sequence[int]) -> None:
        source.clock += 2 * SECOND
        source.edit(source.table)

    source.before_rows = edit_all
    with pytest.raises(IncompleteError) as raised:
        read(source)
    assert uncoded(str(raised.value)) == (
        "the records of a page changed every time it was read, so some may be missing; run the "
        "sync again"
    )
    assert len(source.requests) == MAX_REPEATS


def test_rows_that_come_twice_as_they_are_stand_at_their_place() -> None:
    """All rows are as new as the clock: only a second answer shows that they hold still."""
    source = fake_list(page_size=PAGE, seconds=0.0)
    source.insert(PAGE + 5)
    rows, _ = read(source)
    assert sorted(ids_of(rows)) == sorted(source.table)


# Where the read ends


def test_a_read_ends_at_the_newest_row_of_the_time_at_which_the_clock_was_reached() -> None:
    source = hourly(PAGE)
    ahead = source.insert(at=START + HOUR) + source.insert(at=START + 2 * HOUR)
    source.insert(3 * PAGE, at=START - 20 * HOUR)
    rows, behavior = read(source)
    assert set(ahead) <= set(ids_of(rows))
    assert behavior.newest == START + 2 * HOUR


def test_a_list_that_grows_as_it_is_read_is_not_followed_for_ever() -> None:
    source = hourly(3 * PAGE)
    there = set(source.table)

    def grow(source: FakeList) -> None:
        source.insert(3)
        source.clock += SECOND

    source.after_request = grow
    rows, _ = read(source)
    assert there <= set(ids_of(rows))
    assert len(source.requests) < 20


# Rows of one moment


@pytest.mark.parametrize("behind", [0, 3 * PAGE])
def test_more_rows_of_one_moment_than_a_page_holds_are_read_by_position(behind: int) -> None:
    source = fake_list(page_size=PAGE, splits=12)
    source.insert(3 * PAGE, at=START - 100 * HOUR)
    for number in range(behind):
        source.insert(at=START - 90 * HOUR + number * SECOND)
    rows, _ = read(source)
    assert sorted(ids_of(rows)) == sorted(source.table)
    assert len(rows) == len(source.table)


def test_rows_of_one_moment_are_one_set_and_what_follows_is_read_from_there_on() -> None:
    source = fake_list(page_size=PAGE, splits=12)
    source.insert(3 * PAGE, at=START - 100 * HOUR)
    source.insert(1, at=START - 99 * HOUR)
    read(source)
    moment = START - 100 * HOUR
    asked = {(query.order, query.after, query.until) for query, _ in source.requests}
    assert asked == {
        (Order.CURSOR, None, None),
        (Order.CURSOR, moment, None),
        (Order.STABLE, moment, moment + 2 * SECOND - 1),
        (Order.CURSOR, moment + SECOND, None),
    }


def test_the_bookmark_does_not_move_within_one_moment_and_does_behind_it() -> None:
    source = fake_list(page_size=PAGE, splits=12)
    first, second = START - 100 * HOUR, START - 99 * HOUR
    source.insert(1, at=first)
    source.insert(3 * PAGE, at=second)
    source.insert(1, at=START - HOUR)
    behavior = ServerBehavior(source.traits)
    safe = [
        (row.cursor, mark)
        for chunk in KeysetReader(source, Query(), behavior).read()
        for row, mark in zip(chunk.rows, chunk.safe, strict=True)
    ]
    assert safe[0] == (first, first)
    assert safe[-1] == (START - HOUR, START - HOUR)
    assert {mark for cursor, mark in safe if cursor == second} <= {first, second}


# Filters that are ignored


def test_a_row_that_its_own_date_does_not_find_shows_an_ignored_filter() -> None:
    """The API answers by another date than it shows: pages do not begin where they should."""
    source = hourly(3 * PAGE)
    shown = source.fetch

    class Shifted(FakeList):
        @override
        def fetch(self, query: Query, at: Position | None = None) -> Page:
            page = shown(query, at)
            rows = [row._replace(cursor=(row.cursor or 0) - 3 * HOUR) for row in page.rows]
            return Page(rows, has_more=page.has_more, total=page.total, at=page.at)

    with pytest.raises(FilterIgnoredError):
        read(Shifted(source.traits))


@pytest.mark.parametrize("change", ["edit", "delete"])
def test_a_row_that_the_cursor_stands_on_and_that_goes_is_no_ignored_filter(change: str) -> None:
    source = hourly(3 * PAGE)

    def change_last(source: FakeList) -> None:
        if len(source.requests) == 1:
            getattr(source, change)([PAGE])

    source.after_request = change_last
    rows, _ = read(source)
    assert set(source.table) <= set(ids_of(rows))
