"""Where filters are ignored, the whole list is the set, and it grows while it is read.

Each row that was there at the start comes, or the read ends with an error.
"""

from __future__ import annotations

from itertools import count, product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_leads.replication.errors import IncompleteError
from tap_leads.replication.full_table import FullTable
from tap_leads.replication.keyset import Keyset
from tap_leads.replication.model import Bounds
from tap_leads.replication.pagination import OffsetPaginator, PageNumberPaginator
from tap_leads.replication.time_slices import TimeSlices
from tap_leads.timestamps import HOUR, SECOND
from tests.support.examples import examples
from tests.unit.replication.fake_list import START, fake_list
from tests.unit.replication.fake_run import read

if TYPE_CHECKING:
    from tap_leads.replication.model import Strategy
    from tests.unit.replication.fake_list import FakeList
    from tests.unit.replication.fake_run import Run

WHOLE = Bounds(filterable=False)
STRATEGIES: dict[str, Strategy] = {
    "keyset": Keyset(),
    "time slices": TimeSlices(),
    "full table": FullTable(),
}


def read_while_it_grows(
    source: FakeList, strategy: Strategy, bounds: Bounds | None, workers: int = 1
) -> Run:
    """A run that has each row that was there at its start, and still is; or that fails."""
    there = set(source.table)
    run = read(source, strategy, bounds, workers=workers, fails=True)
    if run.error is not None:
        assert isinstance(run.error, IncompleteError)
        return run
    lost = there & set(source.table) - set(run.ids)
    if not run.warnings and (bounds is None or bounds.filterable):
        # Nothing showed that the filter is ignored: what was edited is for the next run.
        lost = {each for each in lost if (source.table[each] or 0) < (run.watermark or 0)}
    assert lost == set()
    return run


@pytest.mark.parametrize(
    ("size", "stable_order", "totals", "ignore_order"),
    [
        (2500, "cursor", True, False),
        *product([500], ["id", "cursor", "newest", "none"], [True, False], [True, False]),
    ],
)
def test_leads_of_one_moment_in_a_list_that_grows_come_or_the_read_fails(
    size: int, stable_order: str, *, totals: bool, ignore_order: bool
) -> None:
    source = fake_list(
        page_size=size // 25,
        totals=totals,
        ties="shuffled",
        stable_order=stable_order,
        ignore_filters=True,
        ignore_order=ignore_order,
        splits=12,
    )
    for number in range(size * 14 // 25):
        source.insert(at=START - HOUR - number * 20 * SECOND)
    source.insert(size * 11 // 25, at=START - HOUR - size * 5 * SECOND)

    def grow(source: FakeList) -> None:
        if size == 2500 or len(source.requests) < 200:
            source.edit(source.pick(1))
            source.insert(3)

    source.after_request = grow
    run = read_while_it_grows(source, Keyset(), None, workers=4)
    if not ignore_order and (stable_order == "id" or size == 2500):
        assert run.error is None  # overlap in an order that holds still is a proof, or a count


ACTS = st.lists(
    st.tuples(
        st.integers(0, 3),  # edited
        st.integers(0, 3),  # inserted
        st.integers(0, 3),  # deleted
        st.integers(0, 2),  # inserted without a cursor
        st.sampled_from(["any", "first", "last"]),  # which of them
        st.sampled_from([0, 0, 1, 5]),  # seconds that pass
    ),
    min_size=1,
    max_size=8,
)


# A list that grows faster than a page is read has no end.
MOST_CHANGES = 60


def act(source: FakeList, acts: list[Any], numbers: count[int], *, nullable: bool) -> None:
    """Change the list, over and over as the acts say; `first` and `last` are extreme rows."""
    if (number := next(numbers)) > MOST_CHANGES:
        return
    edited, inserted, deleted, null, where, seconds = acts[number % len(acts)]
    source.clock += seconds * SECOND
    for many, change in ((edited, source.edit), (deleted, source.delete)):
        if where == "any":
            ids = source.pick(many)
        else:
            rows = sorted(source.table, key=lambda i: (source.items[i].cursor or 0, i))
            ids = rows[:many] if where == "first" else rows[-many or len(rows) :]
        change(ids)
    source.insert(inserted)
    if nullable:
        source.insert(null, null=True)


@examples(600)
@given(
    acts=ACTS,
    sizes=st.lists(st.tuples(st.integers(1, 40), st.integers(0, 3)), min_size=1, max_size=5),
    nulls=st.integers(0, 30),
    strategy=st.sampled_from(sorted(STRATEGIES)),
    whole=st.booleans(),
    options=st.fixed_dictionaries(
        {
            "page_size": st.integers(14, 24),
            "paginator": st.sampled_from([OffsetPaginator, PageNumberPaginator]),
            "seed": st.integers(0, 999),
            "totals": st.booleans(),
            "ties": st.sampled_from(["stable", "shuffled"]),
            "stable_order": st.sampled_from(["id", "cursor", "newest", "none"]),
            "ignore_order": st.booleans(),
        }
    ),
)
def test_no_changes_hide_a_row_of_a_list_whose_filter_is_ignored(
    acts: list[Any],
    sizes: list[tuple[int, int]],
    nulls: int,
    strategy: str,
    options: dict[str, Any],
    *,
    whole: bool,
) -> None:
    full_table = strategy == "full table"
    if options["ties"] == "shuffled" and not options["totals"]:
        # Rows in an order of chance may overlap by chance, and no total shows that one is missing.
        options["ignore_order"] = False
    source = fake_list(
        ignore_filters=True, nullable=nulls > 0 and not full_table, splits=12, **options
    )
    for size, ago in sizes:
        source.insert(size, at=START - HOUR - ago * 900 * SECOND, null=full_table)
    if full_table:
        acts = [(0, *others) for _, *others in acts]  # those have no cursor that could change
    source.insert(nulls, null=True)
    numbers = count()
    source.after_request = lambda source: act(
        source, acts, numbers, nullable=source.traits.cursor_nullable or full_table
    )
    read_while_it_grows(source, STRATEGIES[strategy], WHOLE if whole else None)


@examples(300)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 60), st.integers(0, 3)), min_size=1, max_size=5),
    nulls=st.integers(0, 60),
    strategy=st.sampled_from(sorted(STRATEGIES)),
    whole=st.booleans(),
    seed=st.integers(0, 999),
    totals=st.booleans(),
    stable_order=st.sampled_from(["id", "cursor", "newest", "none"]),
    ignored=st.booleans(),
)
def test_a_quiet_set_in_an_order_that_never_holds_still_is_read_completely(
    sizes: list[tuple[int, int]],
    nulls: int,
    strategy: str,
    seed: int,
    stable_order: str,
    *,
    whole: bool,
    totals: bool,
    ignored: bool,
) -> None:
    full_table = strategy == "full table"
    source = fake_list(
        page_size=15,
        seed=seed,
        totals=totals,
        ties="shuffled",
        stable_order=stable_order,
        ignore_filters=ignored,
        nullable=strategy == "keyset",
        splits=12,
    )
    for size, ago in sizes:
        source.insert(size, at=START - HOUR - ago * 900 * SECOND, null=full_table)
    if strategy != "time slices":
        source.insert(nulls, null=True)
    run = read(source, STRATEGIES[strategy], WHOLE if whole else None)
    assert set(run.ids) == set(source.table)
