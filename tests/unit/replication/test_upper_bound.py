"""An upper bound holds for rows and bookmark, whatever the API makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_leads.replication.full_table import full_scan
from tap_leads.replication.keyset import Keyset
from tap_leads.replication.model import Bounds
from tap_leads.replication.time_slices import TimeSlices
from tap_leads.timestamps import HOUR, MINUTE, SECOND
from tests.unit.replication.fake_list import START, fake_list
from tests.unit.replication.fake_run import read

if TYPE_CHECKING:
    from tap_leads.replication.model import Strategy
    from tests.unit.replication.fake_list import FakeList

STRATEGIES: dict[str, Strategy] = {"keyset": Keyset(), "time slices": TimeSlices()}
BEHAVIOURS: list[dict[str, Any]] = [
    {},
    {"ignore_until": True},
    {"ignore_filters": True},
    {"ignore_order": True},
    {"bounds": "exclusive"},
    {"bounds": "half_open"},
    {"granularity": MINUTE, "early_rows": 4 * MINUTE},
]


def with_rows(**behavior: Any) -> FakeList:
    """Return a list with a row for each of 200 steps."""
    source = fake_list(**behavior)
    for number in range(200):
        source.insert(at=START - HOUR + number * SECOND)
    return source


@pytest.mark.parametrize("behavior", BEHAVIOURS, ids=str)
@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_row_comes_from_beyond_the_bound(
    strategy: str, workers: int, behavior: dict[str, Any]
) -> None:
    source = with_rows(**behavior)
    until = START - HOUR + 100 * SECOND
    after = START - HOUR + 20 * SECOND
    run = read(source, STRATEGIES[strategy], Bounds(after, until), workers=workers)
    assert {row.cursor for row in run.rows} == {
        START - HOUR + number * SECOND for number in range(20, 101)
    }
    assert run.watermark == until


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_bounds_without_anything_between_them_need_no_request(strategy: str) -> None:
    source = with_rows()
    run = read(source, STRATEGIES[strategy], Bounds(START, START - HOUR))
    assert (run.rows, run.watermark, run.requests) == ([], None, 0)


def test_rows_without_a_cursor_come_whatever_the_bounds() -> None:
    source = with_rows(nullable=True)
    nulls = source.insert(5, null=True)
    run = read(source, Keyset(), Bounds(START, START - HOUR))
    assert sorted(run.ids) == nulls


def test_a_full_scan_keeps_the_bounds_itself() -> None:
    source = with_rows()
    bounds = Bounds(START - HOUR, START - HOUR + 10 * SECOND)
    rows = [row for chunk in full_scan(source, bounds) for row in chunk.rows]
    assert len(rows) == 11
