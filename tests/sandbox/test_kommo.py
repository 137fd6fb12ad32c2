"""The sandbox's Kommo does what Kommo's pages say, and fails as it fails."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox import Api, Sandbox, faults

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

NOON = 1_770_000_000.0
EVERYTHING = "contacts,loss_reason,is_price_modified_by_robot,catalog_elements,source_id,source"


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(leads=400, start=NOON) as sandbox:
        sandbox.kommo.options.rate_limit = None
        yield sandbox


def get(api: Api, path: str = "leads", /, **params: object) -> requests.Response:
    """Ask Kommo; `filter__updated_at__from` stands for `filter[updated_at][from]`."""
    query = {}
    for name, value in params.items():
        head, *rest = name.split("__")
        query[head + "".join(f"[{part}]" for part in rest)] = value
    return ask(api, f"{api.url}/api/v4/{path}", query)


def ask(api: Api, url: str, query: dict[str, Any] | None = None) -> requests.Response:
    headers = {"Authorization": f"Bearer {api.token}"}
    return requests.get(url, params=query, headers=headers, allow_redirects=False, timeout=10)


def leads(response: requests.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["_embedded"]["leads"]
    return found


def ids(response: requests.Response) -> list[int]:
    return [lead["id"] for lead in leads(response)]


def unlinked(lead: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in lead.items() if name != "_links"}


def test_a_page_has_fifty_leads_by_default_and_never_more_than_250(box: Sandbox) -> None:
    assert len(leads(get(box.kommo))) == 50
    assert len(leads(get(box.kommo, limit=1000))) == 250


def test_the_envelope_is_hal_without_totals(box: Sandbox) -> None:
    response = get(box.kommo, page=2, limit=100)
    assert response.headers["Content-Type"] == "application/hal+json"
    assert response.headers["X-Request-Id"]
    body = response.json()
    assert body.keys() == {"_page", "_links", "_embedded"}
    assert body["_page"] == 2
    assert body["_links"].keys() == {"self", "next", "prev"}


def test_next_repeats_the_whole_query_percent_encoded_and_leads_to_the_end(box: Sandbox) -> None:
    response = get(box.kommo, limit=150, order__updated_at="asc", filter__updated_at__from=1)
    seen = ids(response)
    while "next" in response.json()["_links"]:
        href = response.json()["_links"]["next"]["href"]
        assert "filter%5Bupdated_at%5D%5Bfrom%5D=1" in href
        response = ask(box.kommo, href)
        seen += ids(response)
    assert sorted(seen) == sorted(box.kommo.leads)


def test_nothing_is_204_without_a_body(box: Sandbox) -> None:
    for response in (get(box.kommo, page=99), get(box.kommo, filter__updated_at__from=2**40)):
        assert response.status_code == 204
        assert response.content == b""


def test_bounds_are_inclusive_or_exclusive(box: Sandbox) -> None:
    box.kommo.edit(30, at=NOON + 10)
    bounds = {"filter__updated_at__from": int(NOON) + 10, "filter__updated_at__to": int(NOON) + 10}
    assert len(ids(get(box.kommo, limit=250, **bounds))) == 30
    box.kommo.options.strict_bounds = "exclusive"
    assert get(box.kommo, limit=250, **bounds).status_code == 204


def test_only_the_first_order_counts(box: Sandbox) -> None:
    asked = get(box.kommo, limit=250, order__updated_at="desc", order__id="asc")
    times = [lead["updated_at"] for lead in leads(asked)]
    assert times == sorted(times, reverse=True)


def test_leads_of_one_second_come_in_another_order_at_each_call(box: Sandbox) -> None:
    same = box.kommo.edit(100, at=NOON + 5)
    one, two = (
        ids(get(box.kommo, limit=250, order__updated_at="asc", filter__updated_at__from=int(NOON)))
        for _ in range(2)
    )
    assert sorted(one) == sorted(two) == sorted(same)
    assert one != two
    box.kommo.options.ties = "stable"
    one, two = (ids(get(box.kommo, order__updated_at="desc")) for _ in range(2))
    assert one == two


def test_each_filter_narrows_the_list(box: Sandbox) -> None:
    rows = box.kommo.leads
    some = next(iter(rows.values()))

    def found(**params: object) -> set[int]:
        return set(ids(get(box.kommo, limit=250, **params)))

    def where(**values: object) -> set[int]:
        return {i for i, row in rows.items() if values.items() <= row.items()}

    for name in ("id", "pipeline_id", "created_by", "updated_by", "responsible_user_id"):
        expected = where(**{name: some[name]})
        assert found(**{f"filter__{name}__": some[name]}) == expected
        assert found(**{f"filter__{name}__0": some[name]}) == expected
    assert found(filter__name__=some["name"]) == where(name=some["name"])
    assert found(filter__price=some["price"]) == where(price=some["price"])
    assert found(filter__price__from=10_000, filter__price__to=20_000) == {
        i for i, row in rows.items() if 10_000 <= row["price"] <= 20_000
    }
    stage = {"pipeline_id": some["pipeline_id"], "status_id": some["status_id"]}
    asked = {f"filter__statuses__0__{name}": value for name, value in stage.items()}
    assert found(**asked) == where(**stage)
    assert found(filter__closed_at__from=1) == {i for i, row in rows.items() if row["closed_at"]}
    assert some["id"] in found(query=some["name"][:12].upper())


def test_only_one_stage_is_filtered_for_unless_the_account_takes_more(box: Sandbox) -> None:
    two = {
        "filter__statuses__0__pipeline_id": 12215168,
        "filter__statuses__0__status_id": 142,
        "filter__statuses__1__pipeline_id": 12215168,
        "filter__statuses__1__status_id": 143,
    }
    assert {lead["status_id"] for lead in leads(get(box.kommo, limit=250, **two))} == {142}
    box.kommo.options.statuses_filter = "all"
    assert {lead["status_id"] for lead in leads(get(box.kommo, limit=250, **two))} == {142, 143}


def test_what_is_unknown_is_ignored_silently(box: Sandbox) -> None:
    everything = ids(get(box.kommo, limit=250))
    for odd in (
        {"colour": "red"},
        {"filter__nonsense__from": 5},
        {"filter__pipeline_id": 1},
        {"filter__custom_fields_values__1928052__": "x"},
        {"order__price": "desc"},
        {"with": "nonsense"},
    ):
        assert ids(get(box.kommo, limit=250, **odd)) == everything


def test_a_bare_time_matches_nothing(box: Sandbox) -> None:
    moment = next(iter(box.kommo.leads.values()))["updated_at"]
    assert get(box.kommo, filter__updated_at=moment).status_code == 204


def test_a_bad_parameter_is_refused_with_validation_errors(box: Sandbox) -> None:
    for bad in ({"page": "x"}, {"page": 0}, {"limit": 0}, {"filter__updated_at__from": "1.5"}):
        response = get(box.kommo, **bad)
        assert response.status_code == 400
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.json()["validation-errors"][0]["errors"][0]["path"]


def test_fields_of_with_come_only_when_asked_for(box: Sandbox) -> None:
    plain, full = leads(get(box.kommo))[0], leads(get(box.kommo, **{"with": EVERYTHING}))[0]
    assert full.keys() - plain.keys() == {"source_id", "is_price_modified_by_robot"}
    assert plain["_embedded"].keys() == {"tags", "companies"}
    assert full["_embedded"].keys() == {
        "tags", "companies", "contacts", "loss_reason", "catalog_elements", "source",
    }  # fmt: skip
    wanted = {lead["id"]: unlinked(lead) for lead in box.kommo.rendered()}
    for lead in leads(get(box.kommo, limit=250, **{"with": EVERYTHING})):
        assert unlinked(lead) == wanted[lead["id"]]


def test_the_leads_have_every_awkward_value(box: Sandbox) -> None:
    rows = box.kommo.rendered()
    customs = [row["custom_fields_values"] for row in rows]
    assert None in customs
    assert [] in customs
    values = [(c["field_type"], v) for row in customs for c in row or () for v in c["values"]]
    kinds = {kind for kind, _ in values}
    assert {"chained_list", "numeric", "multitext", "legal_entity", "ai_summary"} <= kinds
    assert all("value" not in value for kind, value in values if kind == "chained_list")
    assert all(isinstance(v["value"], str) for kind, v in values if kind == "numeric")
    assert any(row["price"] != row["price_with_minor_units"] for row in rows)
    assert {0, None} <= {row["loss_reason_id"] for row in rows}
    assert {0, None} <= {row["closed_at"] for row in rows}
    names = "".join(row["name"] for row in rows)
    assert "\x00" in names
    assert "<b>" in names
    assert "\N{ROCKET}" in names


def test_only_deleted_lists_the_recycle_bin_with_nearly_every_field_null(box: Sandbox) -> None:
    gone = box.kommo.delete(3)
    assert not set(gone) & set(ids(get(box.kommo, limit=250)))
    rows = leads(get(box.kommo, **{"with": "only_deleted,contacts"}))
    assert sorted(row["id"] for row in rows) == sorted(gone)
    for row in rows:
        filled = {name for name, value in row.items() if value is not None}
        assert filled == {"id", "updated_at", "updated_by", "account_id", "is_deleted", "_links"}
    assert box.kommo.restore(gone[:1]) == gone[:1]
    assert gone[0] in box.kommo.leads
    box.kommo.purge(gone[1:])
    assert get(box.kommo, **{"with": "only_deleted"}).status_code == 204


def test_one_lead_and_the_account_can_be_asked_for(box: Sandbox) -> None:
    lead_id = next(iter(box.kommo.leads))
    assert get(box.kommo, f"leads/{lead_id}").json()["id"] == lead_id
    assert get(box.kommo, "leads/1").status_code == 204
    box.kommo.options.missing_lead = 404
    assert get(box.kommo, "leads/1").status_code == 404
    account = get(box.kommo, "account", **{"with": "is_api_filter_enabled"}).json()
    assert account["is_api_filter_enabled"] is True


def test_a_wrong_token_path_or_method_is_refused(box: Sandbox) -> None:
    url = f"{box.kommo.url}/api/v4/leads"
    refused = requests.get(url, headers={"Authorization": "Bearer x"}, timeout=10)
    assert refused.status_code == 401
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert get(box.kommo, "nothing").status_code == 404
    headers = {"Authorization": f"Bearer {box.kommo.token}"}
    assert requests.post(url, headers=headers, json=[], timeout=10).status_code == 405
    box.kommo.tokens.clear()
    assert get(box.kommo).status_code == 401


def test_the_token_is_a_jwt_with_an_expiry(box: Sandbox) -> None:
    claims = json.loads(base64.urlsafe_b64decode(box.kommo.token.split(".")[1] + "=="))
    assert claims["exp"] > NOON


def test_more_than_seven_requests_a_second_are_refused_and_then_blocked() -> None:
    with Sandbox(leads=10) as box:
        box.kommo.options.block_after = 3
        statuses = [get(box.kommo).status_code for _ in range(11)]
        assert statuses == [200] * 7 + [429] * 3 + [403]
        blocked = get(box.kommo)
        assert blocked.headers["Content-Type"] == "text/html"
        assert box.kommo.requests_per_second_max() == 12
        box.kommo.unblock()
        time.sleep(1.0)
        assert get(box.kommo).status_code == 200


def test_changes_between_pages_move_rows_across_them(box: Sandbox) -> None:
    def change(api: Api, rng: random.Random) -> None:
        api.edit(rng.sample(sorted(api.leads)[:300], 3))

    before = set(box.kommo.leads)
    box.kommo.after_request = change
    seen: set[int] = set()
    for page in range(1, 9):
        seen |= set(ids(get(box.kommo, page=page, limit=50, order__updated_at="asc")))
    assert seen < before


def test_a_change_shows_in_lists_only_after_the_lag(box: Sandbox) -> None:
    box.clock.freeze(NOON + 100)
    box.kommo.options.lag = 30
    (lead_id,) = box.kommo.insert()
    since = {"filter__updated_at__from": int(NOON) + 100}
    assert get(box.kommo, **since).status_code == 204
    assert get(box.kommo, f"leads/{lead_id}").status_code == 200
    box.clock.advance(30)
    assert ids(get(box.kommo, **since)) == [lead_id]


def test_the_date_header_is_the_sandbox_clock(box: Sandbox) -> None:
    box.clock.freeze(NOON)
    assert get(box.kommo).headers["Date"] == "Mon, 02 Feb 2026 02:40:00 GMT"
    box.kommo.options.send_date = False
    assert "Date" not in get(box.kommo).headers


def test_the_last_page_and_its_links_can_be_made_to_mislead(box: Sandbox) -> None:
    options = box.kommo.options
    assert "next" not in get(box.kommo, page=2, limit=200).json()["_links"]
    options.last_page_next = True
    assert "next" in get(box.kommo, page=2, limit=200).json()["_links"]
    assert get(box.kommo, page=3, limit=200).status_code == 204
    options.foreign_next = "https://elsewhere.example.com"
    link = get(box.kommo).json()["_links"]["next"]["href"]
    assert link.startswith("https://elsewhere.example.com/kommo/api/v4/leads?page=2")
    options.foreign_next = None
    options.repeat_next = True
    links = get(box.kommo).json()["_links"]
    assert links["next"] == links["self"]
    options.page_cap = 20
    assert len(ids(get(box.kommo, limit=250))) == 20
    options.empty_early = 1
    assert [get(box.kommo, page=n).status_code for n in (1, 2, 2)] == [200, 204, 200]
    options.page_ceiling = 3
    assert get(box.kommo, page=4).status_code == 204
    options.gateway_timeout_above = 100
    assert get(box.kommo, limit=250).status_code == 504


def test_filters_can_be_without_effect(box: Sandbox) -> None:
    box.kommo.options.ignore_filters = True
    assert len(ids(get(box.kommo, filter__updated_at__from=2**40, limit=250))) == 250


def test_planned_faults_strike_one_list_request_each(box: Sandbox) -> None:
    plan = box.kommo.faults.plan
    plan(faults.none(), faults.reset(), faults.lost_reply())
    assert get(box.kommo).status_code == 200
    for _ in range(2):
        with pytest.raises(requests.ConnectionError):
            get(box.kommo)
    plan("truncate", "stall")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        get(box.kommo)
    with pytest.raises((requests.ConnectionError, requests.Timeout)):
        requests.get(
            f"{box.kommo.url}/api/v4/leads",
            headers={"Authorization": f"Bearer {box.kommo.token}"},
            timeout=0.3,
        )
    plan("html200", "half_json200", "early_204", 503)
    assert get(box.kommo).headers["Content-Type"] == "text/html"
    with pytest.raises(requests.JSONDecodeError):
        get(box.kommo).json()
    assert get(box.kommo).status_code == 204
    assert get(box.kommo).status_code == 503
    plan(
        faults.status(429, retry_after=2),
        faults.status(429, retry_after_date=5, body="html"),
        faults.status(401),
        faults.redirect("https://elsewhere.example.com/"),
    )
    assert get(box.kommo).headers["Retry-After"] == "2"
    assert get(box.kommo).headers["Retry-After"].endswith("GMT")
    assert get(box.kommo).json()["status"] == 401
    assert get(box.kommo).headers["Location"] == "https://elsewhere.example.com/"
    assert box.kommo.faults.pending == 0
    assert get(box.kommo).status_code == 200


def test_random_faults_come_at_the_rate_asked_for(box: Sandbox) -> None:
    box.kommo.faults.random(0.5, [503], seed=4)
    statuses = [get(box.kommo, limit=1).status_code for _ in range(40)]
    assert 8 < statuses.count(503) < 32


def test_the_journal_keeps_every_request(box: Sandbox) -> None:
    get(box.kommo, limit=7, filter__id__=1)
    get(box.kommo, limit=7)
    first, second = box.kommo.journal
    assert (first.method, first.path, first.status, first.rows) == ("GET", "/api/v4/leads", 204, 0)
    assert first.query == {"limit": ["7"], "filter[id][]": ["1"]}
    assert (second.status, second.rows) == (200, 7)
    assert "requests" in (second.headers["user-agent"] or "")


def test_people_drive_the_sandbox_over_http(box: Sandbox) -> None:
    control = f"{box.url}/_control"
    assert requests.get(control, timeout=10).json()["apis"]["kommo"]["leads"] == 400

    def post(path: str, **content: object) -> dict[str, Any]:
        response = requests.post(f"{control}/{path}", json=content, timeout=10)
        answer: dict[str, Any] = response.json()
        assert response.ok == ("error" not in answer)
        return answer

    (lead_id,) = post("kommo/insert", count=1, fields={"name": "By hand"})["ids"]
    assert box.kommo.leads[lead_id]["name"] == "By hand"
    assert post("kommo/edit", ids=[lead_id], fields={"name": "Again"})["ids"] == [lead_id]
    assert post("kommo/delete", ids=[lead_id])["ids"] == [lead_id]
    assert post("kommo/options", rate_limit=3)["rate_limit"] == 3
    assert "error" in post("kommo/options", nonsense=3)
    assert "error" in post("kommo/options", ties="sideways")
    assert post("kommo/faults", plan=["reset", 503])["planned"] == 2
    assert post("clock", freeze=NOON)["clock"] == NOON
    get(box.kommo, "account")
    journal = requests.get(f"{control}/kommo/journal", timeout=10).json()
    assert journal[-1]["path"] == "/api/v4/account"
    assert box.kommo.token not in json.dumps(journal)
