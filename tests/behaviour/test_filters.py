"""Filters: each that Kommo and Octanist name reaches them, and the leads it asks for come."""

from __future__ import annotations

from datetime import UTC, datetime
from operator import ge, gt, le, lt
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.kommo.query import searching
from sandbox.octanist.leads import CLICK_IDS, SOURCES, STATUSES
from tests.support.run import sync
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sandbox import Api, Sandbox

Lead = dict[str, Any]


def found(api: Api, **others: Any) -> set[str]:
    """The ids that a run with these settings brings, each of them once.

    Where an API ignores what it is asked, the page on which that shows may come twice.
    """
    run = sync({api.slot: settings_for(api, **others)})
    ids = run.ids(f"{api.slot}_leads")
    assert run.code == 0
    assert len(ids) == len(set(ids)) or api.options.ignore_filters
    return set(ids)


def wanted(api: Api, test: Callable[[Lead], bool]) -> set[str]:
    """The ids of the leads for which the test holds: some, but not all."""
    ids = {str(lead["id"]) for lead in api.rendered() if test(lead)}
    assert 0 < len(ids) < api.count
    return ids


def sent(api: Api, name: str) -> set[tuple[str, ...]]:
    """The values of a parameter over all requests; `()` where it was missing."""
    assert api.journal
    assert {request.status for request in api.journal} <= {200, 204}
    return {tuple(request.query.get(name, ())) for request in api.journal}


def quartiles(leads: Iterable[Lead], name: str) -> tuple[Any, Any]:
    """Two values that lie a quarter from either end."""
    values = sorted(lead[name] for lead in leads if lead[name])
    return values[len(values) // 4], values[-len(values) // 4]


def iso(seconds: float) -> str:
    """A moment as a person writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# Kommo

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


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("won", "won"),
        (["won"], "won"),
        (["won", "lost"], "won,lost"),
        ("open,qualified", "open,qualified"),
    ],
)
def test_octanist_takes_one_status_or_several(box: Sandbox, status: Any, words: str) -> None:
    api = box.octanist
    ids = found(api, filters={"status": status})
    assert sent(api, "status") == {(words,)}
    assert ids == wanted(api, lambda lead: lead["status"] in words.split(","))


def clicked(api: Api, name: str, value: str) -> None:
    """Give a few leads a click id: some of the fifteen are rare."""
    fields: dict[str, Any] = {name: value}
    api.edit(3, **fields)


EQUAL = ("labelId", "website", "value", "utm_source", "utm_medium", "utm_campaign")


@pytest.mark.parametrize("name", [*EQUAL, *CLICK_IDS])
def test_octanist_takes_a_value_that_a_field_must_have(box: Sandbox, name: str) -> None:
    api = box.octanist
    if name in CLICK_IDS:
        clicked(api, name, "Cj0 & Лид")
    value = next(lead[name] for lead in api.rendered() if lead[name])
    ids = found(api, filters={name: value})
    assert sent(api, name) == {(str(value),)}
    assert ids == wanted(api, lambda lead: lead[name] == value)


@pytest.mark.parametrize("source", SOURCES)
def test_octanist_takes_a_source(box: Sandbox, source: str) -> None:
    ids = found(box.octanist, filters={"source": source})
    assert sent(box.octanist, "source") == {(source,)}
    assert ids == wanted(box.octanist, lambda lead: lead["source"] == source)


OPERATORS = {"gte": ge, "gt": gt, "lte": le, "lt": lt}


@pytest.mark.parametrize("brackets", [False, True], ids=["object", "brackets"])
@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("name", ["value", "createdAt", "updatedAt", "qualifiedAt"])
def test_octanist_takes_comparisons(
    box: Sandbox, name: str, operator: str, *, brackets: bool
) -> None:
    api = box.octanist
    bound, _ = quartiles(api.rendered(), name)
    named = {f"{name}[{operator}]": bound} if brackets else {name: {operator: bound}}
    ids = found(api, filters=named)
    if name != "updatedAt":
        assert sent(api, f"{name}[{operator}]") == {(str(bound),)}
    compare = OPERATORS[operator]
    assert ids == wanted(api, lambda lead: lead[name] is not None and compare(lead[name], bound))


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("name", ["updatedAt", "qualifiedAt", *CLICK_IDS])
def test_octanist_is_asked_whether_a_field_has_a_value(
    box: Sandbox, name: str, *, exists: bool
) -> None:
    api = box.octanist
    if name in CLICK_IDS:
        clicked(api, name, "Cj0KCQ")
    ids = found(api, filters={f"{name}[exists]": exists})
    assert (str(exists).lower(),) in sent(api, f"{name}[exists]")
    assert ids == wanted(api, lambda lead: (lead[name] is not None) is exists)


def test_octanist_takes_two_comparisons_of_a_field(box: Sandbox) -> None:
    api = box.octanist
    for name in ("value", "createdAt", "updatedAt"):
        low, high = quartiles(api.rendered(), name)
        inside = {
            str(lead["id"])
            for lead in api.rendered()
            if lead[name] is not None and low <= lead[name] < high
        }
        assert found(api, filters={name: {"gte": low, "lt": high}}) == inside


def test_octanist_takes_an_exact_moment_of_the_last_change(box: Sandbox) -> None:
    api = box.octanist
    moment, _ = quartiles(api.rendered(), "updatedAt")
    ids = found(api, filters={"updatedAt": moment})
    assert ids == wanted(api, lambda lead: lead["updatedAt"] == moment)


def test_octanist_searches_for_a_text(box: Sandbox) -> None:
    api = box.octanist
    ids = found(api, search="example.org")
    assert sent(api, "search") == {("example.org",)}
    assert ids == wanted(api, lambda lead: "example.org" in (lead["email"] or ""))


def test_octanist_is_told_all_filters_at_once(box: Sandbox) -> None:
    api = box.octanist
    filters = {"status": [*STATUSES[:2]], "value": {"gt": 99.5}, "gclid": {"exists": False}}
    assert found(api, filters=filters, search="a") == wanted(
        api,
        lambda lead: (
            lead["status"] in STATUSES[:2]
            and (lead["value"] or 0) > 99.5
            and lead["gclid"] is None
            and any("a" in (lead[name] or "").lower() for name in ("name", "email", "phone"))
        ),
    )


def test_a_lead_that_was_never_changed_is_not_asked_for_where_a_change_is(box: Sandbox) -> None:
    api = box.octanist
    filters = {"updatedAt": {"gte": "2020-01-01T00:00:00.000Z"}}
    assert found(api, filters=filters) == wanted(api, lambda lead: lead["updatedAt"] is not None)
    assert not any("updatedAt[exists]" in request.query for request in api.journal)
