"""An account that never answered, or that is blocked, is not tried by each of its streams."""

from __future__ import annotations

import pytest

from tap_leads.errors import LeadsError
from tap_leads.rest.errors import AccountClosedError
from tap_leads.rest.retry import RetryPolicy
from tests.unit.rest.support import (
    LEADS,
    Exchange,
    NoJitter,
    Recorder,
    client_for,
    get,
    hang_up,
    leads,
    scripted,
    serving,
    status,
)

TRIES = 3


def test_a_host_that_never_answers_is_tried_by_one_call() -> None:
    with serving(hang_up) as server:
        client = client_for(server.url, max_tries=TRIES)
        with pytest.raises(LeadsError, match=r"^no response: the connection to 127") as first:
            get(client, server.url)
        with pytest.raises(AccountClosedError) as later:
            get(client, server.url)
    assert str(later.value) == str(first.value)
    assert len(server.journal) == TRIES


def test_a_host_that_goes_away_in_mid_run_is_tried_by_one_call() -> None:
    def respond(exchange: Exchange) -> None:
        leads(exchange)
        exchange.close_connection = True

    observer = Recorder()
    with serving(respond) as server:
        client = client_for(server.url, max_tries=TRIES)
        assert get(client, server.url) == LEADS
    with pytest.raises(LeadsError, match="refused the connection") as first:
        get(client, server.url, observer)
    with pytest.raises(AccountClosedError) as later:
        get(client, server.url, observer)
    assert str(later.value) == str(first.value)
    assert len(observer.retries) == TRIES - 1


@pytest.mark.parametrize("code", [500, 502, 503, 504])
def test_a_server_that_has_only_errors_is_tried_by_two_calls(code: int) -> None:
    with serving(status(code)) as server:
        client = client_for(server.url, max_tries=TRIES)
        for _ in range(2):
            with pytest.raises(LeadsError, match=rf"\(HTTP {code}\)"):
                get(client, server.url)
        with pytest.raises(AccountClosedError, match=rf"\(HTTP {code}\)"):
            get(client, server.url)
    assert len(server.journal) == 2 * TRIES


@pytest.mark.parametrize("code", [None, 500, 503])
def test_a_list_that_always_fails_ends_no_other_once_the_account_has_answered(
    code: int | None,
) -> None:
    fault = hang_up if code is None else status(code)

    def respond(exchange: Exchange) -> None:
        if exchange.path == "/leads":
            leads(exchange)
        else:
            fault(exchange)

    with serving(respond) as server:
        client = client_for(server.url, max_tries=TRIES)
        assert get(client, f"{server.url}/leads") == LEADS
        for _ in range(3):
            with pytest.raises(LeadsError):
                get(client, f"{server.url}/broken")
        assert get(client, f"{server.url}/leads") == LEADS
        assert client.failure is None


def test_a_list_that_fails_before_all_others_ends_none_of_them() -> None:
    with serving(scripted(*[status(500)] * TRIES)) as server:
        client = client_for(server.url, max_tries=TRIES)
        with pytest.raises(LeadsError):
            get(client, server.url)
        assert get(client, server.url) == LEADS


def test_a_body_that_is_no_page_ends_no_account() -> None:
    with serving(status(200, b"<html>")) as server:
        client = client_for(server.url, max_tries=TRIES)
        for _ in range(3):
            with pytest.raises(ValueError, match="Expecting"):
                get(client, server.url)
        assert client.failure is None


def test_a_429_that_asks_for_a_longer_wait_than_there_is_time_ends_the_account() -> None:
    with serving(status(429, Retry_After="3600")) as server:
        client = client_for(server.url)
        with pytest.raises(LeadsError, match="Retry-After: 3600 s") as first:
            get(client, server.url)
        with pytest.raises(AccountClosedError) as later:
            get(client, server.url)
    assert str(later.value) == str(first.value)
    assert len(server.journal) == 1


def test_a_503_that_asks_for_a_longer_wait_ends_its_call_alone() -> None:
    with serving(scripted(leads, status(503, Retry_After="3600"))) as server:
        client = client_for(server.url)
        assert get(client, server.url) == LEADS
        with pytest.raises(LeadsError, match="Retry-After: 3600 s"):
            get(client, server.url)
        assert get(client, server.url) == LEADS


def test_after_an_account_found_its_host_unreachable_others_try_once_until_something_answers() -> (
    None
):
    retry = RetryPolicy(rng=NoJitter(), max_tries=TRIES)
    with serving(leads) as server:
        works = server.url
    gone, also_gone, answering = Recorder(), Recorder(), Recorder()
    for observer, url in ((gone, works), (also_gone, works.replace("127.0.0.1", "127.0.0.2"))):
        with pytest.raises(LeadsError, match="no response"):
            get(client_for(url, retry=retry), url, observer)
    assert (len(gone.retries), len(also_gone.retries)) == (TRIES - 1, 0)
    with serving(leads) as server:
        get(client_for(server.url, retry=retry), server.url)
    third = works.replace("127.0.0.1", "127.0.0.3")
    with pytest.raises(LeadsError, match="no response"):
        get(client_for(third, retry=retry), third, answering)
    assert len(answering.retries) == TRIES - 1
