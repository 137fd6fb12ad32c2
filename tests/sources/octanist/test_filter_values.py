"""Filters of Octanist: sent as given, and checked on each lead."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tap_leads.sources.octanist.filters import matches
from tests.support.catalogs import catalog_for
from tests.support.run import everyone, read, sync
from tests.support.settings import DAY, settings_for

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


def test_bounds_written_as_the_api_writes_them_and_as_an_object_are_joined(box: Sandbox) -> None:
    filters = {"value[gte]": 100, "value": {"lt": 900}}
    read(box.octanist, filters=filters)
    asked = box.octanist.journal[0].query
    assert (asked["value[gte]"], asked["value[lt]"]) == (["100"], ["900"])


def test_an_account_that_heeds_one_operator_of_a_field_is_read_within_both(
    box: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    api = box.octanist
    api.insert(250, at=time.time() - DAY)
    box.octanist.options.combine_operators = False
    assert set(read(api).ids("octanist_leads")) == everyone(api)
    moments = {lead["id"]: lead["updatedAt"] for lead in api.rendered() if lead["updatedAt"]}
    low, *_, high = sorted(moments.values())[50:250]
    run = read(api, filters={"updatedAt": {"gte": low, "lte": high}})
    got = {record["id"] for record in run.records("octanist_leads") if record["updated_at"]}
    assert got == {lead_id for lead_id, moment in moments.items() if low <= moment <= high}
    assert "the API ignored the requested filter or sort order" in caplog.text


@pytest.mark.parametrize("name", ["createdAt", "qualifiedAt", "updatedAt"])
@pytest.mark.parametrize("operator", ["gte", "lte"])
def test_a_whole_date_in_the_filters_goes_out_as_its_midnight(
    box: Sandbox, name: str, operator: str
) -> None:
    api = box.octanist
    moments = sorted(lead[name] for lead in api.rendered() if lead[name])
    day = moments[len(moments) // 2][:10]
    midnight = f"{day}T00:00:00.000Z"
    run = read(api, filters={name: {operator: day}})
    inside = [moment for moment in moments if (moment >= midnight) is (operator == "gte")]
    assert 0 < len(inside) < len(moments)
    assert len(run.ids("octanist_leads")) == len(inside)
    assert {request.status for request in api.journal} == {200}
