"""The sandbox's Dashly and Carrot quest follow the documentation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox import faults
from tests.sandbox.client import NOON, ask, error_of, everything, rows_of

if TYPE_CHECKING:
    from sandbox import Sandbox

UNSEEN = json.dumps(
    {
        "type": "and",
        "filters": [{"type": "unknown", "property_name": "$last_seen", "value": {}}],
    }
)


def test_the_newest_twenty_leads_come_first_by_default(frozen: Sandbox) -> None:
    response = ask(frozen.dashly)
    rows = rows_of(response)
    seen = [row["props"]["$last_seen"] for row in rows]
    assert len(rows) == 20
    assert seen == sorted(seen, reverse=True)
    assert response.json()["meta"] == {"status": 200}
    assert response.json()["data"]["total"] == 300
    assert all(row.keys() == {"id", "presence", "props"} for row in rows)


@pytest.mark.parametrize("limit", [0, 51, -1, "x", ""])
def test_a_limit_outside_one_to_fifty_is_refused(unchanged: Sandbox, limit: object) -> None:
    response = ask(unchanged.dashly, limit=limit)
    assert error_of(response) == (400, "ValidationError")
    assert "limit" in response.json()["meta"]["error_fields"]


def test_no_more_than_the_first_ten_thousand_can_be_reached(frozen: Sandbox) -> None:
    assert ask(frozen.dashly, offset=9950, limit=50).status_code == 200
    assert error_of(ask(frozen.dashly, offset=9951, limit=50)) == (400, "ValidationError")
    frozen.dashly.options.reach_error = "BadRequest"
    assert error_of(ask(frozen.dashly, offset=9981)) == (400, "BadRequest")
    frozen.dashly.options.reach = 100
    assert ask(frozen.dashly, offset=80).status_code == 200
    assert ask(frozen.dashly, offset=81).status_code == 400


def test_other_bad_parameters_are_refused(frozen: Sandbox) -> None:
    for bad in ({"offset": -1}, {"sort_order": "up"}, {"sort_prop": ""}, {"version": "9"}):
        assert error_of(ask(frozen.dashly, **bad)) == (400, "ValidationError")


def test_each_address_of_the_list_works(frozen: Sandbox) -> None:
    for api in (frozen.dashly, frozen.carrotquest):
        for app in (api.app_id, "$self_app", "%24self_app"):
            for prefix in ("", "/v1", "/v2"):
                assert rows_of(ask(api, f"{prefix}/apps/{app}/users"))
                assert rows_of(ask(api, f"{prefix}/apps/{app}/users/"))
        assert rows_of(ask(api, version=2))
    assert error_of(ask(frozen.dashly, "/v3/apps/$self_app/users")) == (404, "Error404")
    assert error_of(ask(frozen.dashly, "/apps//users")) == (404, "Error404")
    assert error_of(ask(frozen.dashly, "/apps/1/users")) == (403, "PermissionDeniedError")


def test_each_form_of_the_token_works(frozen: Sandbox) -> None:
    url, token = f"{frozen.dashly.url}/apps/$self_app/users", frozen.dashly.token
    assert token.startswith("app.")
    for scheme in ("Token", "Bearer"):
        headers = {"Authorization": f"{scheme} {token}"}
        assert requests.get(url, headers=headers, timeout=10).ok
    assert requests.get(url, params={"auth_token": token}, timeout=10).ok
    assert error_of(requests.get(url, timeout=10)) == (401, "NotAuthenticated")
    other = {"auth_token": frozen.carrotquest.token}
    assert error_of(requests.get(url, params=other, timeout=10)) == (401, "NotAuthenticated")
    assert error_of(requests.post(url, params={"auth_token": token}, timeout=10)) == (
        405,
        "MethodNotAllowed",
    )


def test_ids_fill_64_bits_and_come_as_text_on_request(frozen: Sandbox) -> None:
    numbers = [row["id"] for row in everything(frozen.dashly)]
    assert set(numbers) == set(frozen.dashly.leads)
    assert 2**63 < max(numbers) < 2**64
    texts = [row["id"] for row in everything(frozen.dashly, id_as_string="true")]
    assert sorted(map(int, texts)) == sorted(numbers)
    assert all(
        isinstance(row["id"], str) for row in rows_of(ask(frozen.dashly, id_as_string="None"))
    )
    assert all(
        isinstance(row["id"], int) for row in rows_of(ask(frozen.dashly, id_as_string="False"))
    )


def test_the_leads_come_exactly_as_they_are_stored(frozen: Sandbox) -> None:
    by_id = {row["id"]: row for row in everything(frozen.dashly)}
    assert by_id == {row["id"]: row for row in frozen.dashly.rendered()}


def test_property_values_are_of_mixed_types_or_all_text(frozen: Sandbox) -> None:
    rows = everything(frozen.dashly)
    values = [row["props"]["order number"] for row in rows if "order number" in row["props"]]
    assert {type(value) for value in values} == {int, str}
    names = {name for row in rows for name in row["props"]}
    assert {"Тариф", "$sessions", "$viewed_products", "newsletter", "birthday"} <= names
    texts = everything(frozen.dashly, convert_props_types="false")
    assert all(isinstance(value, str) for row in texts for value in row["props"].values())
    frozen.dashly.options.expose_custom_props = False
    props = [name for row in everything(frozen.dashly) for name in row["props"]]
    assert all(name.startswith("$") for name in props)


def test_dates_may_be_written_in_another_zone(frozen: Sandbox) -> None:
    before = rows_of(ask(frozen.dashly, limit=1))[0]["props"]["$last_seen"]
    frozen.dashly.options.props_utc_offset = 3
    after = rows_of(ask(frozen.dashly, limit=1))[0]["props"]["$last_seen"]
    assert before != after
    assert len(before) == len(after) == len("2014-06-17T08:56:03")


def test_some_leads_have_never_been_seen_and_come_last_or_not_at_all(frozen: Sandbox) -> None:
    unseen = {i for i, lead in frozen.dashly.leads.items() if "$last_seen" not in lead["props"]}
    assert 5 < len(unseen) < 15
    for order in ("asc", "desc"):
        rows = everything(frozen.dashly, sort_order=order)
        assert {row["id"] for row in rows[-len(unseen) :]} == unseen
    unknown = UNSEEN
    assert {row["id"] for row in everything(frozen.dashly, filters=unknown)} == unseen
    frozen.dashly.options.missing_sort_prop = "omitted"
    assert not rows_of(ask(frozen.dashly, filters=unknown))


def test_a_visit_moves_a_lead_to_the_top_and_changes_its_presence(frozen: Sandbox) -> None:
    oldest = rows_of(ask(frozen.dashly, sort_order="asc", limit=1))[0]["id"]
    assert frozen.dashly.edit([oldest]) == [oldest]
    top = rows_of(ask(frozen.dashly, limit=1))[0]
    assert (top["id"], top["presence"]) == (oldest, "online")
    frozen.clock.advance(150)
    assert rows_of(ask(frozen.dashly, limit=1))[0]["presence"] == "idle"
    frozen.clock.advance(150)
    assert rows_of(ask(frozen.dashly, limit=1))[0]["presence"] == "offline"


def test_a_change_without_a_visit_leaves_the_order_alone(frozen: Sandbox) -> None:
    before = [row["id"] for row in rows_of(ask(frozen.dashly, limit=50))]
    changes: dict[str, Any] = {"$name": "Set by hand", "$phone": None}
    frozen.dashly.edit(before[25:26], touch=False, **changes)
    rows = rows_of(ask(frozen.dashly, limit=50))
    assert rows[25]["props"]["$name"] == "Set by hand"
    assert "$phone" not in rows[25]["props"]


def test_any_property_can_be_sorted_by(frozen: Sandbox) -> None:
    rows = everything(frozen.dashly, sort_prop="$sessions", sort_order="asc")
    counts = [row["props"]["$sessions"] for row in rows if "$sessions" in row["props"]]
    assert counts == sorted(counts)
    assert len(everything(frozen.dashly, sort_prop="order number")) == 300


def test_leads_seen_in_one_second_come_in_another_order_at_each_call(frozen: Sandbox) -> None:
    frozen.dashly.options.ties = "shuffled"
    frozen.dashly.edit(40, at=NOON + 1)
    one, two = ([row["id"] for row in rows_of(ask(frozen.dashly, limit=40))] for _ in range(2))
    assert sorted(one) == sorted(two)
    assert one != two


def test_the_total_may_be_capped(frozen: Sandbox) -> None:
    frozen.dashly.options.total_cap = 100
    assert ask(frozen.dashly).json()["data"]["total"] == 100


def test_an_error_may_hide_in_a_200(frozen: Sandbox) -> None:
    frozen.dashly.faults.plan(faults.meta_error200(), "early_204", 429)
    response = ask(frozen.dashly)
    assert response.status_code == 200
    assert response.json()["meta"]["status"] == 500
    assert rows_of(ask(frozen.dashly)) == []
    assert error_of(ask(frozen.dashly)) == (429, "TooManyRequests")


def test_a_change_shows_only_after_the_lag(frozen: Sandbox) -> None:
    frozen.dashly.options.lag = 180
    (lead_id,) = frozen.dashly.insert()
    assert rows_of(ask(frozen.dashly, limit=1))[0]["id"] != lead_id
    frozen.clock.advance(180)
    assert rows_of(ask(frozen.dashly, limit=1))[0]["id"] == lead_id
