"""The filters of the sandbox's Octanist match what the documentation says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.sandbox.client import NOON, Row, ask, error_of, everything, rows_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox


@pytest.mark.parametrize(
    "bad",
    [
        {"nonsense": 1},
        {"id": "lead_1"},
        {"email": "x"},
        {"status": "win"},
        {"source": "gtm,api"},
        {"status__gte": "won"},
        {"updatedAt": "2026-01-01T00:00:00.000Z"},
        {"updatedAt__ne": "2026-01-01T00:00:00.000Z"},
        {"updatedAt__exists": "yes"},
        {"utm_source__exists": "true"},
        {"value__gte": "much"},
    ],
    ids=str,
)
def test_a_filter_that_is_not_documented_is_invalid(
    unchanged: Sandbox, bad: dict[str, object]
) -> None:
    assert error_of(ask(unchanged.octanist, **bad)) == (400, "INVALID_FILTER")


@pytest.mark.parametrize(
    "bad", ["", "yesterday", "2026-01-01", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "1770000"]
)
def test_a_date_that_cannot_be_read_is_invalid(unchanged: Sandbox, bad: str) -> None:
    assert error_of(ask(unchanged.octanist, createdAt__lte=bad)) == (400, "INVALID_DATE")


def test_a_bare_day_may_be_taken_for_midnight(frozen: Sandbox) -> None:
    frozen.octanist.options.date_only = True
    assert rows_of(ask(frozen.octanist, createdAt__lte="2026-01-01"))


DAY = "2025-11-05T09:00:00.000Z"
FILTERS: list[tuple[dict[str, object], Callable[[Row], bool]]] = [
    ({"status": "won"}, lambda x: x["status"] == "won"),
    ({"status": "won,lost"}, lambda x: x["status"] in {"won", "lost"}),
    ({"source": "gtm"}, lambda x: x["source"] == "gtm"),
    ({"labelId": "label_a"}, lambda x: x["labelId"] == "label_a"),
    ({"utm_source": "google"}, lambda x: x["utm_source"] == "google"),
    ({"value": 1250}, lambda x: x["value"] == 1250),
    ({"value__gte": 250}, lambda x: (x["value"] or 0) >= 250),
    ({"value__gt": 250}, lambda x: (x["value"] or 0) > 250),
    ({"value__lte": 250}, lambda x: x["value"] is not None and x["value"] <= 250),
    ({"value__lt": 250}, lambda x: x["value"] is not None and x["value"] < 250),
    ({"createdAt__gte": DAY}, lambda x: x["createdAt"] >= DAY),
    ({"createdAt__lt": DAY}, lambda x: x["createdAt"] < DAY),
    ({"createdAt__gt": DAY}, lambda x: x["createdAt"] > DAY),
    ({"updatedAt__lte": DAY}, lambda x: bool(x["updatedAt"]) and x["updatedAt"] <= DAY),
    ({"updated_after": DAY}, lambda x: bool(x["updatedAt"]) and x["updatedAt"] >= DAY),
    (
        {"createdAt__gte": "2025-06-01T00:00:00+02:00", "createdAt__lt": DAY},
        lambda x: "2025-05-31T22:00:00.000Z" <= x["createdAt"] < DAY,
    ),
    ({"updatedAt__exists": "false"}, lambda x: x["updatedAt"] is None),
    ({"qualifiedAt__exists": "true"}, lambda x: x["qualifiedAt"] is not None),
    ({"gclid__exists": "true"}, lambda x: x["gclid"] is not None),
    ({"gclid__exists": "false"}, lambda x: x["gclid"] is None),
    ({"search": "A.K"}, lambda x: "a.k" in x["email"]),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "check"), FILTERS, ids=[str(asked) for asked, _ in FILTERS])
@pytest.mark.parametrize("sort", ["createdAt:desc", "updatedAt:asc", "status:asc,value:desc"])
def test_each_filter_matches_what_it_says(
    unchanged: Sandbox, asked: dict[str, object], check: Callable[[Row], bool], sort: str
) -> None:
    expected = {lead["id"] for lead in unchanged.octanist.rendered() if check(lead)}
    assert 0 < len(expected) < 300
    assert {lead["id"] for lead in everything(unchanged.octanist, sort=sort, **asked)} == expected


def test_bounds_are_exact_to_the_millisecond(frozen: Sandbox) -> None:
    moment = NOON + 100.123
    (lead_id,) = frozen.octanist.insert(at=moment)
    stamp = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
    assert [lead["id"] for lead in rows_of(ask(frozen.octanist, updatedAt__gte=stamp))] == [lead_id]
    assert rows_of(ask(frozen.octanist, updatedAt__gt=stamp)) == []
    both = {"updatedAt__gte": stamp, "updatedAt__lte": stamp}
    assert len(rows_of(ask(frozen.octanist, **both))) == 1
    assert rows_of(ask(frozen.octanist, updatedAt__gte=stamp[:-1] + "4Z")) == []


def test_two_operators_on_one_field_may_count_as_the_last_alone(frozen: Sandbox) -> None:
    asked = {"value__gte": 250, "value__lte": 100}
    assert rows_of(ask(frozen.octanist, **asked)) == []
    frozen.octanist.options.combine_operators = False
    assert rows_of(ask(frozen.octanist, **asked))
