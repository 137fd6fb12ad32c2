"""Rows that change between the choice of a page and its reading: newer than their place, or gone.

Such rows show no ignored filter: no warning, no full scan, no loss and few more requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_leads.replication.keyset import Keyset
from tap_leads.replication.model import Bounds
from tap_leads.replication.time_slices import TimeSlices
from tap_leads.timestamps import HOUR, MINUTE, SECOND
from tests.support.examples import examples
from tests.unit.replication.changes import (
    CHANGES,
    LATE_READS,
    Change,
    LateRead,
    lists,
    load,
    read_late,
    replay,
    stale,
)
from tests.unit.replication.fake_list import START, FakeList, fake_list
from tests.unit.replication.fake_run import FakeAccount, Run, read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_leads.replication.model import Strategy
    from tap_leads.timestamps import Micros

STRATEGIES = [Keyset(), TimeSlices()]


def two_runs_make_it_equal(
    source: FakeList,
    strategy: Strategy,
    changes: Sequence[Change],
    late: Sequence[LateRead],
    workers: int,
) -> None:
    source.after_request, source.before_rows = replay(changes), read_late(late)
    moving = read(source, strategy, workers=workers)
    assert not moving.warnings
    source.after_request = source.before_rows = None
    table: dict[Any, Micros | None] = {}
    load(table, moving.rows)
    after = None if moving.watermark is None else moving.watermark - FakeAccount.lookback
    quiet = read(source, strategy, Bounds(after=after), workers=workers)
    assert not quiet.warnings
    load(table, quiet.rows)
    assert stale(table, source) == []


@examples(400)
@given(source=lists(), changes=CHANGES, late=LATE_READS, workers=st.sampled_from([1, 1, 1, 4]))
def test_no_row_that_is_read_late_is_lost_or_shows_an_ignored_filter(
    source: FakeList, changes: list[Change], late: list[LateRead], workers: int
) -> None:
    two_runs_make_it_equal(source, Keyset(), changes, late, workers)


@examples(200)
@given(
    source=lists(granularity=SECOND, sortable=False, nullable=False),
    changes=CHANGES,
    late=LATE_READS,
    workers=st.sampled_from([1, 1, 1, 4]),
)
def test_the_same_holds_where_the_list_cannot_be_ordered(
    source: FakeList, changes: list[Change], late: list[LateRead], workers: int
) -> None:
    two_runs_make_it_equal(source, TimeSlices(), changes, late, workers)


def moving_run(
    strategy: Strategy, *, late: bool, ties: int, granularity: Micros, workers: int, **options: Any
) -> Run:
    """A run during which a row of each page is edited and one deleted, before or after its rows."""
    source = fake_list(page_size=25, granularity=granularity, splits=12, **options)
    for number in range(1000):
        source.insert(at=START - HOUR - (1000 - number) * 26 * SECOND)
    source.insert(ties, at=START - 5 * HOUR)
    if options.get("nullable"):
        source.insert(150, null=True)
    chosen: list[int] = []

    def change(source: FakeList, ids: Sequence[int]) -> None:
        if len(source.requests) % 2:
            picked = source.random.sample(sorted(ids), min(2, len(ids)))
            source.edit(picked[:1])
            source.delete(picked[1:])

    def before_rows(source: FakeList, ids: Sequence[int]) -> None:
        chosen[:] = ids
        if late:
            change(source, ids)

    def after_request(source: FakeList) -> None:
        if not late:
            change(source, chosen)

    source.before_rows, source.after_request = before_rows, after_request
    there = set(source.table)
    run = read(source, strategy, workers=workers)
    assert not run.warnings
    lost = there & set(source.table) - set(run.ids)
    changed = {i for i in lost if (source.table[i] or 0) >= START}
    if unread := lost - changed:
        # Deleted and added rows made up for them in the total: the bookmark must be before them.
        assert isinstance(strategy, TimeSlices)
        assert options["totals"]
        source.before_rows = source.after_request = None
        after = None if run.watermark is None else run.watermark - FakeAccount.lookback
        assert unread <= set(read(source, strategy, Bounds(after=after)).ids)
    return run


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("ties", [0, 200])
@pytest.mark.parametrize("granularity", [SECOND, MINUTE])
@pytest.mark.parametrize("totals", [False, True])
@pytest.mark.parametrize("stable_order", ["id", "none"])
@pytest.mark.parametrize("strategy", STRATEGIES, ids=["keyset", "time slices"])
def test_rows_that_are_read_late_cost_few_requests(
    strategy: Strategy,
    workers: int,
    ties: int,
    granularity: Micros,
    totals: bool,
    stable_order: str,
) -> None:
    options: dict[str, Any] = {
        "ties": ties,
        "granularity": granularity,
        "totals": totals,
        "workers": workers,
        "stable_order": stable_order,
        "nullable": isinstance(strategy, Keyset),
        "links": stable_order == "id" and not totals,
    }
    # The turns of several workers do not repeat, so their number of requests is chance: one and a
    # half times as many on average, and more than twice as many in one of a hundred tests.
    is_chance = workers > 1
    seeds = range(5, 9) if is_chance else [5]
    late, plain = (
        sum(moving_run(strategy, late=each, seed=seed, **options).requests for seed in seeds)
        for each in (True, False)
    )
    assert late <= (3 if is_chance else 1.3) * plain


def test_rows_that_moved_behind_others_before_they_were_read_prove_no_overlap() -> None:
    """A whole page is edited between its choice and its reading, and moves to the end."""
    source = fake_list(page_size=12, sortable=False, stable_order="cursor")
    source.insert(15, at=START - HOUR)

    def edit_a_page(source: FakeList, ids: Sequence[int]) -> None:
        if len(source.requests) == 3:
            source.edit(ids)

    source.before_rows = edit_a_page
    run = read(source, TimeSlices())
    assert set(run.ids) == set(source.table)


def test_a_wrong_empty_page_in_place_of_the_newest_row_hides_no_row() -> None:
    source = fake_list(
        page_size=12, granularity=1000, splits=12, nullable=True, totals=False, empty_at={4}
    )
    source.insert(12, at=START - HOUR)
    source.insert(null=True)
    edits = LateRead(frozenset(range(20)), frozenset())
    two_runs_make_it_equal(source, Keyset(), [Change(0, 1, 0, 0, 0, 0)], [edits], 1)
