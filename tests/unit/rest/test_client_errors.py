"""Where a client sends nothing, and what ends an account, against a small server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_leads.rest.errors import (
    AccountClosedError,
    ForeignLinkError,
    PermanentError,
)
from tap_leads.rest.rate_limiter import RateLimiter
from tests.unit.rest.support import (
    LEADS,
    SECRET,
    Exchange,
    FakeClock,
    Recorder,
    client_for,
    get,
    leads,
    quick_limiter,
    scripted,
    serving,
    status,
)

if TYPE_CHECKING:
    from collections.abc import Callable


# Where the token may go


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_on_the_same_origin_is_followed_with_the_token(code: int) -> None:
    observer = Recorder()
    with serving(scripted(status(code, Location="/moved?page=2"))) as server:
        assert get(client_for(server.url), server.url, observer, page=1) == LEADS
    assert [seen.path for seen in server.journal] == ["/?page=1", "/moved?page=2"]
    assert all(seen.headers["X-API-KEY"] == SECRET for seen in server.journal)
    assert observer.statuses == [code, 200]


def test_redirects_without_end_are_given_up() -> None:
    with serving(status(302, Location="/again")) as server:
        with pytest.raises(PermanentError, match="the API redirects in a loop"):
            get(client_for(server.url), server.url)
        assert len(server.journal) == 6


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_origin_is_refused_and_the_token_stays_here(code: int) -> None:
    with serving(leads) as elsewhere, serving(status(code, Location=elsewhere.url)) as server:
        with pytest.raises(PermanentError, match=r"to another host.* Check `crm\.api_url`"):
            get(client_for(server.url), server.url)
        assert len(server.journal) == 1
        assert elsewhere.journal == []


@pytest.mark.parametrize("location", ["http://[", "//", ""])
def test_a_redirect_to_no_url_is_refused(location: str) -> None:
    with serving(status(302, Location=location)) as server, pytest.raises(PermanentError):
        get(client_for(server.url), server.url)


def test_a_link_to_another_origin_is_refused_and_the_token_stays_here() -> None:
    with serving(leads) as elsewhere, serving(leads) as server:
        with pytest.raises(ForeignLinkError, match="another host"):
            get(client_for(server.url), f"{elsewhere.url}/next")
        assert elsewhere.journal == server.journal == []


# Errors that end the account


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (status(401), "the API rejected `crm.api_key` (HTTP 401). It is incomplete"),
        (
            status(402),
            "the API reports that the account's subscription or trial",
        ),
        (status(403, b"<p>", Content_Type="text/html"), "the API blocks this IP address"),
    ],
)
def test_a_fatal_status_ends_the_account_and_nothing_more_is_sent(
    fault: Callable[[Exchange], None], message: str
) -> None:
    with serving(fault) as server:
        client = client_for(server.url)
        with pytest.raises(PermanentError) as first:
            get(client, server.url)
        assert client.failure == str(first.value)
        assert client.failure.startswith(message)
        later = []
        for _ in range(2):
            with pytest.raises(AccountClosedError) as raised:
                get(client, server.url)
            later.append(raised.value)
    assert len(server.journal) == 1
    assert later[0] is not later[1]
    assert {str(error) for error in later} == {client.failure}


@pytest.mark.parametrize("code", [400, 403, 404, 418])
def test_another_status_ends_its_call_alone(code: int) -> None:
    with serving(scripted(status(code))) as server:
        client = client_for(server.url)
        with pytest.raises(PermanentError) as raised:
            get(client, server.url)
        assert raised.value.status == code
        assert client.failure is None
        assert get(client, server.url) == LEADS


def test_a_request_that_waits_for_its_turn_is_not_sent_once_the_account_has_ended() -> None:
    clock = FakeClock()
    limiter = RateLimiter(1, clock)
    limiter.acquire()
    limiter.acquire()

    def close() -> None:
        client.failure = "ended meanwhile"

    with serving(leads) as server:
        client = client_for(server.url, limiter=limiter)
        clock.after(0.5, close)
        with pytest.raises(AccountClosedError, match="ended meanwhile"):
            get(client, server.url)
    assert server.journal == []


def test_twenty_429s_in_a_row_end_the_account() -> None:
    with serving(status(429)) as server:
        client = client_for(server.url, limiter=quick_limiter(), max_tries=100)
        with pytest.raises(PermanentError, match=r"rejected 20 requests in a row \(HTTP 429\)"):
            get(client, server.url)
        with pytest.raises(AccountClosedError):
            get(client, server.url)
    assert len(server.journal) == 20


def test_429s_with_another_answer_between_them_end_nothing() -> None:
    refused = [status(429)] * 19
    with serving(scripted(*refused, status(500), *refused)) as server:
        client = client_for(server.url, limiter=quick_limiter(), max_tries=100)
        assert get(client, server.url) == LEADS


def test_a_429_slows_down_every_account_that_shares_the_limiter() -> None:
    clock = FakeClock()
    limiter = RateLimiter(10_000, clock)
    with serving(scripted(status(429, Retry_After="0.1"))) as server:
        north, south = (client_for(server.url, limiter=limiter) for _ in range(2))
        refused, other = Recorder(), Recorder()
        get(north, server.url, refused)
        get(south, server.url, other)
    assert refused.throttled == [0.0, pytest.approx(1)]
    assert other.throttled[0] > 2 / 10_000
