"""Rows on their way out: within the bounds, each once, and the bookmark after each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_leads.replication.behavior import ServerBehavior
from tap_leads.replication.model import Row, Traits
from tap_leads.replication.output import Output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_leads.timestamps import Micros

STARTED = 1000


def dated(*cursors: Micros | None) -> list[Row]:
    return [Row({"id": number}, number, cursor) for number, cursor in enumerate(cursors)]


def output(after: Micros | None = None, until: Micros | None = None) -> Output:
    return Output(ServerBehavior(Traits(page_size=10), run_started=STARTED), after, until)


def cursors_of(rows: Sequence[Row]) -> list[Micros | None]:
    return [row.cursor for row in rows]


def test_rows_within_the_bounds_are_emitted_both_bounds_included() -> None:
    rows = dated(None, 99, 100, 200, 201)
    assert cursors_of(output(100, 200).emit(rows).rows) == [100, 200]
    assert cursors_of(output(100, 200).fresh(rows)) == [None, 100, 200]
    assert cursors_of(output().emit(rows).rows) == [99, 100, 200, 201]
    assert cursors_of(output().fresh(rows)) == [None, 99, 100, 200, 201]


def test_the_bookmark_after_a_row_is_its_cursor_and_never_past_the_start_of_the_run() -> None:
    out = output()
    chunk = out.emit(dated(100, 150, STARTED, STARTED + 1))
    assert (chunk.safe, chunk.watermark) == ([100, 150, STARTED, STARTED], STARTED)
    later = output().ordered(dated(STARTED + 1, 100))
    assert (cursors_of(later.rows), later.safe) == ([100, STARTED + 1], [100, 100])


def test_without_a_clock_the_bookmark_is_the_last_cursor() -> None:
    out = Output(ServerBehavior(Traits(page_size=10)), None, None)
    assert out.emit(dated(100, 2000)).safe == [100, 2000]
    assert out.passed(3000).watermark == 3000


def test_a_row_that_comes_again_is_emitted_only_if_it_changed() -> None:
    out = output()
    out.emit(dated(100, 150))
    assert out.emit(dated(100, 150)).rows == []
    assert cursors_of(out.emit(dated(100, 160)).rows) == [160]
    assert out.fresh(dated(100, 160)) == []
    assert cursors_of(out.fresh([Row({}, 9, None)])) == [None]
    assert out.fresh([Row({}, 9, None)]) == []


def test_what_lies_before_the_edge_is_forgotten() -> None:
    out = output()
    out.emit(dated(100, 150, 200))
    out.fresh([Row({}, 9, None)])
    out.edge = 150
    assert cursors_of(out.emit(dated(100, 150, 200)).rows) == [100]
    assert cursors_of(out.fresh([Row({}, 9, None)])) == [None]
    assert out.emit(dated(100, 150, 200)).rows == []


def test_the_bookmark_goes_on_from_chunk_to_chunk_and_never_back() -> None:
    out = output()
    out.emit(dated(500))
    ties = out.ties(dated(600, 700))
    assert (cursors_of(ties.rows), ties.safe, ties.watermark) == ([600, 700], [500, 500], 500)
    assert out.passed(400).watermark == 500
    passed = out.passed(700)
    assert (list(passed.rows), list(passed.safe), passed.watermark) == ([], [], 700)
    assert out.passed(None).watermark == 700
    ordered = out.ordered(dated(650, None, 900, 800))
    assert cursors_of(ordered.rows) == [None, 650, 800, 900]
    assert (ordered.safe, ordered.watermark) == ([700, 700, 800, 900], 900)
    assert out.emit([Row({}, 9, 850)]).safe == [900]


def test_a_frozen_bookmark_stays_where_it_is() -> None:
    out = output()
    out.emit(dated(500))
    out.freeze()
    assert out.emit(dated(600)).safe == [500]
    assert out.ordered(dated(700)).safe == [500]
    assert out.passed(800).watermark == 500


@pytest.mark.parametrize(
    ("cursor", "watermark", "advanced"),
    [(None, 5, 5), (7, None, 7), (7, 5, 7), (3, 5, 5), (STARTED, 5, STARTED), (STARTED + 1, 5, 5)],
)
def test_a_bookmark_advances_to_a_cursor_that_is_not_ahead_of_the_clock(
    cursor: Micros | None, watermark: Micros | None, advanced: Micros
) -> None:
    assert output().advanced(cursor, watermark) == advanced
