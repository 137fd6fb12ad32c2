"""Filters: each that Kommo and Octanist name reaches them, and the leads it asks for come."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.filters import found, iso, quartiles, wanted
from tests.support.run import sync
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from sandbox import Sandbox


# Kommo


@pytest.mark.parametrize("slot", ["kommo", "octanist"])
def test_a_span_of_the_replication_key_narrows_what_is_read(box: Sandbox, slot: str) -> None:
    api = box.apis[slot]
    name = {"kommo": "updated_at", "octanist": "updatedAt"}[slot]
    low, high = quartiles(api.rendered(), name)
    sides = {"kommo": ("from", "to"), "octanist": ("gte", "lte")}[slot]
    found(api, filters={name: dict(zip(sides, (low, high), strict=True))})
    inside = wanted(api, lambda lead: bool(lead[name]) and low <= lead[name] <= high)
    page = {"kommo": 250, "octanist": 100}[slot]
    pages = -(-len(inside) // page)
    assert sum(request.rows for request in api.journal) <= len(inside) + pages * page / 2
    assert len(inside) < api.count * 0.6


@pytest.mark.parametrize("slot", ["kommo", "octanist"])
def test_a_bookmark_and_a_filter_of_the_same_key_hold_together(box: Sandbox, slot: str) -> None:
    api = box.apis[slot]
    name = {"kommo": "updated_at", "octanist": "updatedAt"}[slot]
    side = {"kommo": "to", "octanist": "lte"}[slot]
    low, high = quartiles(api.rendered(), name)
    start = iso(low) if slot == "kommo" else low
    settings = settings_for(api, filters={name: {side: high}})
    run = sync({slot: settings, "start_date": start})
    inside = wanted(api, lambda lead: bool(lead[name]) and low <= lead[name] <= high)
    assert set(run.ids(f"{slot}_leads")) == inside


# Octanist
