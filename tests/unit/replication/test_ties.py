"""Result sets read by position: faults that no API can be made to have at will."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from tap_leads.replication.behavior import ServerBehavior
from tap_leads.replication.errors import FilterIgnoredError, IncompleteError
from tap_leads.replication.full_table import FullTable, rows_of
from tap_leads.replication.model import Order, Page, Query, Row, Traits
from tap_leads.replication.pagination import CursorPaginator, HALPaginator
from tap_leads.replication.ties import OverlappingScan
from tap_leads.timestamps import HOUR
from tests.unit.replication.fake_list import FakeList, fake_list
from tests.unit.replication.fake_run import read

if TYPE_CHECKING:
    from tap_leads.replication.pagination import Position

SET = Query(order=Order.STABLE)


class Recorded(FakeList):
    """A list that answers with these pages and then with empty ones."""

    def __init__(self, *pages: Page) -> None:
        super().__init__(Traits(page_size=50, result_window=10_000))
        self.pages = list(pages)

    @override
    def fetch(self, query: Query, at: Position | None = None) -> Page:
        return self.pages.pop(0) if self.pages else Page([], has_more=False, total=0)


def scan(source: FakeList) -> OverlappingScan:
    return OverlappingScan(source, ServerBehavior(source.traits))


def test_a_set_that_is_emptied_while_it_is_read_is_not_taken_for_one_that_cannot_be_reached() -> (
    None
):
    """Bounds that are ages move with the clock, and a set at their edge can leave them."""
    rows = [Row({"id": i}, i, None) for i in range(150)]
    source = Recorded(
        Page(rows[:50], has_more=True, total=150), Page(rows[45:95], has_more=True, total=150)
    )
    read = [row.id for page in scan(source).read(SET, ()) for row in page]
    assert read == [*range(50), *range(45, 95)]


@pytest.mark.parametrize("paginator", [HALPaginator, CursorPaginator])
def test_a_list_of_links_or_tokens_is_read_to_its_end(
    paginator: type[HALPaginator | CursorPaginator],
) -> None:
    source = fake_list(paginator=paginator, totals=True)
    source.insert(95, null=True)
    assert read(source, FullTable()).ids == sorted(source.table)
    assert [row.id for row in rows_of(source)] == sorted(source.table)


def test_what_cannot_be_paged_to_is_counted_and_is_an_error() -> None:
    source = fake_list(result_window=40, totals=True)
    source.insert(95, null=True)
    run = read(source, FullTable(), fails=True)
    assert isinstance(run.error, IncompleteError)
    assert "the first 40 records of a query, and at least 55 more" in str(run.error)


def test_a_set_beyond_the_window_is_split() -> None:
    source = fake_list(result_window=40, totals=True, splits=12)
    source.insert(95, at=source.clock)
    found = {row.id for page in scan(source).read(SET, source.traits.splits) for row in page}
    assert found == set(source.table)


def test_a_set_without_cursors_that_has_one_was_not_filtered() -> None:
    source = fake_list(ignore_filters=True)
    source.insert(5, at=source.clock - HOUR)
    query = Query(order=Order.STABLE, cursor="null")
    with pytest.raises(FilterIgnoredError):
        list(scan(source).read(query, ()))
