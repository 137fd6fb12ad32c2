"""The sandbox refuses accounts, lists and connections on request."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests

from sandbox import Sandbox
from tests.sandbox.client import ask, command, error_of, ids_of, rows_of

if TYPE_CHECKING:
    from sandbox.kommo.api import Kommo

PATHS = ("leads", "users", "account", "events", "nothing")
SORTED_AND_FILTERED: dict[str, tuple[dict[str, Any], str]] = {
    # the sort order and a filter that no lead passes, and the field in the sort order
    "kommo": ({"order__updated_at": "asc", "filter__updated_at__from": 2**40}, "updated_at"),
    "dashly": (
        {
            "sort_prop": "$email",
            "sort_order": "asc",
            "filters": '{"type": "and", "filters": '
            '[{"type": "gt", "property_name": "$sessions", "value": {"value": 100000}}]}',
        },
        "$email",
    ),
    "octanist": ({"sort": "email:asc", "createdAt__gte": "3000-01-01T00:00:00Z"}, "email"),
}
SORTED_AND_FILTERED["carrotquest"] = SORTED_AND_FILTERED["dashly"]


@pytest.mark.parametrize("source", SORTED_AND_FILTERED)
def test_ignored_filters_leave_the_sort_order_in_effect(frozen: Sandbox, source: str) -> None:
    api = frozen.apis[source]
    query, field = SORTED_AND_FILTERED[source]
    assert rows_of(ask(api, **query)) == []
    assert command(api, f"{source}/options", ignore_filters=True)["ignore_filters"] is True
    rows = rows_of(ask(api, limit=50, **query))
    assert len(rows) == 50
    values = [row.get("props", row)[field] for row in rows]
    assert values == sorted(values)
    assert len(set(values)) > 1


@pytest.mark.parametrize("source", SORTED_AND_FILTERED)
def test_ignored_filters_must_still_be_valid(frozen: Sandbox, source: str) -> None:
    api = frozen.apis[source]
    api.options.ignore_filters = True
    invalid = {"filter__updated_at__from": "x", "filters": "x", "createdAt__gte": "x"}
    assert ask(api, **invalid).status_code == 400


def test_ignored_filters_hold_for_every_list_of_kommo(kommo: Kommo) -> None:
    kommo.options.ignore_filters = True
    for path, order in (("contacts", "updated_at"), ("leads/notes", "updated_at")):
        query = {f"order__{order}": "desc", "filter__updated_at__from": 2**40}
        values = [row[order] for row in rows_of(ask(kommo, path, **query))]
        assert values == sorted(values, reverse=True)
        assert len(values) == 50


def test_a_subdomain_that_does_not_exist_is_404_for_every_path(kommo: Kommo) -> None:
    command(kommo, "kommo/options", subdomain="missing")
    for path in PATHS:
        response = ask(kommo, path)
        assert response.status_code == 404
        assert response.headers["Content-Type"] == "text/html"
    assert requests.post(f"{kommo.url}/oauth2/access_token", timeout=30).status_code == 404
    kommo.options.subdomain = "found"
    assert ask(kommo).status_code == 200


def test_a_subdomain_that_does_not_exist_can_be_redirected_to_a_start_page(kommo: Kommo) -> None:
    start_page = "http://localhost:1/start"
    command(kommo, "kommo/options", subdomain="redirect", start_page=start_page)
    for path in PATHS:
        response = ask(kommo, path)
        assert response.status_code == 302
        assert response.headers["Location"] == start_page


@pytest.mark.parametrize("status", [402, 403, 405])
def test_single_lists_can_be_refused_while_the_others_answer(kommo: Kommo, status: int) -> None:
    assert ask(kommo, "leads/notes").status_code == 200
    command(kommo, "kommo/options", refused={"leads/notes": status, "/catalogs/": status})
    for path in ("leads/notes", "catalogs", "catalogs/1057/elements"):
        response = ask(kommo, path)
        assert response.status_code == status
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.json()["status"] == status
    for path in ("leads", "leads/tags", "contacts/notes", "account", "events"):
        assert ask(kommo, path).status_code == 200


def test_an_account_that_is_not_paid_gets_402_for_every_path(kommo: Kommo) -> None:
    kommo.options.refused = {"/": 402}
    for path in PATHS:
        assert ask(kommo, path).status_code == 402
    assert ask(kommo, token="wrong").status_code == 401


def test_a_fault_with_arguments_can_be_planned_over_http(frozen: Sandbox) -> None:
    api = frozen.octanist
    redirect = {"kind": "redirect", "to": "https://elsewhere.example.com/"}
    status = {"kind": "status", "code": 429, "retry_after": 2}
    plan = [redirect, status, {"kind": "early_204", "counted": False}]
    assert command(api, "octanist/faults", plan=plan)["planned"] == 3
    assert ask(api).headers["Location"] == "https://elsewhere.example.com/"
    response = ask(api)
    assert error_of(response) == (429, "RATE_LIMITED")
    assert response.headers["Retry-After"] == "2"
    assert ids_of(ask(api)) == []
    for bad in ({"kind": "nonsense"}, {"code": 503}, {"kind": "reset", "seconds": 5}, "redirect"):
        assert "error" in command(api, "octanist/faults", plan=[bad])


def test_a_silent_port_accepts_connections_and_closes_them_with_the_sandbox() -> None:
    with Sandbox(leads=5) as box:
        url = command(box.kommo, "silent")["url"]
        assert url == box.silent_url
        with pytest.raises(requests.ReadTimeout):
            requests.get(url, timeout=(30, 0.2))
        address = urlsplit(url)
        client = socket.create_connection((address.hostname, address.port), timeout=30)
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert ask(box.kommo).status_code == 200
    with client, pytest.raises(ConnectionResetError):
        client.recv(1)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname, address.port), timeout=30)
