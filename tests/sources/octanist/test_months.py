"""Months, and leads that the statistics count and the list lacks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_leads.sources.octanist.months import (
    count_by_month,
    day_of,
    from_month,
    missing_by_month,
    month_of,
    next_month,
)
from tap_leads.timestamps import from_text

MOMENTS = st.integers(0, 4_000_000_000_000_000)


@given(MOMENTS)
def test_a_moment_is_within_its_month(moment: int) -> None:
    month = month_of(moment)
    assert month <= moment < next_month(month)
    assert day_of(month).endswith("-01")
    assert from_month(day_of(month)[:7]) == month
    assert day_of(next_month(month) - 1)[:7] == day_of(moment)[:7]


def test_the_month_after_december_is_january() -> None:
    assert next_month(from_month("2025-12")) == from_text("2026-01-01")


def test_leads_are_counted_by_the_month_of_their_creation() -> None:
    leads: list[dict[str, Any]] = [
        {"createdAt": "2026-01-31T23:59:59.999Z"},
        {"createdAt": None},
        {},
    ]
    assert count_by_month(leads) == {"2026-01": 1, "": 2}


@pytest.mark.parametrize(
    ("expected", "read", "missing"),
    [
        ({"2026-01": 5}, {"2026-01": 5}, {}),
        ({"2026-01": 5}, {"2026-01": 3}, {"2026-01": 2}),
        ({"2026-01": 5}, {}, {"2026-01": 5}),
        ({"2026-01": 4}, {"2026-01": 5}, {}),
        # The month begins some hours later than in UTC.
        ({"2026-01": 6, "2026-02": 4}, {"2026-01": 5, "2026-02": 5}, {}),
        ({"2026-01": 4, "2026-02": 6}, {"2026-01": 5, "2026-02": 5}, {}),
        ({"2026-01": 8, "2026-02": 4}, {"2026-01": 5, "2026-02": 5}, {"2026-01": 2}),
        # The month before is not known.
        ({"2026-02": 6}, {"2026-01": 5, "2026-02": 5}, {}),
        ({"2025-12": 6, "2026-01": 9}, {"2025-12": 6, "2026-01": 8}, {"2026-01": 1}),
    ],
)
def test_leads_are_missing_where_no_neighboring_month_has_them(
    expected: dict[str, int], read: dict[str, int], missing: dict[str, int]
) -> None:
    assert missing_by_month(expected, read) == missing


@given(st.lists(MOMENTS, max_size=30), st.integers(-14, 14))
def test_months_of_any_time_zone_are_no_missing_leads(created: list[int], hours: int) -> None:
    moments = [moment + 100 * 86_400_000_000 for moment in created]
    shifted = [moment + hours * 3_600_000_000 for moment in moments]
    counts = [[day_of(moment)[:7] for moment in each] for each in (moments, shifted)]
    read, expected = ({month: each.count(month) for month in each} for each in counts)
    full = dict.fromkeys([*read], 0) | expected
    assert missing_by_month(full, read) == {}
