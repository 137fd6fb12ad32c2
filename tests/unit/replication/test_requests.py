"""A read costs the requests that it must, and no more."""

from __future__ import annotations

import random
from math import ceil
from typing import TYPE_CHECKING, Any

import pytest

from tap_leads.replication.full_table import FullTable
from tap_leads.replication.keyset import Keyset
from tap_leads.replication.model import Bounds
from tap_leads.replication.pagination import PageNumberPaginator
from tap_leads.replication.time_slices import TimeSlices
from tap_leads.timestamps import DAY, HOUR, MINUTE, SECOND
from tests.unit.replication.fake_list import START, FakeList, fake_list
from tests.unit.replication.fake_run import FakeAccount, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_leads.replication.model import Strategy
    from tap_leads.timestamps import Micros

STRATEGIES: list[Strategy] = [Keyset(), TimeSlices()]
NAMES = ["keyset", "time slices"]


def minute_by_minute(
    rows: int, ties: int, granularity: Micros = SECOND, **options: Any
) -> FakeList:
    """A list of rows a minute apart, of which some share the oldest moment."""
    source = fake_list(page_size=50, granularity=granularity, splits=12, **options)
    source.insert(ties, at=START - HOUR - rows * MINUTE)
    for number in range(rows):
        source.insert(at=START - HOUR - number * MINUTE)
    return source


@pytest.mark.parametrize("workers", [1, 4, 8])
@pytest.mark.parametrize("nullable", [False, True])
@pytest.mark.parametrize("strategy", STRATEGIES, ids=NAMES)
def test_a_run_in_which_nothing_changed_requests_one_or_two_pages(
    strategy: Strategy, workers: int, *, nullable: bool
) -> None:
    source = minute_by_minute(1000, 0, nullable=nullable and strategy is STRATEGIES[0])
    first = read(source, strategy, workers=workers)
    assert first.watermark is not None
    bounds = Bounds(after=first.watermark - FakeAccount.lookback)
    second = read(source, strategy, bounds, workers=workers)
    assert second.requests <= (3 if source.traits.cursor_nullable else 1)
    assert second.watermark == first.watermark


@pytest.mark.parametrize(
    ("strategy", "ties", "granularity", "workers", "requests"),
    [
        (Keyset(), 0, SECOND, 1, 22),
        (Keyset(), 0, SECOND, 4, 24),
        (Keyset(), 0, MINUTE, 1, 22),
        (Keyset(), 400, SECOND, 1, 33),
        (Keyset(), 400, SECOND, 4, 35),
        (TimeSlices(), 0, SECOND, 1, 33),
        (TimeSlices(), 400, SECOND, 1, 129),
    ],
)
@pytest.mark.parametrize("totals", [False, True])
def test_a_first_run_requests_little_more_than_the_pages_of_the_list(
    strategy: Strategy,
    ties: int,
    granularity: Micros,
    workers: int,
    requests: int,
    *,
    totals: bool,
) -> None:
    source = minute_by_minute(1000, ties, granularity, totals=totals, seed=1)
    run = read(source, strategy, workers=workers)
    assert set(run.ids) == set(source.table)
    assert run.requests <= requests


@pytest.mark.parametrize("totals", [False, True])
def test_a_full_table_read_requests_each_page_once(*, totals: bool) -> None:
    source = fake_list(page_size=50, totals=totals)
    source.insert(1400, null=True)
    assert read(source, FullTable()).requests == 31  # pages overlap by five rows


def test_a_full_scan_of_a_list_that_has_the_newest_rows_first_looks_at_the_front_again() -> None:
    source = minute_by_minute(1000, 0, stable_order="newest")
    assert read(source, Keyset(), Bounds(filterable=False)).requests == 23 + 1


SPREADS: dict[str, Callable[[random.Random, int], Micros]] = {
    "months": lambda rng, _: rng.randrange(300 * DAY),
    "minutes": lambda rng, _: rng.randrange(3 * MINUTE),
    "one second": lambda *_: 0,
    "a second and months": lambda rng, number: number % 2 * rng.randrange(300 * DAY),
    "moments": lambda _, number: number % 100 * DAY,
}


def events(spread: str, count: int, **options: Any) -> FakeList:
    """A list that cannot be sorted, with pages by number as Kommo has them."""
    source = fake_list(
        page_size=250, paginator=PageNumberPaginator, sortable=False, seed=5, **options
    )
    rng = random.Random(5)
    for number in range(count):
        source.insert(at=START - HOUR - SPREADS[spread](rng, number))
    return source


@pytest.mark.parametrize("count", [260, 1000, 3000, 3400, 5000, 10_000])
@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("stable_order", ["newest", "cursor", "id", "none"])
def test_a_list_that_holds_still_in_any_order_costs_a_request_and_a_half_per_page(
    stable_order: str, spread: str, count: int
) -> None:
    source = events(spread, count, stable_order=stable_order)
    run = read(source, TimeSlices())
    assert set(run.ids) == set(source.table)
    assert run.requests <= 1.6 * ceil(count / 250)


SHUFFLED_COUNTS = [251, 260, 501, 760, 1000, 1300, 3000, 5000, 10_000]


@pytest.mark.parametrize("count", SHUFFLED_COUNTS)
@pytest.mark.parametrize("spread", ["months", "minutes", "moments"])
@pytest.mark.parametrize("stable_order", ["newest", "cursor"])
def test_a_sorted_list_whose_ties_are_shuffled_at_each_request_costs_two_requests_per_page(
    stable_order: str, spread: str, count: int
) -> None:
    source = events(spread, count, stable_order=stable_order, ties="shuffled")
    run = read(source, TimeSlices())
    assert set(run.ids) == set(source.table)
    assert run.requests <= 2 * ceil(count / 250)


@pytest.mark.parametrize("count", SHUFFLED_COUNTS)
@pytest.mark.parametrize("spread", ["months", "minutes", "moments"])
def test_a_list_that_is_shuffled_at_each_request_costs_three_requests_per_page(
    spread: str, count: int
) -> None:
    source = events(spread, count, stable_order="none", ties="shuffled")
    run = read(source, TimeSlices())
    assert set(run.ids) == set(source.table)
    assert run.requests <= 3 * ceil(count / 250)


@pytest.mark.parametrize("count", [3000, 5000])
@pytest.mark.parametrize("stable_order", ["newest", "cursor", "none"])
def test_a_row_that_moved_is_looked_for_longer_where_there_is_a_total(
    stable_order: str, count: int
) -> None:
    source = events("moments", count, stable_order=stable_order, ties="shuffled", totals=True)
    run = read(source, TimeSlices())
    assert set(run.ids) == set(source.table)
    assert run.requests <= 3.4 * ceil(count / 250)


@pytest.mark.parametrize("count", [1, 250])
def test_a_list_of_one_page_costs_one_request(count: int) -> None:
    assert read(events("months", count), TimeSlices()).requests == 1
