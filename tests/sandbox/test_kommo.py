"""The sandbox's Kommo rejects, changes and fails as Kommo does."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
import requests

from sandbox import Sandbox, faults
from tests.sandbox.client import NOON, ask, ids_of

if TYPE_CHECKING:
    import random

    from sandbox import Api


def test_a_wrong_token_path_or_method_is_refused(box: Sandbox) -> None:
    url = f"{box.kommo.url}/api/v4/leads"
    refused = requests.get(url, headers={"Authorization": "Bearer x"}, timeout=10)
    assert refused.status_code == 401
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert ask(box.kommo, "nothing").status_code == 404
    headers = {"Authorization": f"Bearer {box.kommo.token}"}
    assert requests.post(url, headers=headers, json=[], timeout=10).status_code == 405
    box.kommo.tokens.clear()
    assert ask(box.kommo).status_code == 401


def test_the_token_is_a_jwt_with_an_expiry(box: Sandbox) -> None:
    claims = json.loads(base64.urlsafe_b64decode(box.kommo.token.split(".")[1] + "=="))
    assert claims["exp"] > NOON


def test_more_than_seven_requests_a_second_are_refused_and_then_blocked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1000.0]
    monkeypatch.setattr("sandbox.core.http.time", SimpleNamespace(monotonic=lambda: now[0]))
    with Sandbox(leads=10) as box:
        box.kommo.options.block_after = 3
        statuses = [ask(box.kommo).status_code for _ in range(11)]
        assert statuses == [200] * 7 + [429] * 3 + [403]
        blocked = ask(box.kommo)
        assert blocked.headers["Content-Type"] == "text/html"
        assert box.kommo.requests_per_second_max() == 12
        box.kommo.unblock()
        now[0] += 1.0
        assert ask(box.kommo).status_code == 200


def test_changes_between_pages_move_rows_across_them(box: Sandbox) -> None:
    def change(api: Api, rng: random.Random) -> None:
        api.edit(rng.sample(sorted(api.leads)[:250], 3))

    before = set(box.kommo.leads)
    box.kommo.after_request = change
    seen: set[int] = set()
    for page in range(1, 7):
        seen |= set(ids_of(ask(box.kommo, page=page, limit=50, order__updated_at="asc")))
    assert seen < before


def test_a_change_shows_in_lists_only_after_the_lag(box: Sandbox) -> None:
    box.clock.freeze(NOON + 100)
    box.kommo.options.lag = 30
    (lead_id,) = box.kommo.insert()
    since = {"filter__updated_at__from": int(NOON) + 100}
    assert ask(box.kommo, **since).status_code == 204
    assert ask(box.kommo, f"leads/{lead_id}").status_code == 200
    box.clock.advance(30)
    assert ids_of(ask(box.kommo, **since)) == [lead_id]


def test_the_date_header_is_the_sandbox_clock(box: Sandbox) -> None:
    box.clock.freeze(NOON)
    assert ask(box.kommo).headers["Date"] == "Mon, 02 Feb 2026 02:40:00 GMT"
    box.kommo.options.send_date = False
    assert "Date" not in ask(box.kommo).headers


def test_the_last_page_and_its_links_can_be_made_to_mislead(box: Sandbox) -> None:
    options = box.kommo.options
    assert "next" not in ask(box.kommo, page=2, limit=150).json()["_links"]
    options.last_page_next = True
    assert "next" in ask(box.kommo, page=2, limit=150).json()["_links"]
    assert ask(box.kommo, page=3, limit=150).status_code == 204
    options.foreign_next = "https://elsewhere.example.com"
    link = ask(box.kommo).json()["_links"]["next"]["href"]
    assert link.startswith("https://elsewhere.example.com/kommo/api/v4/leads?page=2")
    options.foreign_next = None
    options.repeat_next = True
    links = ask(box.kommo).json()["_links"]
    assert links["next"] == links["self"]
    options.page_cap = 20
    assert len(ids_of(ask(box.kommo, limit=250))) == 20
    options.empty_early = 1
    assert [ask(box.kommo, page=n).status_code for n in (1, 2, 2)] == [200, 204, 200]
    options.page_ceiling = 3
    assert ask(box.kommo, page=4).status_code == 204
    options.gateway_timeout_above = 100
    assert ask(box.kommo, limit=250).status_code == 504


def test_planned_faults_strike_one_list_request_each(box: Sandbox) -> None:
    plan = box.kommo.faults.plan
    plan(faults.none(), faults.reset(), faults.lost_reply())
    assert ask(box.kommo).status_code == 200
    for _ in range(2):
        with pytest.raises(requests.ConnectionError):
            ask(box.kommo)
    plan("truncate", "stall")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        ask(box.kommo)
    with pytest.raises((requests.ConnectionError, requests.Timeout)):
        ask(box.kommo, timeout=(30, 0.3))
    plan("html200", "half_json200", "early_204", 503)
    assert ask(box.kommo).headers["Content-Type"] == "text/html"
    with pytest.raises(requests.JSONDecodeError):
        ask(box.kommo).json()
    assert ask(box.kommo).status_code == 204
    assert ask(box.kommo).status_code == 503
    plan(
        faults.status(429, retry_after=2),
        faults.status(429, retry_after_date=5, body="html"),
        faults.status(401),
        faults.redirect("https://elsewhere.example.com/"),
    )
    assert ask(box.kommo).headers["Retry-After"] == "2"
    assert ask(box.kommo).headers["Retry-After"].endswith("GMT")
    assert ask(box.kommo).json()["status"] == 401
    assert ask(box.kommo).headers["Location"] == "https://elsewhere.example.com/"
    assert box.kommo.faults.pending == 0
    assert ask(box.kommo).status_code == 200


def test_random_faults_come_at_the_rate_asked_for(box: Sandbox) -> None:
    box.kommo.faults.random(0.5, [503], seed=4)
    statuses = [ask(box.kommo, limit=1).status_code for _ in range(40)]
    assert 8 < statuses.count(503) < 32


def test_the_journal_keeps_every_request(box: Sandbox) -> None:
    ask(box.kommo, limit=7, filter__id__=1)
    ask(box.kommo, limit=7)
    first, second = box.kommo.journal
    assert (first.method, first.path, first.status, first.rows) == ("GET", "/api/v4/leads", 204, 0)
    assert first.query == {"limit": ["7"], "filter[id][]": ["1"]}
    assert (second.status, second.rows) == (200, 7)
    assert "requests" in (second.headers["user-agent"] or "")
