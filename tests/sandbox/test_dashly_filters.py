"""The filters of the sandbox's Dashly match what the documentation says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.client import NOON, ask, error_of, everything

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox


def condition(kind: str, prop: str, **value: object) -> dict[str, object]:
    return {"type": kind, "property_name": prop, "value": value}


def filters(*conditions: dict[str, object], how: str = "and") -> str:
    return json.dumps({"type": how, "filters": conditions})


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
    unchanged: Sandbox, asked: dict[str, object], check: Callable[[dict[str, Any]], bool]
) -> None:
    everyone = {row["id"]: row["props"] for row in unchanged.dashly.rendered()}
    expected = {lead_id for lead_id, props in everyone.items() if check(props)}
    assert 0 < len(expected) < 300
    assert {row["id"] for row in everything(unchanged.dashly, filters=filters(asked))} == expected
    both = filters(asked, condition("known", "$name"))
    assert {row["id"] for row in everything(unchanged.dashly, filters=both)} == {
        lead_id for lead_id in expected if "$name" in everyone[lead_id]
    }
    either = filters(asked, condition("unknown", "$name"), how="or")
    assert {row["id"] for row in everything(unchanged.dashly, filters=either)} == expected | {
        lead_id for lead_id, props in everyone.items() if "$name" not in props
    }


def test_ages_are_counted_from_now_to_the_second_and_end_where_the_option_says(
    frozen: Sandbox,
) -> None:
    (lead_id,) = frozen.dashly.insert(at=NOON - 600)
    window = filters(
        condition("daysmore", "$last_seen", value=10, unit="minutes"),
        condition("daysless", "$last_seen", value=10, unit="minutes"),
    )
    assert [row["id"] for row in everything(frozen.dashly, filters=window)] == [lead_id]
    frozen.dashly.options.strict_bounds = "exclusive"
    assert not everything(frozen.dashly, filters=window)
    frozen.dashly.options.strict_bounds = "inclusive"
    frozen.clock.advance(1)
    assert not everything(frozen.dashly, filters=window)


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
def test_filters_that_are_not_documented_are_refused(unchanged: Sandbox, bad: str) -> None:
    response = ask(unchanged.dashly, filters=bad)
    assert error_of(response) == (400, "ValidationError")
    assert "filters" in response.json()["meta"]["error_fields"]
