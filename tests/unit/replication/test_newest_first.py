"""A list that is sorted newest first: nothing is lost while rows move to its front."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_leads.replication.errors import IncompleteError, PagingError
from tap_leads.replication.model import Bounds, Page, Query, Row, Traits
from tap_leads.replication.newest_first import NewestFirst
from tap_leads.replication.pagination import CursorPaginator
from tap_leads.timestamps import HOUR, SECOND
from tests.unit.replication.fake_run import FakeAccount

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_leads.replication.positions import Token

START = 1_000_000 * HOUR


@dataclass
class Feed:
    """A list in memory, paged by a token that names the last row of the page before.

    `cursors` has the cursor of each row. `moves` has the rows that change after each request.
    """

    cursors: dict[int, int | None]
    moves: list[list[int]] = field(default_factory=list)
    size: int = 3
    order: Callable[[Feed], list[int]] | None = None
    late: bool = False
    """Rows are read after those of `moves` have changed, and keep their place on the page."""
    clock: int = START
    requests: int = 0
    paginator = CursorPaginator

    @property
    def traits(self) -> Traits:
        return Traits(page_size=self.size, granularity=SECOND)

    def now(self) -> int:
        return self.clock

    def sorted(self) -> list[int]:
        if self.order is not None:
            return self.order(self)
        return sorted(self.cursors, key=lambda row: (self.cursors[row] or 0, row), reverse=True)

    def fetch(self, query: Query, at: Token | None = None) -> Page:
        del query
        self.requests += 1
        self.clock += SECOND
        ids = self.sorted()
        start = 0
        if at is not None and at.value is not None:
            cursor, row = (int(part) for part in at.value.split())
            if self.order is None:
                place = ((self.cursors[each] or 0, each) < (cursor, row) for each in ids)
                start = next((index for index, is_after in enumerate(place) if is_after), len(ids))
            else:
                start = ids.index(row) + 1
        chosen = ids[start : start + self.size]
        more = start + self.size < len(ids)
        token = f"{self.cursors[chosen[-1]] or 0} {chosen[-1]}" if more else None
        before = {row: self.cursors[row] for row in chosen}
        if self.moves:
            for row in self.moves.pop(0):
                self.clock += 1
                self.cursors[row] = self.clock
        shown = self.cursors if self.late else before
        rows = [Row({"id": row}, row, shown[row]) for row in chosen]
        return Page(rows, token is not None, next=token)


def feed(rows: int, **options: Any) -> Feed:
    """Return a list whose row 1 is the oldest."""
    return Feed({row: START - (rows - row + 1) * HOUR for row in range(1, rows + 1)}, **options)


@dataclass
class Result:
    rows: list[Row]
    bookmark: int | None
    warnings: list[str]
    marks: list[int | None]

    @property
    def ids(self) -> set[Any]:
        return {row.id for row in self.rows}


def run(source: Feed, bookmark: int | None = None, *, lookback: int = 0, **bounds: Any) -> Result:
    account = FakeAccount(cast("Any", source))
    account.lookback = lookback
    after = None if bookmark is None else bookmark - lookback
    found = NewestFirst().read(account, Bounds(after=after, **bounds), 1)
    chunks = [chunk for chunk in found if chunk]
    rows = [row for chunk in chunks for row in chunk.rows]
    marks = [mark for chunk in chunks[:-1] for mark in (*chunk.safe, chunk.watermark)]
    return Result(rows, chunks[-1].watermark, account.warnings, marks)


MOVES = st.lists(st.lists(st.integers(1, 20), max_size=4), max_size=12)


@given(moves=MOVES, size=st.integers(1, 6), late=st.booleans())
def test_no_row_is_lost_while_rows_move_to_the_front(
    moves: list[list[int]], size: int, late: bool
) -> None:
    source = feed(20, moves=moves, size=size, late=late)
    first = run(source)
    assert first.warnings == []
    assert first.ids == {*range(1, 21)}
    assert {*first.marks} == {None}
    source.moves = []
    second = run(source, first.bookmark)
    latest = {row.id: row.cursor for row in (*first.rows, *second.rows)}
    assert latest == source.cursors


@given(moves=MOVES, size=st.integers(1, 6), reads=st.integers(1, 4))
def test_later_runs_find_every_change(moves: list[list[int]], size: int, reads: int) -> None:
    source = feed(20, size=size)
    found = run(source)
    latest = {row.id: row.cursor for row in found.rows}
    bookmark = found.bookmark
    for _ in range(reads):
        source.moves = [moves.pop(0)] * 2 if moves else []
        found = run(source, bookmark)
        latest |= {row.id: row.cursor for row in found.rows}
        bookmark = max(bookmark or 0, found.bookmark or 0)
    source.moves = []
    latest |= {row.id: row.cursor for row in run(source, bookmark).rows}
    assert latest == source.cursors


def test_a_quiet_run_reads_one_page_and_the_same_rows() -> None:
    source = feed(20, size=10)
    first = run(source)
    assert first.bookmark == source.cursors[20]
    for _ in range(2):
        source.requests = 0
        again = run(source, first.bookmark, lookback=HOUR)
        assert source.requests == 1
        assert again.ids == {19, 20}
        assert again.bookmark == first.bookmark


def test_rows_of_a_later_date_than_the_end_are_left_out_and_never_passed() -> None:
    source = feed(20)
    found = run(source, until=source.cursors[12])
    assert found.ids == {*range(1, 13)}
    assert found.bookmark == source.cursors[12]


def test_the_bookmark_never_passes_the_start_of_the_run() -> None:
    source = feed(20)
    source.cursors[7] = START + 100 * HOUR
    assert run(source).bookmark == source.cursors[20]


def test_rows_without_a_cursor_are_read() -> None:
    source = feed(5)
    source.cursors |= {6: None, 7: None}
    found = run(source)
    assert found.ids == {*range(1, 8)}
    assert found.bookmark == source.cursors[5]


@pytest.mark.parametrize("size", [1, 3, 30])
@pytest.mark.parametrize("order", ["oldest first", "by another field"])
def test_a_list_in_another_order_is_read_whole(order: str, size: int) -> None:
    def by_order(source: Feed) -> list[int]:
        if order == "oldest first":
            return sorted(source.cursors, key=lambda row: source.cursors[row] or 0)
        return sorted(source.cursors, key=lambda row: row * 7 % 20)

    source = feed(20, size=size, order=by_order)
    first = run(source)
    assert first.ids == {*range(1, 21)}
    assert len(first.warnings) == 1
    source.cursors[5] = source.clock
    second = run(source, first.bookmark)
    assert second.ids == {5, 20}
    assert len(second.warnings) == 1


def test_equal_cursors_show_no_order_and_end_no_walk() -> None:
    source = feed(20, order=lambda it: sorted(it.cursors))
    source.cursors |= dict.fromkeys(range(1, 7), START - 90 * HOUR)
    assert run(source, START - 10 * HOUR).ids == {*range(11, 21)}


def test_rows_that_changed_shortly_before_the_run_may_be_at_an_old_place() -> None:
    source = feed(20, order=lambda it: sorted(it.cursors, reverse=True))
    source.cursors[3] = START - HOUR // 2
    assert run(source, lookback=HOUR).warnings == []
    assert run(source, lookback=0).warnings != []


def test_a_list_that_is_shuffled_ends_in_all_rows_or_in_an_error() -> None:
    orders = iter(range(10_000))
    source = feed(20, order=lambda it: sorted(it.cursors, key=lambda r: hash((r, next(orders)))))
    with suppress(IncompleteError):
        assert run(source).ids == {*range(1, 21)}


def test_an_empty_page_in_the_middle_is_passed_and_one_at_the_end_is_requested_again() -> None:
    source = feed(6)
    real = source.fetch

    def fetch(query: Query, at: Token | None = None) -> Page:
        page = real(query, at)
        if source.requests == 2 and at is not None:
            return Page((), has_more=True, next=f"{at.value} ")
        return Page((), has_more=False) if source.requests == 3 else page

    source.fetch = fetch  # type: ignore[method-assign]
    assert run(source).ids == {*range(1, 7)}
    empty = Feed({})
    assert run(empty).ids == set()
    assert empty.requests == 2


def test_tokens_without_an_end_are_an_error() -> None:
    source = feed(3, size=3)
    count = iter(range(10_000))

    def fetch(query: Query, at: Token | None = None) -> Page:
        del query, at
        return Page([Row({"id": 1}, 1, START)], has_more=True, next=str(next(count)))

    source.fetch = fetch  # type: ignore[method-assign]
    with pytest.raises(PagingError, match="without end"):
        run(source)


def test_a_token_that_comes_again_is_an_error() -> None:
    source = feed(3)

    def fetch(query: Query, at: Token | None = None) -> Page:
        del query, at
        return Page([Row({"id": 1}, 1, START)], has_more=True, next="same")

    source.fetch = fetch  # type: ignore[method-assign]
    with pytest.raises(PagingError, match="same page token twice"):
        run(source)
