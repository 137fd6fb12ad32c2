"""Parts of a result set: together the whole set, and disjoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_leads.replication.model import Order, Query
from tap_leads.replication.splits import split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_leads.timestamps import Micros

FILTERS: tuple[Any, ...] = (({"a": 0}, {"a": 1}), ({"b": 0}, {"b": 1}))


def halves(
    query: Query, step: Micros, cursors: Sequence[Micros] = ()
) -> list[tuple[Micros | None, Micros | None]]:
    parts = split(query, FILTERS, step, cursors)
    assert all(left is FILTERS for _, left in parts)
    assert all(part.order is query.order for part, _ in parts)
    return [(part.after, part.until) for part, _ in parts]


@pytest.mark.parametrize(
    ("until", "cursors", "middle"),
    [
        (119, (), 110),
        (139, (), 120),
        (149, (), 120),
        (149, (100, 101, 135), 110),  # the median is in the first step, which stays whole
        (149, (100, 121, 135), 120),
        (149, (121, 135), 130),
        (149, (100, 149, 149), 140),
        (149, (100, 169, 169), 140),  # it left the set meanwhile
        (149, (100, 170, 170), 110),  # and this one was never near it
        (149, (90, 90, 90), 110),
    ],
)
def test_a_set_is_halved_at_the_median_of_the_rows_that_were_seen(
    until: Micros, cursors: tuple[Micros, ...], middle: Micros
) -> None:
    query = Query(100, until, Order.STABLE)
    assert halves(query, 10, cursors) == [(100, middle - 1), (middle, until)]


def test_the_median_is_counted_in_steps_from_where_the_set_begins() -> None:
    assert halves(Query(103, 152), 10, (125,)) == [(103, 122), (123, 152)]


@pytest.mark.parametrize(
    ("after", "until", "cursors", "middle"),
    [
        (None, None, (25, 31, 47), 30),
        (105, None, (107, 131, 147), 125),
        (105, None, (107,), 115),  # the first step stays whole
        (None, 149, (120, 130, 147), 130),
        (None, 149, (150, 150, 150), 140),  # they left the set meanwhile
    ],
)
def test_a_range_without_a_bound_is_split_at_the_median_of_the_rows_that_were_seen(
    after: Micros | None, until: Micros | None, cursors: tuple[Micros, ...], middle: Micros
) -> None:
    query = Query(after, until, Order.STABLE)
    assert halves(query, 10, cursors) == [(after, middle - 1), (middle, until)]


@pytest.mark.parametrize(
    ("query", "cursors"),
    [
        (Query(100, 109), (100,)),
        (Query(100, 149, cursor="null"), (100, 120)),
        (Query(cursor="any"), (100, 120)),
        (Query(None, 109), ()),  # nothing shows where to split
        (Query(100, None), ()),
        (Query(filters=({"x": 1},)), ()),
    ],
)
def test_a_set_that_no_bound_divides_is_divided_by_filters(
    query: Query, cursors: tuple[Micros, ...]
) -> None:
    parts = split(query, FILTERS, 10, cursors)
    assert [part.filters for part, _ in parts] == [
        (*query.filters, {"a": 0}),
        (*query.filters, {"a": 1}),
    ]
    assert {(part.after, part.until) for part, _ in parts} == {(query.after, query.until)}
    assert [left for _, left in parts] == [FILTERS[1:]] * 2


def test_without_filters_left_nothing_divides_it() -> None:
    assert split(Query(100, 109), (), 10, ()) == []
