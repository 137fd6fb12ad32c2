"""The sandbox's Octanist does what its pages say."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox import Sandbox, faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.octanist.api import Octanist

NOON = 1_770_000_000.0
Lead = dict[str, Any]


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(leads=300, start=NOON) as sandbox:
        sandbox.clock.freeze(NOON)
        sandbox.octanist.options.ties = "stable"
        yield sandbox


@pytest.fixture(scope="module")
def still() -> Iterator[Sandbox]:
    """A sandbox for tests that change nothing."""
    with Sandbox(leads=300, start=NOON) as sandbox:
        sandbox.clock.freeze(NOON)
        sandbox.octanist.options.ties = "stable"
        yield sandbox


def get(api: Octanist, path: str = "", /, **params: object) -> requests.Response:
    """Ask Octanist; `value__gte` stands for `value[gte]`."""
    query = {}
    for name, value in params.items():
        key, _, how = name.partition("__")
        query[f"{key}[{how}]" if how else key] = str(value)
    headers = {"X-API-KEY": api.token}
    return requests.get(f"{api.url}/api/leads{path}", params=query, headers=headers, timeout=10)


def data(response: requests.Response) -> list[Lead]:
    assert response.status_code == 200, response.text
    assert response.json()["success"] is True
    found: list[Lead] = response.json()["data"]
    return found


def everything(api: Octanist, **params: object) -> list[Lead]:
    found: list[Lead] = []
    page, more = 1, True
    while more:
        response = get(api, limit=100, page=page, **params)
        found += data(response)
        pagination = response.json()["meta"]["pagination"]
        page, more = page + 1, pagination["hasMore"]
        assert more or pagination["total"] == len(found)
    return found


def error(response: requests.Response) -> tuple[int, str]:
    body = response.json()
    assert body["success"] is False
    assert body["meta"]["requestId"].startswith("req_")
    return response.status_code, body["error"]["code"]


def test_the_newest_fifty_leads_come_first_by_default(box: Sandbox) -> None:
    response = get(box.octanist)
    created = [lead["createdAt"] for lead in data(response)]
    assert len(created) == 50
    assert created == sorted(created, reverse=True)
    meta = response.json()["meta"]
    assert meta["pagination"] == {
        "limit": 50,
        "page": 1,
        "totalPages": 6,
        "total": 300,
        "hasMore": True,
    }
    assert meta["timestamp"] == "2026-02-02T02:40:00.000Z"
    assert response.headers["Date"] == "Mon, 02 Feb 2026 02:40:00 GMT"


def test_all_pages_together_are_the_leads_as_stored(box: Sandbox) -> None:
    rows = everything(box.octanist)
    assert {row["id"]: row for row in rows} == box.octanist.leads
    assert sorted(rows, key=str) == sorted(box.octanist.rendered(), key=str)
    assert len({frozenset(row) for row in rows}) == 1


def test_a_page_beyond_the_last_is_empty(box: Sandbox) -> None:
    response = get(box.octanist, page=99)
    assert data(response) == []
    assert response.json()["meta"]["pagination"]["hasMore"] is False


@pytest.mark.parametrize(
    "bad",
    [
        {"limit": 0},
        {"limit": 101},
        {"limit": "x"},
        {"page": 0},
        {"page": -1},
        {"sort": "id:asc"},
        {"sort": "createdAt"},
        {"sort": "createdAt:up"},
        {"sort": "updated_at:asc"},
        {"fields": "id,nonsense"},
    ],
    ids=str,
)
def test_a_bad_parameter_is_a_validation_error(still: Sandbox, bad: dict[str, object]) -> None:
    assert error(get(still.octanist, **bad)) == (400, "VALIDATION_ERROR")


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
def test_a_filter_that_is_not_documented_is_invalid(still: Sandbox, bad: dict[str, object]) -> None:
    assert error(get(still.octanist, **bad)) == (400, "INVALID_FILTER")


@pytest.mark.parametrize(
    "bad", ["", "yesterday", "2026-01-01", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "1770000"]
)
def test_a_date_that_cannot_be_read_is_invalid(still: Sandbox, bad: str) -> None:
    assert error(get(still.octanist, createdAt__lte=bad)) == (400, "INVALID_DATE")


def test_a_bare_day_may_be_taken_for_midnight(box: Sandbox) -> None:
    box.octanist.options.date_only = True
    assert data(get(box.octanist, createdAt__lte="2026-01-01"))


def test_a_missing_or_wrong_key_is_unauthorized(box: Sandbox) -> None:
    url = f"{box.octanist.url}/api/leads"
    wrong = {"X-API-KEY": "wrong"}
    bearer = {"Authorization": f"Bearer {box.octanist.token}"}
    for headers in ({}, wrong, bearer):
        assert error(requests.get(url, headers=headers, timeout=10)) == (401, "UNAUTHORIZED")
    box.octanist.options.error_shape = "text"
    assert isinstance(requests.get(url, timeout=10).json()["error"], str)


DAY = "2025-11-05T09:00:00.000Z"
FILTERS: list[tuple[dict[str, object], Callable[[Lead], bool]]] = [
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
    still: Sandbox, asked: dict[str, object], check: Callable[[Lead], bool], sort: str
) -> None:
    expected = {lead["id"] for lead in still.octanist.rendered() if check(lead)}
    assert 0 < len(expected) < 300
    assert {lead["id"] for lead in everything(still.octanist, sort=sort, **asked)} == expected


def test_bounds_are_exact_to_the_millisecond(box: Sandbox) -> None:
    moment = NOON + 100.123
    (lead_id,) = box.octanist.insert(at=moment)
    stamp = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
    assert [lead["id"] for lead in data(get(box.octanist, updatedAt__gte=stamp))] == [lead_id]
    assert data(get(box.octanist, updatedAt__gt=stamp)) == []
    both = {"updatedAt__gte": stamp, "updatedAt__lte": stamp}
    assert len(data(get(box.octanist, **both))) == 1
    assert data(get(box.octanist, updatedAt__gte=stamp[:-1] + "4Z")) == []


def test_two_operators_on_one_field_may_count_as_the_last_alone(box: Sandbox) -> None:
    asked = {"value__gte": 250, "value__lte": 100}
    assert data(get(box.octanist, **asked)) == []
    box.octanist.options.combine_operators = False
    assert data(get(box.octanist, **asked))


def test_several_sort_keys_and_the_legacy_one_are_understood(box: Sandbox) -> None:
    rows = everything(box.octanist, sort="status:asc,createdAt:desc")
    stable = sorted(rows, key=lambda lead: str(lead["createdAt"]), reverse=True)
    stable.sort(key=lambda lead: str(lead["status"]))
    keys = [(lead["status"], lead["createdAt"]) for lead in rows]
    assert keys == [(lead["status"], lead["createdAt"]) for lead in stable]
    legacy = [lead["updatedAt"] for lead in data(get(box.octanist, sort="updated_at:desc"))]
    assert legacy == [lead["updatedAt"] for lead in data(get(box.octanist, sort="updatedAt:desc"))]


def test_leads_of_one_instant_come_in_another_order_at_each_call(box: Sandbox) -> None:
    box.octanist.options.ties = "shuffled"
    box.octanist.edit(60, at=NOON + 1)
    asked = {"sort": "updatedAt:asc", "updatedAt__gte": "2026-02-02T02:40:01.000Z", "limit": 100}
    one, two = ([lead["id"] for lead in data(get(box.octanist, **asked))] for _ in range(2))
    assert len(one) == 60
    assert sorted(one) == sorted(two)
    assert one != two


def test_fields_brings_what_was_asked_for_and_the_id(box: Sandbox) -> None:
    rows = data(get(box.octanist, fields="name,updatedAt"))
    assert all(row.keys() == {"id", "name", "updatedAt"} for row in rows)


def test_absent_values_are_null_or_missing(box: Sandbox) -> None:
    rows = data(get(box.octanist))
    assert any(row["labelId"] is None for row in rows)
    assert all(row["custom"] is None or json.loads(row["custom"]) for row in rows)
    box.octanist.options.null_keys = False
    box.octanist.options.new_click_ids = False
    rows = data(get(box.octanist))
    assert all(None not in row.values() for row in rows)
    assert not any("wbraid" in row for row in rows)


def test_a_lowered_page_size_is_echoed_or_not(box: Sandbox) -> None:
    box.octanist.options.page_cap = 10
    for echo, limit in ((True, 10), (False, 100)):
        box.octanist.options.echo_cap = echo
        response = get(box.octanist, limit=100)
        assert len(data(response)) == 10
        assert response.json()["meta"]["pagination"]["limit"] == limit
        assert response.json()["meta"]["pagination"]["totalPages"] == 30


def test_one_lead_and_the_key_can_be_checked(box: Sandbox) -> None:
    lead_id = next(iter(box.octanist.leads))
    body = get(box.octanist, f"/{lead_id}").json()
    assert body["data"]["id"] == lead_id
    assert "pagination" not in body["meta"]
    assert error(get(box.octanist, "/lead_nobody")) == (404, "NOT_FOUND")
    headers = {"X-API-KEY": box.octanist.token}
    check = requests.post(f"{box.octanist.url}/api/check", headers=headers, timeout=10)
    assert check.json() == {"success": True}


def test_edits_inserts_and_deletes_show_at_once(box: Sandbox) -> None:
    (new,) = box.octanist.insert(name="New", updatedAt=None)
    (edited,) = box.octanist.edit(1, at=32_503_680_000.0, note="From the year 3000")
    (gone,) = box.octanist.delete([next(i for i in box.octanist.leads if i not in {new, edited})])
    rows = {lead["id"]: lead for lead in everything(box.octanist)}
    assert rows[new]["updatedAt"] is None
    assert rows[edited]["updatedAt"] == "3000-01-01T00:00:00.000Z"
    assert gone not in rows
    assert len(rows) == 300


def test_faults_wear_the_clothes_of_the_api(box: Sandbox) -> None:
    box.octanist.faults.plan(500, faults.status(502, body="html"), "early_204")
    assert error(get(box.octanist)) == (500, "INTERNAL_ERROR")
    assert get(box.octanist).headers["Content-Type"] == "text/html"
    response = get(box.octanist)
    assert data(response) == []
    assert response.json()["meta"]["pagination"]["hasMore"] is False


def test_the_same_seed_gives_the_same_leads() -> None:
    with Sandbox(leads=50, seed=7, start=NOON) as one, Sandbox(leads=50, seed=7, start=NOON) as two:
        assert one.kommo.leads == two.kommo.leads
        assert one.octanist.leads == two.octanist.leads
        assert one.dashly.leads == two.dashly.leads
