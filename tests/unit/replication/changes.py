"""What Hypothesis draws: lists, how their API behaves, and what happens to them meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import strategies as st

from tap_leads.replication.pagination import OffsetPaginator, PageNumberPaginator
from tap_leads.timestamps import HOUR, MINUTE, SECOND
from tests.unit.replication.fake_list import START, FakeList, fake_list

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_leads.replication.model import Row
    from tap_leads.timestamps import Micros

# Rows may be published this many seconds late: less than the shortest lookback.
LATE = 240


class Change(NamedTuple):
    """What happens to the list around a request."""

    edited: int
    inserted: int
    deleted: int
    late: int
    seconds: int
    seed: int

    def apply(self, source: FakeList) -> None:
        """Change the list."""
        source.clock += self.seconds * SECOND
        source.edit(source.pick(self.edited))
        source.delete(source.pick(self.deleted))
        source.insert(self.inserted, at=source.clock - self.late * SECOND)


CHANGES = st.lists(
    st.builds(
        Change,
        edited=st.integers(0, 3),
        inserted=st.integers(0, 2),
        deleted=st.integers(0, 2),
        late=st.sampled_from([0, 0, 1, LATE]),
        seconds=st.sampled_from([0, 0, 1, 70]),
        seed=st.integers(0, 9),
    ),
    max_size=25,
)
# Groups of rows that share a moment: how many, and how many steps of the filter ago.
TIES = st.lists(st.tuples(st.integers(1, 45), st.integers(0, 9)), min_size=1, max_size=6)


@st.composite
def lists(draw: st.DrawFn, /, **fixed: Any) -> FakeList:
    """A list with rows of some moments, on an API that keeps filters and order."""
    granularity = fixed.pop("granularity", None) or draw(
        st.sampled_from([SECOND, SECOND, 1000, MINUTE])
    )
    drawn: dict[str, Any] = {
        "page_size": draw(st.integers(12, 20)),
        "paginator": draw(st.sampled_from([OffsetPaginator, PageNumberPaginator])),
        "seed": draw(st.integers(0, 99)),
        "bounds": draw(st.sampled_from(["inclusive", "inclusive", "exclusive", "half_open"])),
        "stable_order": draw(st.sampled_from(["id", "none", "cursor"])),
        "ties": draw(st.sampled_from(["stable", "shuffled"])),
        "totals": draw(st.booleans()),
        "splits": 12,
        "page_cap": draw(st.sampled_from([None, None, 12])),
        "slow_at": draw(st.frozensets(st.integers(0, 12), max_size=2)),
        "empty_at": draw(st.frozensets(st.integers(0, 12), max_size=1)),
        "early_rows": 4 * MINUTE if granularity == MINUTE else 0,
        "nullable": draw(st.booleans()),
    }
    source = fake_list(granularity=granularity, **(drawn | fixed))
    for count, ago in draw(TIES):
        # A filter that reaches minutes too far back brings the rows of all of them.
        source.insert(
            -(-count // 4) if granularity == MINUTE else count, at=START - HOUR - ago * granularity
        )
    if source.traits.cursor_nullable:
        source.insert(draw(st.integers(0, 20)), null=True)
    return source


def replay(changes: Sequence[Change]) -> Callable[[FakeList], None]:
    """Apply the changes one by one, one after each request."""
    left = list(changes)

    def after_request(source: FakeList) -> None:
        if left:
            left.pop(0).apply(source)

    return after_request


class LateRead(NamedTuple):
    """What happens between the choice of a page and the reading of its rows, by their places."""

    edited: frozenset[int]
    deleted: frozenset[int]

    def apply(self, source: FakeList, ids: Sequence[int]) -> None:
        """Change rows of a page; places are counted from its end."""
        at = list(reversed(ids))
        source.edit(at[place] for place in self.edited if place < len(at))
        source.delete(at[place] for place in self.deleted if place < len(at))


LATE_READS = st.lists(
    st.builds(
        LateRead,
        edited=st.frozensets(st.integers(0, 19), max_size=3) | st.just(frozenset(range(20))),
        deleted=st.frozensets(st.integers(0, 19), max_size=2),
    ),
    max_size=25,
)


def read_late(changes: Sequence[LateRead]) -> Callable[[FakeList, Sequence[int]], None]:
    """Apply the changes one by one, one between the two halves of each request."""
    left = list(changes)

    def before_rows(source: FakeList, ids: Sequence[int]) -> None:
        if left:
            left.pop(0).apply(source, ids)

    return before_rows


def stale(table: dict[Any, Micros | None], source: FakeList) -> list[int]:
    """The rows of the list that the table lacks, or has as they were before."""
    missing = object()
    return [i for i, cursor in source.table.items() if table.get(i, missing) != cursor]


def load(table: dict[Any, Micros | None], rows: Sequence[Row]) -> None:
    """Upsert rows."""
    table.update({row.id: row.cursor for row in rows})
