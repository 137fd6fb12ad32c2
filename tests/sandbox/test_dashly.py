"""The sandbox's Dashly and Carrot quest do what their pages say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox import Sandbox, faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.dashly.api import Dashly

NOON = 1_770_000_000.0


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(leads=300, start=NOON) as sandbox:
        sandbox.clock.freeze(NOON)
        sandbox.dashly.options.ties = "stable"
        yield sandbox


@pytest.fixture(scope="module")
def still() -> Iterator[Sandbox]:
    """A sandbox for tests that change nothing."""
    with Sandbox(leads=300, start=NOON) as sandbox:
        sandbox.clock.freeze(NOON)
        sandbox.dashly.options.ties = "stable"
        yield sandbox


def get(api: Dashly, path: str = "/apps/$self_app/users", /, **params: object) -> requests.Response:
    headers = {"Authorization": f"Token {api.token}"}
    return requests.get(
        api.url + path, params={k: str(v) for k, v in params.items()}, headers=headers, timeout=10
    )


def users(response: requests.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["data"]["users"]
    return found


def error(response: requests.Response) -> tuple[int, str]:
    body = response.json()
    assert body["data"] == {}
    assert body["meta"]["status"] == response.status_code
    return response.status_code, body["meta"]["error"]


def condition(kind: str, prop: str, **value: object) -> dict[str, object]:
    return {"type": kind, "property_name": prop, "value": value}


def filters(*conditions: dict[str, object], how: str = "and") -> str:
    return json.dumps({"type": how, "filters": conditions})


def everything(api: Dashly, **params: object) -> list[dict[str, Any]]:
    """All pages of a list, which has to declare as many as it gives."""
    found: list[dict[str, Any]] = []
    while True:
        response = get(api, limit=50, offset=len(found), **params)
        page = users(response)
        found += page
        if len(page) < 50:
            assert response.json()["data"]["total"] == len(found)
            return found


def test_the_newest_twenty_leads_come_first_by_default(box: Sandbox) -> None:
    response = get(box.dashly)
    rows = users(response)
    seen = [row["props"]["$last_seen"] for row in rows]
    assert len(rows) == 20
    assert seen == sorted(seen, reverse=True)
    assert response.json()["meta"] == {"status": 200}
    assert response.json()["data"]["total"] == 300
    assert all(row.keys() == {"id", "presence", "props"} for row in rows)


@pytest.mark.parametrize("limit", [0, 51, -1, "x", ""])
def test_a_limit_outside_one_to_fifty_is_refused(still: Sandbox, limit: object) -> None:
    response = get(still.dashly, limit=limit)
    assert error(response) == (400, "ValidationError")
    assert "limit" in response.json()["meta"]["error_fields"]


def test_no_more_than_the_first_ten_thousand_can_be_reached(box: Sandbox) -> None:
    assert get(box.dashly, offset=9950, limit=50).status_code == 200
    assert error(get(box.dashly, offset=9951, limit=50)) == (400, "ValidationError")
    box.dashly.options.reach_error = "BadRequest"
    assert error(get(box.dashly, offset=9981)) == (400, "BadRequest")
    box.dashly.options.reach = 100
    assert get(box.dashly, offset=80).status_code == 200
    assert get(box.dashly, offset=81).status_code == 400


def test_other_bad_parameters_are_refused(box: Sandbox) -> None:
    for bad in ({"offset": -1}, {"sort_order": "up"}, {"sort_prop": ""}, {"version": "9"}):
        assert error(get(box.dashly, **bad)) == (400, "ValidationError")


def test_each_address_of_the_list_works(box: Sandbox) -> None:
    for api in (box.dashly, box.carrotquest):
        for app in (api.app_id, "$self_app", "%24self_app"):
            for prefix in ("", "/v1", "/v2"):
                assert users(get(api, f"{prefix}/apps/{app}/users"))
                assert users(get(api, f"{prefix}/apps/{app}/users/"))
        assert users(get(api, version=2))
    assert error(get(box.dashly, "/v3/apps/$self_app/users")) == (404, "Error404")
    assert error(get(box.dashly, "/apps//users")) == (404, "Error404")
    assert error(get(box.dashly, "/apps/1/users")) == (403, "PermissionDeniedError")


def test_each_form_of_the_token_works(box: Sandbox) -> None:
    url, token = f"{box.dashly.url}/apps/$self_app/users", box.dashly.token
    assert token.startswith("app.")
    for scheme in ("Token", "Bearer"):
        headers = {"Authorization": f"{scheme} {token}"}
        assert requests.get(url, headers=headers, timeout=10).ok
    assert requests.get(url, params={"auth_token": token}, timeout=10).ok
    assert error(requests.get(url, timeout=10)) == (401, "NotAuthenticated")
    other = {"auth_token": box.carrotquest.token}
    assert error(requests.get(url, params=other, timeout=10)) == (401, "NotAuthenticated")
    assert error(requests.post(url, params={"auth_token": token}, timeout=10)) == (
        405,
        "MethodNotAllowed",
    )


def test_ids_fill_64_bits_and_come_as_text_on_request(box: Sandbox) -> None:
    numbers = [row["id"] for row in everything(box.dashly)]
    assert set(numbers) == set(box.dashly.leads)
    assert 2**63 < max(numbers) < 2**64
    texts = [row["id"] for row in everything(box.dashly, id_as_string="true")]
    assert sorted(map(int, texts)) == sorted(numbers)
    assert all(isinstance(row["id"], str) for row in users(get(box.dashly, id_as_string="None")))
    assert all(isinstance(row["id"], int) for row in users(get(box.dashly, id_as_string="False")))


def test_the_leads_come_exactly_as_they_are_stored(box: Sandbox) -> None:
    by_id = {row["id"]: row for row in everything(box.dashly)}
    assert by_id == {row["id"]: row for row in box.dashly.rendered()}


def test_property_values_are_of_mixed_types_or_all_text(box: Sandbox) -> None:
    rows = everything(box.dashly)
    values = [row["props"]["order number"] for row in rows if "order number" in row["props"]]
    assert {type(value) for value in values} == {int, str}
    names = {name for row in rows for name in row["props"]}
    assert {"Тариф", "$sessions", "$viewed_products", "newsletter", "birthday"} <= names
    texts = everything(box.dashly, convert_props_types="false")
    assert all(isinstance(value, str) for row in texts for value in row["props"].values())
    box.dashly.options.expose_custom_props = False
    props = [name for row in everything(box.dashly) for name in row["props"]]
    assert all(name.startswith("$") for name in props)


def test_dates_may_be_written_in_another_zone(box: Sandbox) -> None:
    before = users(get(box.dashly, limit=1))[0]["props"]["$last_seen"]
    box.dashly.options.props_utc_offset = 3
    after = users(get(box.dashly, limit=1))[0]["props"]["$last_seen"]
    assert before != after
    assert len(before) == len(after) == len("2014-06-17T08:56:03")


def test_some_leads_have_never_been_seen_and_come_last_or_not_at_all(box: Sandbox) -> None:
    unseen = {i for i, lead in box.dashly.leads.items() if "$last_seen" not in lead["props"]}
    assert 5 < len(unseen) < 15
    for order in ("asc", "desc"):
        rows = everything(box.dashly, sort_order=order)
        assert {row["id"] for row in rows[-len(unseen) :]} == unseen
    unknown = filters(condition("unknown", "$last_seen"))
    assert {row["id"] for row in everything(box.dashly, filters=unknown)} == unseen
    box.dashly.options.missing_sort_prop = "omitted"
    assert not users(get(box.dashly, filters=unknown))


CONDITIONS: list[tuple[dict[str, object], Callable[[dict[str, Any]], bool]]] = [
    (condition("known", "$email"), lambda p: "$email" in p),
    (condition("unknown", "$email"), lambda p: "$email" not in p),
    (condition("gt", "$sessions", value=5), lambda p: p.get("$sessions", 0) > 5),
    (condition("lt", "$sessions", value=5), lambda p: p.get("$sessions", 9) < 5),
    (condition("gt_or_unknown", "$sessions", value=5), lambda p: p.get("$sessions", 9) > 5),
    (condition("lt_or_unknown", "$sessions", value=5), lambda p: p.get("$sessions", 0) < 5),
    (
        condition("range", "$sessions", value1=2, value2=5),
        lambda p: 2 <= p.get("$sessions", 0) <= 5,
    ),
    (condition("eq", "$sessions", value=2), lambda p: p.get("$sessions") == 2),
    (condition("neq", "$sessions", value=2), lambda p: p.get("$sessions") != 2),
    (condition("str_eq", "$country", value="us"), lambda p: p.get("$country") == "US"),
    (condition("str_neq", "$country", value="us"), lambda p: p.get("$country") != "US"),
    (condition("str_contains", "$email", value="A.K"), lambda p: "a.k" in p.get("$email", "")),
    (
        condition("str_notcontains", "$email", value="A.K"),
        lambda p: "a.k" not in p.get("$email", ""),
    ),
    (condition("bool_true", "newsletter"), lambda p: p.get("newsletter") is True),
    (condition("bool_false", "newsletter"), lambda p: p.get("newsletter") is False),
    (
        condition("lcontains", "$viewed_products", value="Lamp"),
        lambda p: "Lamp" in p.get("$viewed_products", []),
    ),
    (
        condition("daysless", "$last_seen", value=90, unit="days"),
        lambda p: p.get("$last_seen", "") >= "2025-11-04T02:40:00",
    ),
    (
        condition("daysmore", "$last_seen", value=90),
        lambda p: p.get("$last_seen", "9") <= "2025-11-04T02:40:00",
    ),
    (
        condition("daysmore_or_unknown", "$last_seen", value=12, unit="weeks"),
        lambda p: p.get("$last_seen", "") <= "2025-11-10T02:40:00",
    ),
    (
        condition("daysless_or_unknown", "$last_contacted", value=2000, unit="hours"),
        lambda p: p.get("$last_contacted", "9") >= "2025-11-10T18:40:00",
    ),
]


@pytest.mark.parametrize(
    ("asked", "check"), CONDITIONS, ids=[str(asked["type"]) for asked, _ in CONDITIONS]
)
def test_each_filter_matches_what_it_says(
    still: Sandbox, asked: dict[str, object], check: Callable[[dict[str, Any]], bool]
) -> None:
    everyone = {row["id"]: row["props"] for row in still.dashly.rendered()}
    expected = {lead_id for lead_id, props in everyone.items() if check(props)}
    assert 0 < len(expected) < 300
    assert {row["id"] for row in everything(still.dashly, filters=filters(asked))} == expected
    both = filters(asked, condition("known", "$name"))
    assert {row["id"] for row in everything(still.dashly, filters=both)} == {
        lead_id for lead_id in expected if "$name" in everyone[lead_id]
    }
    either = filters(asked, condition("unknown", "$name"), how="or")
    assert {row["id"] for row in everything(still.dashly, filters=either)} == expected | {
        lead_id for lead_id, props in everyone.items() if "$name" not in props
    }


def test_ages_are_counted_from_now_to_the_second_and_end_where_the_option_says(
    box: Sandbox,
) -> None:
    (lead_id,) = box.dashly.insert(at=NOON - 600)
    window = filters(
        condition("daysmore", "$last_seen", value=10, unit="minutes"),
        condition("daysless", "$last_seen", value=10, unit="minutes"),
    )
    assert [row["id"] for row in everything(box.dashly, filters=window)] == [lead_id]
    box.dashly.options.strict_bounds = "exclusive"
    assert not everything(box.dashly, filters=window)
    box.dashly.options.strict_bounds = "inclusive"
    box.clock.advance(1)
    assert not everything(box.dashly, filters=window)


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "[]",
        "{",
        '{"type": "xor", "filters": []}',
        '{"type": "and"}',
        filters(condition("between", "$sessions", value=1)),
        filters(condition("gt", "", value=1)),
        filters(condition("gt", "$sessions", value="many")),
        filters(condition("daysmore", "$last_seen", value=1, unit="years")),
        filters(condition("daysmore", "$last_seen", value=1.5, unit="days")),
        filters({"type": "and", "filters": []}),
    ],
)
def test_filters_that_are_not_documented_are_refused(still: Sandbox, bad: str) -> None:
    response = get(still.dashly, filters=bad)
    assert error(response) == (400, "ValidationError")
    assert "filters" in response.json()["meta"]["error_fields"]


def test_a_visit_moves_a_lead_to_the_top_and_changes_its_presence(box: Sandbox) -> None:
    oldest = users(get(box.dashly, sort_order="asc", limit=1))[0]["id"]
    assert box.dashly.edit([oldest]) == [oldest]
    top = users(get(box.dashly, limit=1))[0]
    assert (top["id"], top["presence"]) == (oldest, "online")
    box.clock.advance(150)
    assert users(get(box.dashly, limit=1))[0]["presence"] == "idle"
    box.clock.advance(150)
    assert users(get(box.dashly, limit=1))[0]["presence"] == "offline"


def test_a_change_without_a_visit_leaves_the_order_alone(box: Sandbox) -> None:
    before = [row["id"] for row in users(get(box.dashly, limit=50))]
    changes: dict[str, Any] = {"$name": "Set by hand", "$phone": None}
    box.dashly.edit(before[25:26], touch=False, **changes)
    rows = users(get(box.dashly, limit=50))
    assert rows[25]["props"]["$name"] == "Set by hand"
    assert "$phone" not in rows[25]["props"]


def test_any_property_can_be_sorted_by(box: Sandbox) -> None:
    rows = everything(box.dashly, sort_prop="$sessions", sort_order="asc")
    counts = [row["props"]["$sessions"] for row in rows if "$sessions" in row["props"]]
    assert counts == sorted(counts)
    assert len(everything(box.dashly, sort_prop="order number")) == 300


def test_leads_seen_in_one_second_come_in_another_order_at_each_call(box: Sandbox) -> None:
    box.dashly.options.ties = "shuffled"
    box.dashly.edit(40, at=NOON + 1)
    one, two = ([row["id"] for row in users(get(box.dashly, limit=40))] for _ in range(2))
    assert sorted(one) == sorted(two)
    assert one != two


def test_the_total_may_be_capped(box: Sandbox) -> None:
    box.dashly.options.total_cap = 100
    assert get(box.dashly).json()["data"]["total"] == 100


def test_an_error_may_hide_in_a_200(box: Sandbox) -> None:
    box.dashly.faults.plan(faults.meta_error200(), "early_204", 429)
    response = get(box.dashly)
    assert response.status_code == 200
    assert response.json()["meta"]["status"] == 500
    assert users(get(box.dashly)) == []
    assert error(get(box.dashly)) == (429, "TooManyRequests")


def test_a_change_shows_only_after_the_lag(box: Sandbox) -> None:
    box.dashly.options.lag = 180
    (lead_id,) = box.dashly.insert()
    assert users(get(box.dashly, limit=1))[0]["id"] != lead_id
    box.clock.advance(180)
    assert users(get(box.dashly, limit=1))[0]["id"] == lead_id
