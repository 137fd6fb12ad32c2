"""Filters that Octanist has: each reaches it, and the leads it asks for come."""

from __future__ import annotations

from operator import ge, gt, le, lt
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.octanist.leads import CLICK_IDS, SOURCES, STATUSES
from tests.support.filters import found, quartiles, sent, wanted

if TYPE_CHECKING:
    from sandbox import Api, Sandbox


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
