"""A client against a small server on this machine: what is sent, and how much at once."""

from __future__ import annotations

import gzip
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from tap_leads.rest.auth.token import LongLivedToken
from tap_leads.rest.client import Request
from tap_leads.timestamps import SECOND
from tests.unit.rest.support import (
    LEADS,
    SECRET,
    Exchange,
    Recorder,
    client_for,
    get,
    leads,
    scripted,
    serving,
    status,
)

if TYPE_CHECKING:
    from collections.abc import Callable


# What is sent and what comes back


def test_a_request_carries_parameters_credential_and_user_agent() -> None:
    with serving(leads) as server:
        client = client_for(server.url)
        params = {"filter[updated_at][from]": 5, "with": ["a", "b"], "none": None}
        observer = Recorder()
        assert get(client, f"{server.url}/leads", observer, **params) == LEADS
    (seen,) = server.journal
    assert seen.path == "/leads?filter%5Bupdated_at%5D%5Bfrom%5D=5&with=a&with=b"
    assert seen.headers["X-API-KEY"] == SECRET
    assert seen.headers["User-Agent"] == "tap-leads/test"
    assert seen.headers["Accept"] == "application/json"
    assert "gzip" in seen.headers["Accept-Encoding"]
    (response,) = observer.responses
    assert response is not None
    assert (response.status, json.loads(response.body)) == (200, LEADS)
    assert len(observer.throttled) == 1
    assert client.has_succeeded


def test_json_is_sent_as_the_body() -> None:
    with serving(leads) as server:
        client_for(server.url).call(
            lambda: Request("POST", server.url, json={"limit": 5}),
            lambda response: response.status,
            observer=Recorder(),
        )
    assert json.loads(server.journal[0].content) == {"limit": 5}


def test_headers_of_a_response_are_found_in_any_case() -> None:
    with serving(status(200, LEADS, X_Total="7")) as server:
        response = client_for(server.url).call(
            lambda: Request("GET", server.url), lambda response: response, observer=Recorder()
        )
    assert response.headers["x-total"] == response.headers["X-Total"] == "7"
    assert response.url == f"{server.url}/"
    assert 0 < response.seconds < 10


def test_the_servers_clock_is_learned_from_a_response() -> None:
    with serving(leads) as server:
        client = client_for(server.url)
        client.clock.offset = 10**15
        get(client, server.url)
    assert abs(client.clock.offset) < 2 * SECOND


def undated(exchange: Exchange) -> None:
    exchange.send_response_only(200)
    exchange.send_header("Content-Length", "2")
    exchange.end_headers()
    exchange.wfile.write(b"[]")


def dated(second: int) -> Callable[[Exchange], None]:
    def respond(exchange: Exchange) -> None:
        exchange.date = f"Sat, 01 Aug 2026 12:00:{second:02} GMT"
        exchange.answer(LEADS)

    return respond


@pytest.mark.parametrize(
    ("script", "learned"),
    [
        ([dated(1), dated(1), dated(1)], [True, False, False]),
        ([dated(1), dated(2), dated(2), dated(1)], [True, True, False, True]),
        ([undated, dated(1), undated, dated(1)], [False, True, False, False]),
    ],
)
def test_the_servers_clock_is_learned_from_the_first_response_with_a_date(
    script: list[Callable[[Exchange], None]], learned: list[bool]
) -> None:
    changed = []
    with serving(scripted(*script)) as server:
        client = client_for(server.url)
        for _ in script:
            client.clock.offset = 0
            get(client, server.url)
            changed.append(client.clock.offset != 0)
    assert changed == learned


def chunked(body: bytes) -> Callable[[Exchange], None]:
    def respond(exchange: Exchange) -> None:
        exchange.send_response(200)
        exchange.send_header("Content-Encoding", "gzip")
        exchange.send_header("Transfer-Encoding", "chunked")
        exchange.end_headers()
        packed = gzip.compress(body)
        for start in range(0, len(packed), 7):
            chunk = packed[start : start + 7]
            exchange.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        exchange.wfile.write(b"0\r\n\r\n")

    return respond


def test_a_body_that_is_compressed_and_in_chunks_is_read() -> None:
    with serving(chunked(json.dumps(LEADS).encode())) as server:
        assert get(client_for(server.url), server.url) == LEADS


def test_cookies_are_not_kept() -> None:
    with serving(status(200, LEADS, Set_Cookie="session=1; Path=/")) as server:
        client = client_for(server.url)
        get(client, server.url)
        get(client, server.url)
    assert "Cookie" not in server.journal[1].headers


def test_a_login_in_netrc_does_not_replace_the_token(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ann password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with serving(leads) as server:
        get(client_for(server.url, auth=LongLivedToken("crm.token", "abc")), server.url)
    assert server.journal[0].headers["Authorization"] == "Bearer abc"


def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(leads) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        assert get(client_for("http://crm.test"), "http://crm.test/leads") == LEADS
    assert proxy.journal[0].path == "http://crm.test/leads"


# How many at once


def slow_leads(exchange: Exchange) -> None:
    time.sleep(0.01)
    exchange.answer(LEADS)


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("respond", [slow_leads, chunked(json.dumps(LEADS).encode())])
def test_no_more_requests_are_under_way_than_allowed_whatever_threads_there_are(
    concurrency: int, respond: Callable[[Exchange], None]
) -> None:
    with serving(respond) as server:
        client = client_for(server.url, concurrency=concurrency)
        with ThreadPoolExecutor(12) as pool:
            for page in pool.map(lambda _: get(client, server.url), range(60)):
                assert page == LEADS
    assert len(server.journal) == 60
    assert server.most_under_way <= concurrency
    assert server.connections <= concurrency + 1


def test_as_many_requests_are_under_way_as_allowed() -> None:
    together = threading.Barrier(4, timeout=10)

    def respond(exchange: Exchange) -> None:
        together.wait()
        exchange.answer(LEADS)

    with serving(respond) as server:
        client = client_for(server.url, concurrency=4)
        with ThreadPoolExecutor(12) as pool:
            assert list(pool.map(lambda _: get(client, server.url), range(40))) == [LEADS] * 40


def test_a_retry_that_waits_keeps_no_other_request_from_being_sent() -> None:
    waits, second_is_done = threading.Event(), threading.Event()

    class Patient(Recorder):
        """Makes a retry wait until the other request is done."""

        @override
        def retrying(self, error: Exception, attempt: int, wait: float) -> None:
            waits.set()
            assert second_is_done.wait(10)

    with serving(scripted(status(503))) as server:
        client = client_for(server.url, concurrency=1)
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(get, client, f"{server.url}/first", Patient())
            assert waits.wait(10)
            get(client, f"{server.url}/second")
            second_is_done.set()
            assert first.result() == LEADS
    assert [seen.path for seen in server.journal] == ["/first", "/second", "/first"]
