"""Whole lists, read by plain paging: bounds are kept by the tap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_leads.replication.full_table import full_scan, rows_of
from tap_leads.replication.keyset import Keyset
from tap_leads.replication.model import Bounds, Query
from tap_leads.timestamps import HOUR
from tests.unit.replication.fake_list import START, FakeList, fake_list
from tests.unit.replication.fake_run import read

if TYPE_CHECKING:
    from tap_leads.timestamps import Micros


@pytest.fixture
def source() -> FakeList:
    """Six rows an hour apart, the newest first, and one without a cursor."""
    source = fake_list(page_size=20, nullable=True)
    for number in range(6):
        source.insert(at=START - (number + 1) * HOUR)
    source.insert(null=True)
    return source


@pytest.mark.parametrize(
    ("after", "until", "null", "ids"),
    [
        (None, None, None, [1, 2, 3, 4, 5, 6, 7]),
        (None, None, False, [1, 2, 3, 4, 5, 6]),
        (START - 5 * HOUR, None, True, [1, 2, 3, 4, 5, 7]),
        (None, START - 2 * HOUR, False, [2, 3, 4, 5, 6]),
        (START - 5 * HOUR, START - 2 * HOUR, False, [2, 3, 4, 5]),
    ],
)
def test_bounds_are_kept_where_the_api_cannot_be_asked_for_them(
    source: FakeList, after: Micros | None, until: Micros | None, ids: list[int], *, null: bool
) -> None:
    run = read(source, Keyset(), Bounds(after, until, null, filterable=False))
    assert sorted(run.ids) == ids
    assert run.watermark == source.items[min(ids)].cursor
    assert not run.warnings


def test_the_bookmark_moves_when_everything_is_read(source: FakeList) -> None:
    *chunks, last = full_scan(source)
    assert [(chunk.safe, chunk.watermark) for chunk in chunks] == [([None] * 7, None)]
    assert (last.rows, last.safe, last.watermark) == ((), (), START - HOUR)


def test_the_filters_of_a_query_are_kept_and_its_bounds_are_not(source: FakeList) -> None:
    query = Query(START - HOUR, START - HOUR, filters=({"bit": 0, "set": True},))
    assert [row.id for row in rows_of(source, query)] == [1, 3, 5, 7]
