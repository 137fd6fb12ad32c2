"""A list in memory that is read in parts, each with a filter that the API may ignore."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, cast

from tap_leads.replication.merged import MergedTimeSlices, Part

if TYPE_CHECKING:
    from tap_leads.replication.model import (
        AccountLists,
        Filter,
        Page,
        Query,
        Row,
    )
    from tap_leads.replication.pagination import Position
    from tap_leads.timestamps import Micros
    from tests.unit.replication.fake_list import FakeList

PARTS = (
    ({"bit": 0, "set": False},),
    ({"bit": 0, "set": True}, {"bit": 1, "set": False}),
    ({"bit": 0, "set": True}, {"bit": 1, "set": True}),
)
"""Filters by the bits of a row's id: together they cover any list."""


class View:
    """The rows of a list that match the filters of a part."""

    def __init__(self, source: FakeList, filters: tuple[Filter, ...]) -> None:
        """Read a list with more filters."""
        self.traits, self.paginator = source.traits, source.paginator
        self._source, self._filters = source, filters

    def now(self) -> Micros:
        """Return the server's clock."""
        return self._source.now()

    def fetch(self, query: Query, at: Position | None = None) -> Page:
        """Answer a request, with the filters of the part."""
        return self._source.fetch(replace(query, filters=(*query.filters, *self._filters)), at)


def _owns(row: Row, filters: tuple[Filter, ...]) -> bool:
    return all(bool(row.record["id"] >> each["bit"] & 1) is each["set"] for each in filters)


def in_parts(*, ignored: bool = False) -> MergedTimeSlices:
    """Return the strategy that reads a list in parts, whose filters the API may ignore."""

    def parts(account: AccountLists) -> list[Part]:
        source = cast("FakeList", account.collection())
        return [
            Part(View(source, () if ignored else filters), partial(_owns, filters=filters))
            for filters in PARTS
        ]

    return MergedTimeSlices(parts)
