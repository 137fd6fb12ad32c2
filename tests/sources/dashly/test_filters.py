"""Filters of Dashly: sent as given, and combined with keyset pagination where possible."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox import Sandbox
from tests.support.logs import errors
from tests.support.run import read, sync
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import Api

Condition = dict[str, Any]
Filters = dict[str, Any]


@pytest.fixture(scope="module")
def large() -> Iterator[Sandbox]:
    """Yield a sandbox with more leads than the result window holds."""
    with Sandbox(leads=10_400, seed=7) as sandbox:
        yield sandbox


def condition(operator: str, name: str, **value: Any) -> Condition:
    """Return a condition in the API's form."""
    return {"type": operator, "property_name": name, "value": value}


def sent_filters(api: Api) -> list[Filters]:
    """Return the filters of each request of a run."""
    return [json.loads(request.query["filters"][0]) for request in api.journal]


def answered(api: Api, filters: Filters) -> set[str]:
    """Return the IDs that the API itself returns for these filters."""
    ids: set[str] = set()
    params = {"filters": json.dumps(filters), "limit": "50", "sort_order": "asc"}
    headers = {"Authorization": f"Token {api.token}"}
    api.options.ties = "stable"
    for offset in range(0, 400, 50):
        response = requests.get(
            f"{api.url}/v2/apps/$self_app/users",
            {**params, "offset": str(offset)},
            headers=headers,
            timeout=10,
        )
        ids |= {str(user["id"]) for user in response.json()["data"]["users"]}
    api.options.ties = "shuffled"
    api.journal.clear()
    assert 0 < len(ids) < api.count
    return ids


CONDITIONS = [
    condition("known", "$email"),
    condition("known", "$last_seen"),
    condition("unknown", "$phone"),
    condition("unknown", "$last_seen"),
    condition("gt", "$sessions", value=3),
    condition("lt", "$sessions", value=3),
    condition("gt_or_unknown", "$cart_amount", value=100),
    condition("lt_or_unknown", "$cart_amount", value=100),
    condition("range", "$sessions", value1=2, value2=4),
    condition("eq", "$sessions", value=1),
    condition("neq", "$sessions", value=1),
    condition("str_eq", "$country", value="de"),
    condition("str_neq", "$country", value="DE"),
    condition("str_contains", "$email", value="example.org"),
    condition("str_contains", "Тариф", value="баз"),
    condition("str_notcontains", "$email", value="example.org"),
    condition("bool_true", "newsletter"),
    condition("bool_false", "newsletter"),
    condition("daysmore", "$last_seen", value=100, unit="days"),
    condition("daysmore_or_unknown", "$last_seen", value=10, unit="weeks"),
    condition("daysless", "$last_seen", value=100, unit="days"),
    condition("daysless_or_unknown", "$last_seen", value=2000, unit="hours"),
    condition("daysless", "$last_contacted", value=300_000, unit="minutes"),
    condition("lcontains", "$viewed_products", value="Lamp"),
    condition("gt", "$event_18_count", value=10),
    condition("daysmore", "$event_18_last", value=100),
]


@pytest.mark.parametrize(
    "one", CONDITIONS, ids=[f"{x['type']} {x['property_name']}" for x in CONDITIONS]
)
@pytest.mark.parametrize("group", ["and", "or"])
def test_every_operator_reaches_the_api_and_its_leads_come(
    box: Sandbox, one: Condition, group: str
) -> None:
    api = box.dashly
    box.clock.freeze()
    filters = {"type": group, "filters": [one]}
    expected = answered(api, filters)
    run = read(api, filters=filters)
    assert {request.status for request in api.journal} == {200}
    # In either group a single condition means the same, so it can be combined with bounds.
    assert all(sent["filters"][0] == one and sent["type"] == "and" for sent in sent_filters(api))
    ids = run.ids("dashly_leads")
    assert len(ids) == len(set(ids))
    assert set(ids) == expected


TWO = [condition("gt", "$sessions", value=2), condition("known", "$phone")]


def test_all_of_several_conditions_hold_and_the_sweep_goes_on(box: Sandbox) -> None:
    api = box.dashly
    filters = {"type": "and", "filters": TWO}
    expected = answered(api, filters)
    run = read(api, filters=filters)
    assert set(run.ids("dashly_leads")) == expected
    orders = [request.query["sort_order"][0] for request in api.journal]
    assert orders.count("desc") == 1  # one row, which shows that the order is not ignored
    for sent in sent_filters(api):
        assert sent["type"] == "and"
        assert sent["filters"][:2] == TWO
        assert "$last_seen" in {one["property_name"] for one in sent["filters"][2:]}
    assert run.bookmark("dashly_leads") is not None


def test_any_of_several_conditions_is_paged_as_the_documentation_says(box: Sandbox) -> None:
    api = box.dashly
    filters = {"type": "or", "filters": TWO}
    expected = answered(api, filters)
    run = read(api, filters=filters)
    assert set(run.ids("dashly_leads")) == expected
    assert sent_filters(api) == [filters] * len(api.journal)
    assert {request.query["sort_order"][0] for request in api.journal} == {"desc"}
    offsets = [int(request.query["offset"][0]) for request in api.journal]
    assert max(offsets) > 0


def test_any_of_several_conditions_still_begins_at_the_start_date(box: Sandbox) -> None:
    api = box.dashly
    filters = {"type": "or", "filters": TWO}
    expected = answered(api, filters)
    seen = {str(lead["id"]): lead["props"].get("$last_seen") for lead in api.rendered()}
    moments = {lead_id: seen[lead_id] for lead_id in expected}
    start = sorted(filter(None, moments.values()))[len(moments) // 2]
    run = read(api, filters=filters, start_date=start)
    # A lead that was never seen has no timestamp to compare, and is emitted in every run.
    later = {lead_id for lead_id, at in moments.items() if at is None or at >= start}
    assert set(run.ids("dashly_leads")) == later


def test_any_of_several_conditions_leaves_a_bookmark_to_go_on_from(box: Sandbox) -> None:
    api = box.dashly
    filters = {"type": "or", "filters": TWO}
    first = read(api, filters=filters)
    assert first.bookmark("dashly_leads") is not None
    box.clock.advance(7200)
    (changed,) = api.edit([int(first.ids("dashly_leads")[0])])
    again = read(api, filters=filters, state=first.state)
    assert str(changed) in again.ids("dashly_leads")
    assert len(again.ids("dashly_leads")) < len(first.ids("dashly_leads")) / 2


def test_any_of_several_conditions_says_what_it_cannot_reach(
    large: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    api = large.dashly
    whole = {"type": "or", "filters": [condition("known", "$name"), condition("unknown", "$name")]}
    run = sync({"dashly": settings_for(api, filters=whole)})
    assert run.code == 1
    (line,) = errors(caplog)
    assert line.startswith("dashly_leads, account default: ")
    brought = set(run.ids("dashly_leads"))
    assert len(brought) > 9_000
    assert f"at least {api.count - len(brought):,} " in line
    assert run.bookmark("dashly_leads") is None
    assert {request.status for request in api.journal} == {200}


def test_all_conditions_reach_beyond_what_can_be_paged_to(large: Sandbox) -> None:
    api = large.dashly
    run = read(api, filters={"type": "and", "filters": [condition("neq", "$country", value=1)]})
    assert set(run.ids("dashly_leads")) == set(map(str, api.leads))
