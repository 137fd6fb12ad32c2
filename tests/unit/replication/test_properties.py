"""No row is lost, whatever happens to a list while it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_leads.replication.keyset import Keyset
from tap_leads.replication.model import Bounds
from tap_leads.replication.time_slices import TimeSlices
from tap_leads.timestamps import SECOND
from tests.support.examples import examples
from tests.unit.replication.changes import (
    CHANGES,
    Change,
    lists,
    load,
    replay,
    stale,
)
from tests.unit.replication.fake_parts import in_parts
from tests.unit.replication.fake_run import FakeAccount, Run, read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_leads.replication.model import Strategy
    from tap_leads.timestamps import Micros
    from tests.unit.replication.fake_list import FakeList

LOOKBACK = FakeAccount.lookback


def survived(run: Run, kill_at: int | None) -> tuple[dict[Any, Micros | None], Micros | None]:
    """What a target has loaded, and the last state, where a run is killed behind some row."""
    table: dict[Any, Micros | None] = {}
    if kill_at is None or kill_at >= len(run.steps):
        load(table, run.rows)
        return table, run.watermark
    steps = run.steps[:kill_at]
    load(table, [row for row, _ in steps])
    return table, max((safe for _, safe in steps if safe is not None), default=None)


def from_bookmark(bookmark: Micros | None) -> Bounds:
    return Bounds(after=None if bookmark is None else bookmark - LOOKBACK)


def two_runs_make_it_equal(
    source: FakeList,
    strategy: Strategy,
    changes: Sequence[Change],
    kill_at: int | None,
    workers: int,
) -> None:
    source.after_request = replay(changes)
    moving = read(source, strategy, workers=workers)
    source.after_request = None
    table, bookmark = survived(moving, kill_at)
    quiet = read(source, strategy, from_bookmark(bookmark), workers=workers)
    load(table, quiet.rows)
    assert stale(table, source) == []


@examples(600)
@given(
    source=lists(),
    changes=CHANGES,
    kill_at=st.none() | st.integers(0, 150),
    workers=st.sampled_from([1, 1, 1, 4]),
)
def test_after_any_changes_and_a_kill_one_quiet_run_makes_the_table_equal_the_list(
    source: FakeList, changes: list[Change], kill_at: int | None, workers: int
) -> None:
    two_runs_make_it_equal(source, Keyset(), changes, kill_at, workers)


@examples(300)
@given(
    source=lists(granularity=SECOND, sortable=False, nullable=False),
    changes=CHANGES,
    kill_at=st.none() | st.integers(0, 150),
    workers=st.sampled_from([1, 1, 1, 4]),
)
def test_the_same_holds_where_the_list_cannot_be_ordered(
    source: FakeList, changes: list[Change], kill_at: int | None, workers: int
) -> None:
    two_runs_make_it_equal(source, TimeSlices(), changes, kill_at, workers)


@pytest.mark.parametrize("ignored", [False, True])
@examples(100)
@given(
    source=lists(granularity=SECOND, sortable=False, nullable=False),
    changes=CHANGES,
    kill_at=st.none() | st.integers(0, 150),
    workers=st.sampled_from([1, 1, 1, 4]),
)
def test_the_same_holds_where_a_list_is_read_in_parts(
    source: FakeList, changes: list[Change], kill_at: int | None, workers: int, *, ignored: bool
) -> None:
    two_runs_make_it_equal(source, in_parts(ignored=ignored), changes, kill_at, workers)


@examples(300)
@given(source=lists(), workers=st.sampled_from([1, 4]))
def test_a_quiet_run_emits_each_row_once(source: FakeList, workers: int) -> None:
    run = read(source, Keyset(), workers=workers)
    assert not run.warnings
    assert sorted(run.ids) == sorted(source.table)


@examples(200)
@given(source=lists(), changes=CHANGES)
def test_a_bookmark_never_passes_a_row_that_is_not_emitted_yet(
    source: FakeList, changes: list[Change]
) -> None:
    source.after_request = replay([change._replace(late=0) for change in changes])
    run = read(source, Keyset())
    bookmark: Micros | None = None
    step = source.traits.granularity
    for row, safe in run.steps:
        if row.cursor is not None and bookmark is not None:
            assert row.cursor >= bookmark - bookmark % step - step
        assert safe is None or bookmark is None or safe >= bookmark
        bookmark = safe if safe is not None else bookmark


@examples(60)
@given(source=lists(ties="stable", empty_at=frozenset(), slow_at=frozenset()))
def test_rows_order_and_bookmark_are_the_same_with_any_number_of_workers(source: FakeList) -> None:
    runs = [read(source, Keyset(), workers=workers) for workers in (1, 4, 8)]
    step = source.traits.granularity
    for run in runs:
        assert sorted(run.ids) == sorted(runs[0].ids)
        assert run.watermark == runs[0].watermark
        places = [row.cursor // step for row in run.rows if row.cursor is not None]
        assert places == sorted(places)


@examples(60)
@given(source=lists(granularity=SECOND, sortable=False, nullable=False, ties="stable"))
def test_time_slices_are_the_same_with_any_number_of_workers(source: FakeList) -> None:
    runs = [read(source, TimeSlices(), workers=workers) for workers in (1, 4, 8)]
    for run in runs:
        assert run.ids == runs[0].ids
        assert run.watermark == runs[0].watermark
        assert sorted(run.ids) == sorted(source.table)


@pytest.mark.parametrize("ignored", [False, True])
@examples(60)
@given(source=lists(granularity=SECOND, sortable=False, nullable=False, ties="stable"))
def test_parts_are_one_list_in_order_with_any_number_of_workers(
    source: FakeList, *, ignored: bool
) -> None:
    runs = [read(source, in_parts(ignored=ignored), workers=workers) for workers in (1, 4, 8)]
    whole = read(source, TimeSlices())
    for run in runs:
        assert run.ids == runs[0].ids
        assert sorted(run.ids) == sorted(source.table)
        assert run.watermark == whole.watermark
        cursors = [row.cursor or 0 for row in run.rows]
        assert cursors == sorted(cursors)
        for row, safe in run.steps:
            assert safe is None or safe <= (row.cursor or 0)


@pytest.mark.parametrize("fault", ["ignore_filters", "ignore_order"])
@examples(300)
@given(source=lists(ties="stable", totals=True), edited=st.integers(0, 5))
def test_an_api_that_ignores_filter_or_order_is_read_completely(
    source: FakeList, fault: str, edited: int
) -> None:
    first = read(source, Keyset())
    source.edit(source.pick(edited))
    setattr(source.options, fault, True)
    second = read(source, Keyset(), from_bookmark(first.watermark))
    table: dict[Any, Micros | None] = {}
    load(table, [*first.rows, *second.rows])
    assert stale(table, source) == []
