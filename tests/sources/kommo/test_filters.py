"""Filters that Kommo has: each reaches it, and the leads it asks for come."""

from __future__ import annotations

from operator import gt, lt
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.kommo.query import searching
from tests.support.filters import found, iso, quartiles, sent, wanted

if TYPE_CHECKING:
    from sandbox import Sandbox


LISTS = ("id", "name", "pipeline_id", "created_by", "updated_by", "responsible_user_id")


NAME = ("name", True)


SPANS = ("created_at", "updated_at", "closed_at", "closest_task_at")


@pytest.mark.parametrize("one", [False, True], ids=["list", "one"])
@pytest.mark.parametrize(
    ("name", "ignored"),
    # Which names match a name is for Kommo to say: it cannot be looked at here.
    [(name, ignored) for name in LISTS for ignored in (False, True) if (name, ignored) != NAME],
)
def test_kommo_takes_a_list_of_values(box: Sandbox, name: str, *, one: bool, ignored: bool) -> None:
    api = box.kommo
    values = sorted({lead[name] for lead in api.rendered()})[1 : 2 if one else 3]
    if name == "pipeline_id":
        values = values[:1]
    api.options.ignore_filters = ignored
    ids = found(api, filters={name: values[0] if one else values})
    assert sent(api, f"filter[{name}][]") == {tuple(map(str, values))}
    assert ids == wanted(api, lambda lead: lead[name] in values)


@pytest.mark.parametrize("ignored", [False, True], ids=["heeded", "ignored"])
@pytest.mark.parametrize(
    ("words", "sides"), [(int, ("from",)), (int, ("to",)), (iso, ("from", "to"))]
)
@pytest.mark.parametrize("name", SPANS)
def test_kommo_takes_a_span_of_time(
    box: Sandbox, name: str, words: Any, sides: tuple[str, ...], *, ignored: bool
) -> None:
    api = box.kommo
    span = dict(zip(("from", "to"), quartiles(api.rendered(), name), strict=True))
    low: Any = span["from"] if "from" in sides else None
    high: Any = span["to"] if "to" in sides else None
    api.options.ignore_filters = ignored
    ids = found(api, filters={name: {side: words(span[side]) for side in sides}})
    for side, bound, outside, step in (("from", low, lt, -1), ("to", high, gt, 1)):
        for values in sent(api, f"filter[{name}][{side}]"):
            # The sweep's own bounds lie inside those of the user, but for the second beside them:
            # whether a bound is inclusive is not documented.
            is_asked = name == "updated_at" and not ignored and bound is not None
            assert not is_asked or not outside(int(values[0]), bound + step)
            assert name == "updated_at" or values == (() if bound is None else (str(bound),))
    assert ids == wanted(
        api,
        lambda lead: (
            bool(lead[name])
            and (low is None or lead[name] >= low)
            and (high is None or lead[name] <= high)
        ),
    )


@pytest.mark.parametrize("ignored", [False, True], ids=["heeded", "ignored"])
@pytest.mark.parametrize("sides", [(), ("from",), ("to",), ("from", "to")])
def test_kommo_takes_a_price(box: Sandbox, sides: tuple[str, ...], *, ignored: bool) -> None:
    api = box.kommo
    low, high = quartiles(api.rendered(), "price")
    span = {side: bound for side, bound in (("from", low), ("to", high)) if side in sides}
    api.options.ignore_filters = ignored
    ids = found(api, filters={"price": span or low})
    assert sent(api, "filter[price]") == {() if sides else (str(low),)}
    for side, bound in span.items():
        assert sent(api, f"filter[price][{side}]") == {(str(bound),)}
    if not sides:
        assert ids == wanted(api, lambda lead: lead["price"] == low)
    else:
        assert ids == wanted(
            api,
            lambda lead: span.get("from", 0) <= lead["price"] <= span.get("to", lead["price"]),
        )


@pytest.mark.parametrize("ignored", [False, True], ids=["heeded", "ignored"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_kommo_takes_stages(box: Sandbox, count: int, *, ignored: bool) -> None:
    api = box.kommo
    pairs = sorted({(lead["pipeline_id"], lead["status_id"]) for lead in api.rendered()})[-count:]
    stages = [{"pipeline_id": pipeline, "status_id": status} for pipeline, status in pairs]
    api.options.ignore_filters = ignored
    ids = found(api, filters={"statuses": stages})
    if count == 1:
        assert sent(api, "filter[statuses][0][pipeline_id]") == {(str(pairs[0][0]),)}
        assert sent(api, "filter[statuses][0][status_id]") == {(str(pairs[0][1]),)}
    assert ids == wanted(api, lambda lead: (lead["pipeline_id"], lead["status_id"]) in pairs)


@pytest.mark.parametrize("strange", ["soon", [], {}])
def test_a_strange_value_does_not_stop_a_filter(box: Sandbox, strange: Any) -> None:
    api = box.kommo
    api.insert(closed_at=strange)
    api.options.ignore_filters = True
    assert found(api, filters={"closed_at": {"from": 1}})


def test_kommo_is_told_all_filters_at_once(box: Sandbox) -> None:
    api = box.kommo
    low, _ = quartiles(api.rendered(), "price")
    pipeline = api.rendered()[0]["pipeline_id"]
    ids = found(api, filters={"pipeline_id": pipeline, "price": {"from": low}})
    assert ids == wanted(api, lambda lead: lead["pipeline_id"] == pipeline and lead["price"] >= low)


def test_kommo_searches_for_a_text(box: Sandbox) -> None:
    api = box.kommo
    ids = found(api, query="labs")
    assert sent(api, "query") == {("labs",)}
    assert ids == wanted(api, searching("labs"))
