"""The sandbox's Octanist follows the documentation."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from sandbox import Sandbox, faults
from tests.sandbox.client import NOON, ask, error_of, everything, rows_of


def test_the_newest_fifty_leads_come_first_by_default(frozen: Sandbox) -> None:
    response = ask(frozen.octanist)
    created = [lead["createdAt"] for lead in rows_of(response)]
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


def test_all_pages_together_are_the_leads_as_stored(frozen: Sandbox) -> None:
    rows = everything(frozen.octanist)
    assert {row["id"]: row for row in rows} == frozen.octanist.leads
    assert sorted(rows, key=str) == sorted(frozen.octanist.rendered(), key=str)
    assert len({frozenset(row) for row in rows}) == 1


def test_a_page_beyond_the_last_is_empty(frozen: Sandbox) -> None:
    response = ask(frozen.octanist, page=99)
    assert rows_of(response) == []
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
def test_a_bad_parameter_is_a_validation_error(unchanged: Sandbox, bad: dict[str, object]) -> None:
    assert error_of(ask(unchanged.octanist, **bad)) == (400, "VALIDATION_ERROR")


def test_a_missing_or_wrong_key_is_unauthorized(frozen: Sandbox) -> None:
    url = f"{frozen.octanist.url}/api/leads"
    wrong = {"X-API-KEY": "wrong"}
    bearer = {"Authorization": f"Bearer {frozen.octanist.token}"}
    for headers in ({}, wrong, bearer):
        assert error_of(requests.get(url, headers=headers, timeout=10)) == (401, "UNAUTHORIZED")
    frozen.octanist.options.error_shape = "text"
    assert isinstance(requests.get(url, timeout=10).json()["error"], str)


def test_several_sort_keys_and_the_legacy_one_are_understood(frozen: Sandbox) -> None:
    rows = everything(frozen.octanist, sort="status:asc,createdAt:desc")
    stable = sorted(rows, key=lambda lead: str(lead["createdAt"]), reverse=True)
    stable.sort(key=lambda lead: str(lead["status"]))
    keys = [(lead["status"], lead["createdAt"]) for lead in rows]
    assert keys == [(lead["status"], lead["createdAt"]) for lead in stable]
    legacy = [lead["updatedAt"] for lead in rows_of(ask(frozen.octanist, sort="updated_at:desc"))]
    assert legacy == [
        lead["updatedAt"] for lead in rows_of(ask(frozen.octanist, sort="updatedAt:desc"))
    ]


def test_leads_of_one_instant_come_in_another_order_at_each_call(frozen: Sandbox) -> None:
    frozen.octanist.options.ties = "shuffled"
    frozen.octanist.edit(60, at=NOON + 1)
    asked = {"sort": "updatedAt:asc", "updatedAt__gte": "2026-02-02T02:40:01.000Z", "limit": 100}
    one, two = ([lead["id"] for lead in rows_of(ask(frozen.octanist, **asked))] for _ in range(2))
    assert len(one) == 60
    assert sorted(one) == sorted(two)
    assert one != two


def test_fields_brings_what_was_asked_for_and_the_id(frozen: Sandbox) -> None:
    rows = rows_of(ask(frozen.octanist, fields="name,updatedAt"))
    assert all(row.keys() == {"id", "name", "updatedAt"} for row in rows)


def test_absent_values_are_null_or_missing(frozen: Sandbox) -> None:
    rows = rows_of(ask(frozen.octanist))
    assert any(row["labelId"] is None for row in rows)
    assert all(row["custom"] is None or json.loads(row["custom"]) for row in rows)
    frozen.octanist.options.null_keys = False
    frozen.octanist.options.new_click_ids = False
    rows = rows_of(ask(frozen.octanist))
    assert all(None not in row.values() for row in rows)
    assert not any("wbraid" in row for row in rows)


def test_a_lowered_page_size_is_echoed_or_not(frozen: Sandbox) -> None:
    frozen.octanist.options.page_cap = 10
    for echo, limit in ((True, 10), (False, 100)):
        frozen.octanist.options.echo_cap = echo
        response = ask(frozen.octanist, limit=100)
        assert len(rows_of(response)) == 10
        assert response.json()["meta"]["pagination"]["limit"] == limit
        assert response.json()["meta"]["pagination"]["totalPages"] == 30


def test_one_lead_and_the_key_can_be_checked(frozen: Sandbox) -> None:
    lead_id = next(iter(frozen.octanist.leads))
    body = ask(frozen.octanist, f"/api/leads/{lead_id}").json()
    assert body["data"]["id"] == lead_id
    assert "pagination" not in body["meta"]
    assert error_of(ask(frozen.octanist, "/api/leads/lead_nobody")) == (404, "NOT_FOUND")
    headers = {"X-API-KEY": frozen.octanist.token}
    check = requests.post(f"{frozen.octanist.url}/api/check", headers=headers, timeout=10)
    assert check.json() == {"success": True}


def statistics(api: Any, **body: object) -> requests.Response:
    headers = {"X-API-KEY": api.token}
    return requests.post(f"{api.url}/api/stats", json=body, headers=headers, timeout=10)


def test_statistics_count_the_leads_of_a_period(frozen: Sandbox) -> None:
    api = frozen.octanist
    stats = statistics(api, period="custom", startDate="2026-01-01", endDate="2026-01-31").json()
    leads = [lead for lead in api.leads.values() if lead["createdAt"].startswith("2026-01")]
    assert stats["success"] is True
    assert stats["data"]["usage"] == {
        "leadsUsed": len(leads),
        "leadsLimit": 1000,
        "lockedLeads": 0,
        "periodStart": "2026-01-01",
        "periodEnd": "2026-01-31",
    }
    assert stats["data"]["leads"]["total"] == len(leads)
    assert sum(stats["data"]["leads"]["byStatus"].values()) == len(leads)
    assert {*stats["data"]["leads"]["bySource"]} == {lead["source"] for lead in leads}
    won = [lead["value"] for lead in leads if lead["status"] == "won"]
    assert stats["data"]["conversion"]["totalValue"] == sum(won)
    api.options.locked_leads, api.options.unlisted_leads = 2, 3
    usage = statistics(api, period="previous").json()["data"]["usage"]
    assert (usage["leadsUsed"], usage["lockedLeads"]) == (len(leads) + 5, 2)
    assert statistics(api).json()["data"]["usage"]["periodEnd"] == "2026-02-02"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "VALIDATION_ERROR"),
        (b"[]", "VALIDATION_ERROR"),
        (b'{"period": "all"}', "VALIDATION_ERROR"),
        (b'{"period": "custom"}', "INVALID_DATE"),
        (
            b'{"period": "custom", "startDate": "2026-01-02", "endDate": "2026-01-01"}',
            "INVALID_DATE",
        ),
        (
            b'{"period": "custom", "startDate": "2026-01-02", "endDate": "2026-03-01"}',
            "INVALID_DATE",
        ),
    ],
    ids=str,
)
def test_statistics_need_a_body_that_names_a_period(
    unchanged: Sandbox, body: bytes, code: str
) -> None:
    api = unchanged.octanist
    headers = {"X-API-KEY": api.token}
    response = requests.post(f"{api.url}/api/stats", data=body, headers=headers, timeout=10)
    assert error_of(response) == (400, code)


def test_edits_inserts_and_deletes_show_at_once(frozen: Sandbox) -> None:
    (new,) = frozen.octanist.insert(name="New", updatedAt=None)
    (edited,) = frozen.octanist.edit(1, at=32_503_680_000.0, note="From the year 3000")
    (gone,) = frozen.octanist.delete(
        [next(i for i in frozen.octanist.leads if i not in {new, edited})]
    )
    rows = {lead["id"]: lead for lead in everything(frozen.octanist)}
    assert rows[new]["updatedAt"] is None
    assert rows[edited]["updatedAt"] == "3000-01-01T00:00:00.000Z"
    assert gone not in rows
    assert len(rows) == 300


def test_faults_wear_the_clothes_of_the_api(frozen: Sandbox) -> None:
    frozen.octanist.faults.plan(500, faults.status(502, body="html"), "early_204")
    assert error_of(ask(frozen.octanist)) == (500, "INTERNAL_ERROR")
    assert ask(frozen.octanist).headers["Content-Type"] == "text/html"
    response = ask(frozen.octanist)
    assert rows_of(response) == []
    assert response.json()["meta"]["pagination"]["hasMore"] is False


def test_the_same_seed_gives_the_same_leads() -> None:
    with Sandbox(leads=50, seed=7, start=NOON) as one, Sandbox(leads=50, seed=7, start=NOON) as two:
        assert one.kommo.leads == two.kommo.leads
        assert one.octanist.leads == two.octanist.leads
        assert one.dashly.leads == two.dashly.leads
