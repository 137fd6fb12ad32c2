"""Octanist: filters that the tap checks itself."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tap_leads.sources.octanist.filters import matches
from tests.support.catalogs import catalog_for
from tests.support.run import sync
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from sandbox import Sandbox


def test_a_deselected_column_that_is_filtered_by_costs_no_lead(box: Sandbox) -> None:
    api = box.octanist
    for lead in list(api.leads):
        api.edit([lead], value=99.5)
    catalog: dict[str, Any] = catalog_for("octanist_leads")
    entry = next(s for s in catalog["streams"] if s["stream"] == "octanist_leads")
    hidden = {"breadcrumb": ["properties", "value"], "metadata": {"selected": False}}
    entry["metadata"].append(hidden)
    settings = settings_for(api, filters={"value": {"gte": 1}})
    run = sync({"octanist": settings}, catalog=catalog)
    assert run.code == 0
    assert len(run.ids("octanist_leads")) == api.count
    assert "value" not in run.records("octanist_leads")[0]


@pytest.mark.parametrize(
    ("value", "bounds", "is_wanted"),
    [
        (Decimal("19.99"), {"lte": 19.99}, True),
        (Decimal("1.1"), {"gte": 1.1}, True),
        (Decimal("19.99"), {"lt": 19.99}, False),
        ("12.50", {"gte": 12.5}, True),
        ("a lot", {"gte": 12.5}, True),
        (None, {"gte": 12.5}, False),
    ],
)
def test_a_value_on_a_bound_is_compared_as_it_was_written(
    value: Any, bounds: dict[str, float], *, is_wanted: bool
) -> None:
    assert matches({"value": value}, {"filters": {"value": bounds}}) is is_wanted
