"""Months, and leads that the statistics count and the list lacks."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_leads.sources.octanist.months import (
    MonthCounts,
    day_of,
    from_month,
    missing_by_month,
    month_of,
    next_month,
)
from tap_leads.timestamps import DAY, HOUR, from_text, to_text

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


def counted(*moments: str | None) -> MonthCounts:
    """Return the counts of leads that were created at these moments."""
    counts = MonthCounts()
    counts.add({"createdAt": moment} for moment in moments)
    return counts


def middle(**months: int) -> list[str]:
    """Return moments in the middle of months, such as `m01=5` for five in January."""
    return [f"2026-{name[1:]}-15T00:00:00Z" for name, count in months.items() for _ in range(count)]


def test_leads_are_counted_by_the_month_of_their_creation() -> None:
    counts = counted("2026-01-31T23:59:59.999Z", None, *middle(m02=3), "2026-02-01T00:00:00Z")
    assert counts.leads == {"2026-01": 1, "": 1, "2026-02": 4}
    assert counts.near == {("2026-01", "2026-02"): 1, ("2026-02", "2026-01"): 1}


EVENING, MORNING = "2026-01-31T23:00:00Z", "2026-02-01T02:00:00Z"


@pytest.mark.parametrize(
    ("expected", "read", "missing"),
    [
        ({"01": 5}, middle(m01=5), {}),
        ({"01": 5}, middle(m01=3), {"01": 2}),
        ({"01": 5}, [], {"01": 5}),
        ({"01": 4}, middle(m01=5), {}),
        # The month begins some hours earlier or later than in UTC.
        ({"01": 6, "02": 4}, [*middle(m01=5, m02=4), MORNING], {}),
        ({"01": 4, "02": 6}, [*middle(m01=4, m02=5), EVENING], {}),
        ({"01": 8, "02": 4}, [*middle(m01=5, m02=4), MORNING], {"01": 2}),
        # No other month has the lead, although there are others with more leads than expected.
        ({"01": 6, "02": 4}, middle(m01=5, m02=5), {"01": 1}),
        # The month before is not known.
        ({"02": 6}, [*middle(m01=4, m02=5), EVENING], {}),
        ({"02": 6}, middle(m01=5, m02=5), {"02": 1}),
        # All months together lack a lead that the next month could have.
        ({"01": 6, "02": 5}, [*middle(m01=5, m02=4), MORNING], {"01": 1}),
    ],
)
def test_leads_are_missing_where_no_neighboring_month_has_them(
    expected: dict[str, int], read: list[str], missing: dict[str, int]
) -> None:
    found = missing_by_month({f"2026-{month}": n for month, n in expected.items()}, counted(*read))
    assert found == {f"2026-{month}": count for month, count in missing.items()}


NEAR_MONTHS = st.builds(
    lambda month, hours: month_of(month * 30 * DAY) + hours * HOUR,
    st.integers(100, 106),
    st.integers(-30, 30),
)


@given(st.lists(MOMENTS | NEAR_MONTHS, max_size=30), st.integers(-12, 14), st.integers(0, 3))
def test_months_of_any_time_zone_are_no_missing_leads(
    created: list[int], hours: int, unknown: int
) -> None:
    moments = [moment + 100 * DAY for moment in created]
    counts = counted(*map(to_text, moments))
    expected = Counter(day_of(moment + hours * HOUR)[:7] for moment in moments)
    expected |= dict.fromkeys(counts.leads, 0)
    for month in sorted(expected)[:unknown]:
        del expected[month]
    assert missing_by_month(expected, counts) == {}
