"""Sets read by position: what no API can be made to do at will."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from tap_leads.pagination import OVERLAP, OffsetPaginator, Page
from tap_leads.query import Query
from tap_leads.sets import SetReader


def test_a_set_that_is_emptied_while_it_is_read_is_not_taken_for_one_that_cannot_be_reached() -> (
    None
):
    """Bounds that are ages move with the clock, and a set at their edge can leave them."""
    rows = [{"id": i} for i in range(150)]
    left = [Page(rows[:50], more=True, total=150), Page(rows[45:95], more=True, total=150)]
    source = SimpleNamespace(
        key=lambda _row: None,
        identity=lambda row: row["id"],
        positions=lambda _query: OffsetPaginator(50, overlap=OVERLAP),
        reach=10_000,
        tick=1,
    )

    def ask(_query: Query, _paginator: Any) -> Page:
        return left.pop(0) if left else Page([], more=False, total=0)

    reader = SetReader(
        cast("Any", source), ask, lambda found, keys: list(zip(found, keys, strict=True))
    )
    handed_on = [row["id"] for batch in reader.read(Query(whole=True), ()) for row in batch]
    assert handed_on == [*range(50), *range(45, 95)]
