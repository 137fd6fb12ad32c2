"""Which failures a client retries, against a small server on this machine."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tap_leads.errors import LeadsError
from tap_leads.rest.client import Request, Response
from tap_leads.rest.errors import (
    PermanentError,
    TransientError,
)
from tap_leads.rest.retry import RetryPolicy
from tap_leads.urls import place_of
from tests.support.logs import uncoded
from tests.unit.rest.support import (
    LEADS,
    Exchange,
    FakeClock,
    NoJitter,
    Recorder,
    client_for,
    get,
    hang_up,
    leads,
    quick_limiter,
    scripted,
    serving,
    status,
)

if TYPE_CHECKING:
    from collections.abc import Callable

GIVEN_UP = threading.Event()
"""Set when the client no longer waits for a response: the server need not go on with it."""


def truncated(exchange: Exchange) -> None:
    exchange.send_response(200)
    exchange.send_header("Content-Length", "1000")
    exchange.end_headers()
    exchange.wfile.write(b'{"leads": [')
    exchange.close_connection = True


def truncated_chunks(exchange: Exchange) -> None:
    exchange.send_response(200)
    exchange.send_header("Transfer-Encoding", "chunked")
    exchange.end_headers()
    exchange.wfile.write(b"5\r\n{'lea\r\n")
    exchange.close_connection = True


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (hang_up, "the connection to 127.0.0.1:"),
        (truncated, "the response of 127.0.0.1:"),
        (truncated_chunks, "the response of 127.0.0.1:"),
        (status(500), "the API reported a server error (HTTP 500). If this persists, run the sync"),
        (status(502, b"<html>", Content_Type="text/html"), "the API reported a server error"),
        (status(408), "the API timed out (HTTP 408)"),
        (
            status(429),
            "the API received too many requests (HTTP 429). If this persists, lower `requests",
        ),
    ],
)
def test_transient_errors_are_retried_and_reported(
    fault: Callable[[Exchange], None], message: str
) -> None:
    observer = Recorder()
    with serving(scripted(fault, fault)) as server:
        client = client_for(server.url, limiter=quick_limiter())
        assert get(client, server.url, observer) == LEADS
    assert [(attempt, wait) for _, attempt, wait in observer.retries] == [(2, 0.0), (3, 0.0)]
    assert all(text.startswith(message) for text, _, _ in observer.retries)
    assert len(server.journal) == len(observer.responses) == len(observer.throttled) == 3


def test_a_request_without_a_response_is_reported_as_one() -> None:
    observer = Recorder()
    with serving(scripted(hang_up, status(500), truncated)) as server:
        get(client_for(server.url), server.url, observer)
    assert observer.statuses == [None, 500, None, 200]


def drip(exchange: Exchange) -> None:
    exchange.send_response(200)
    exchange.send_header("Content-Length", "1000")
    exchange.end_headers()
    drip_until_given_up(exchange)


def drip_until_given_up(exchange: Exchange) -> None:
    for _ in range(600):
        exchange.wfile.write(b" ")
        if GIVEN_UP.wait(0.05):
            break


def never(exchange: Exchange) -> None:
    GIVEN_UP.wait(30)
    exchange.close_connection = True


@pytest.mark.parametrize("fault", [drip, never])
def test_a_response_that_never_ends_is_a_timeout(fault: Callable[[Exchange], None]) -> None:
    failures: list[TransientError] = []
    GIVEN_UP.clear()
    with serving(scripted(fault)) as server:
        client = client_for(server.url, timeout=1)
        result = client.call(
            lambda: Request("GET", server.url),
            lambda response: json.loads(response.body),
            observer=Recorder(),
            on_failure=failures.append,
        )
        GIVEN_UP.set()
    assert result == LEADS
    assert {(uncoded(str(e)), e.is_too_slow) for e in failures} == {
        (f"{place_of(server.url)} took longer than `request_timeout`", True)
    }


def test_a_redirect_whose_body_drips_is_a_timeout_and_tried_again() -> None:
    def redirect(exchange: Exchange) -> None:
        exchange.send_response(302)
        exchange.send_header("Location", "/moved")
        exchange.send_header("Content-Length", "1000")
        exchange.end_headers()
        drip_until_given_up(exchange)

    def answer(exchange: Exchange) -> None:
        paths.append(exchange.path)
        leads(exchange)

    paths: list[str] = []
    GIVEN_UP.clear()
    with serving(scripted(redirect, answer)) as server:
        assert get(client_for(server.url, timeout=1), server.url) == LEADS
        GIVEN_UP.set()
    assert paths == ["/"]


def test_each_try_builds_its_request_after_the_caller_learned_of_the_failure() -> None:
    size = 8

    def smaller(error: TransientError) -> None:
        nonlocal size
        size //= 2 if error.is_too_slow else 1

    with serving(scripted(status(504), status(503), status(504))) as server:
        client_for(server.url).call(
            lambda: Request("GET", f"{server.url}/{size}"),
            lambda response: response.status,
            observer=Recorder(),
            on_failure=smaller,
        )
    assert [seen.path for seen in server.journal] == ["/8", "/4", "/4", "/2"]


def test_a_page_that_the_parser_rejects_as_transient_is_requested_again() -> None:
    def parse(response: Response) -> Any:
        if not json.loads(response.body):
            raise TransientError("an empty answer")
        return json.loads(response.body)

    with serving(scripted(status(200, []))) as server:
        client = client_for(server.url)
        page = client.call(lambda: Request("GET", server.url), parse, observer=Recorder())
    assert page == LEADS
    assert len(server.journal) == 2


def test_a_bug_of_the_parser_is_not_retried() -> None:
    with serving(leads) as server, pytest.raises(KeyError):
        client_for(server.url).call(
            lambda: Request("GET", server.url),
            lambda response: json.loads(response.body)["items"],
            observer=Recorder(),
        )
    assert len(server.journal) == 1


def test_a_host_that_does_not_answer_ends_in_one_line_that_names_the_setting() -> None:
    with serving(leads) as server:
        url = server.url
    client = client_for(url, max_tries=2)
    with pytest.raises(LeadsError) as raised:
        get(client, f"{url}/leads?email=ann@example.com")
    assert uncoded(str(raised.value)) == (
        f"no response: {place_of(url)} refused the connection. Check the network and `crm.api_url`"
    )
    assert client.failure == str(raised.value)
    assert not client.has_succeeded


def failing_with(*errors: Exception) -> Callable[[Response], str]:
    """Return a parser that raises these errors, each once."""
    left = list(errors)

    def parse(_response: Response) -> str:
        if left:
            raise left.pop(0)
        return "done"

    return parse


def test_the_last_error_is_raised_after_the_last_try() -> None:
    errors = [TransientError(f"error {number}") for number in range(1, 9)]
    with serving(leads) as server:
        client = client_for(server.url, max_tries=7)
        with pytest.raises(TransientError, match="error 7"):
            client.call(
                lambda: Request("GET", server.url), failing_with(*errors), observer=Recorder()
            )
        assert len(server.journal) == 7


def test_no_try_begins_after_the_time_is_up() -> None:
    with serving(leads) as server:
        client = client_for(server.url, retry=RetryPolicy(rng=NoJitter(), max_seconds=0))
        with pytest.raises(TransientError, match="slow"):
            client.call(
                lambda: Request("GET", server.url),
                failing_with(TransientError("slow")),
                observer=Recorder(),
            )
        assert len(server.journal) == 1


def test_the_time_for_a_retry_after_is_what_is_left_of_all_tries() -> None:
    clock, observer = FakeClock(), Recorder()
    with serving(leads) as server:
        client = client_for(
            server.url, retry=RetryPolicy(rng=NoJitter(), clock=clock, max_seconds=300)
        )

        def parse(_response: Response) -> None:
            clock.sleep(100)
            raise TransientError("busy", retry_after=201)

        with pytest.raises(TransientError, match="busy"):
            client.call(lambda: Request("GET", server.url), parse, observer=observer)
    assert observer.retries == []


def test_a_wait_that_is_too_long_ends_at_once() -> None:
    with serving(scripted(status(429, Retry_After="3600"))) as server:
        with pytest.raises(PermanentError, match="Retry-After: 3600 s"):
            get(client_for(server.url), server.url)
        assert len(server.journal) == 1
