"""Filters that the tap applies to leads itself: stages of all pipelines, and budgets with cents."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tap_leads.sources.kommo.filters import filter_params, matches
from tests.support.filters import found, sent
from tests.support.refusals import GOOD, changed, errors_of

if TYPE_CHECKING:
    from sandbox import Sandbox

STAGE = {"pipeline_id": 7, "status_id": 100}


@pytest.mark.parametrize(
    ("record", "filters", "is_kept"),
    [
        ({"price": None, "price_with_minor_units": 300}, {"from": 100}, True),
        ({"price_with_minor_units": Decimal("300.50")}, {"from": 100, "to": 301}, True),
        ({"price": None, "price_with_minor_units": Decimal("99.99")}, {"from": 100}, False),
        ({"price": None, "price_with_minor_units": 300}, {"to": 100}, False),
        ({"price": None, "price_with_minor_units": 300}, 300, True),
        ({"price": None, "price_with_minor_units": Decimal("300.00")}, 300, True),
        ({"price": None, "price_with_minor_units": 301}, 300, False),
        ({"price": None, "price_with_minor_units": None}, {"from": 100}, False),
        ({"price": None}, {"to": 100}, False),
        ({"price": 50, "price_with_minor_units": 300}, {"from": 100}, False),
        ({"price": 0, "price_with_minor_units": 300}, {"from": 100}, False),
    ],
)
def test_a_budget_in_cents_stands_in_for_a_missing_budget(
    record: dict[str, Any], filters: Any, is_kept: bool
) -> None:
    assert matches(record, {"filters": {"price": filters}}) is is_kept


@pytest.mark.parametrize(
    ("pipeline", "status", "stages", "is_kept"),
    [
        (7, 142, [{"status_id": 142}], True),
        (8, 142, [{"status_id": 142}], True),
        (7, 143, [{"status_id": 142}], False),
        (7, 143, [{"status_id": 142}, {"status_id": 143}], True),
        (7, 142, [{"pipeline_id": 8, "status_id": 142}], False),
        (7, 142, [{"pipeline_id": 8, "status_id": 142}, {"status_id": 142}], True),
        (7, 100, [{"status_id": 142}, STAGE], True),
        (8, 100, [{"status_id": 142}, STAGE], False),
    ],
)
def test_a_stage_without_a_pipeline_is_that_of_all_pipelines(
    pipeline: int, status: int, stages: list[dict[str, int]], is_kept: bool
) -> None:
    record = {"pipeline_id": pipeline, "status_id": status}
    assert matches(record, {"filters": {"statuses": stages}}) is is_kept


def test_only_a_pair_of_pipeline_and_stage_is_sent() -> None:
    assert filter_params({"statuses": [{"status_id": 142}]}) == {}
    assert filter_params({"statuses": [{"status_id": 142}, STAGE]}) == {}
    assert filter_params({"statuses": [STAGE]}) == {
        "filter[statuses][0][pipeline_id]": 7,
        "filter[statuses][0][status_id]": 100,
    }


@pytest.mark.parametrize("mode", ["first", "all"])
def test_won_and_lost_leads_of_all_pipelines_are_read(box: Sandbox, mode: Any) -> None:
    api = box.kommo
    api.options.statuses_filter = mode
    for wins in ({142}, {142, 143}):
        ids = found(api, filters={"statuses": [{"status_id": each} for each in wins]})
        leads = [lead for lead in api.rendered() if lead["status_id"] in wins]
        assert ids == {str(lead["id"]) for lead in leads}
        assert len({lead["pipeline_id"] for lead in leads}) > 1
    assert sent(api, "filter[statuses][0][status_id]") == {()}


@pytest.mark.parametrize("status", [100, 141])
def test_another_stage_needs_its_pipeline(status: int) -> None:
    stages = [{"status_id": 142}, {"status_id": status}]
    (line,) = errors_of(changed(GOOD, "kommo.filters", {"statuses": stages}))
    assert line == (
        "kommo.filters.statuses[1].pipeline_id: is required, unless `status_id` is 142 (won) or "
        "143 (lost)"
    )
