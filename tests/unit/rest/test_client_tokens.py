"""How a client renews tokens and has them tried, against a small server on this machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar

import pytest
from typing_extensions import override

from tap_leads.rest.auth.token import HeaderToken, bearer
from tap_leads.rest.errors import (
    AccountClosedError,
    CredentialError,
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
    hang_up,
    leads,
    quick_limiter,
    scripted,
    serving,
    status,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_leads.rest.auth.token import TokenEndpoint
    from tap_leads.rest.client import Request, Response


class Renewable:
    """An `Auth` whose token is rejected until it was renewed."""

    def __init__(self, renewals: int) -> None:
        self.renewals = renewals
        self.token = 0
        self.checked = 0

    def headers(self, endpoint: TokenEndpoint) -> dict[str, str]:  # noqa: ARG002
        self.checked += 1
        return bearer(str(self.token))

    def renew_if_rejected(
        self, response: Response, sent: Mapping[str, str], endpoint: TokenEndpoint
    ) -> bool:
        assert sent == bearer(str(self.token))
        if response.status != 401 or self.token == self.renewals:
            return False
        self.token = int(endpoint.post(f"{self.url}/token", {"renew": "yes"}).body)
        return True

    def record_no_answer(self, sent: Mapping[str, str]) -> None:
        raise AssertionError(sent)

    url = ""
    is_on_trial = False


def guarded(exchange: Exchange) -> None:
    """Accept token 2 and later ones, and renew any token."""
    if exchange.command == "POST":
        exchange.answer(len([s for s in exchange.server.journal if s.path == "/token"]))
    elif exchange.headers["Authorization"] >= "Bearer 2":
        exchange.answer(LEADS)
    else:
        exchange.answer(status=401)


def test_a_rejected_token_is_renewed_and_the_request_sent_again() -> None:
    auth, observer = Renewable(5), Recorder()
    with serving(guarded) as server:
        auth.url = server.url
        assert get(client_for(server.url, auth=auth), server.url, observer) == LEADS
    assert [seen.path for seen in server.journal] == ["/", "/token", "/", "/token", "/"]
    assert "Authorization" not in server.journal[1].headers
    assert json.loads(server.journal[1].content) == {"renew": "yes"}
    assert auth.checked == 3
    assert observer.retries == []
    assert observer.statuses == [401, 200, 401, 200, 200]


@pytest.mark.parametrize("on_trial", [True, False])
def test_every_response_is_shown_to_an_auth_whose_token_is_on_trial(*, on_trial: bool) -> None:
    class Watching(HeaderToken):
        is_on_trial = on_trial
        statuses: ClassVar[list[int]] = []

        @override
        def renew_if_rejected(
            self, response: Response, sent: Mapping[str, str], endpoint: TokenEndpoint
        ) -> bool:
            self.statuses.append(response.status)
            return False

    auth = Watching("X-API-KEY", SECRET)
    with serving(scripted(status(503))) as server:
        assert get(client_for(server.url, auth=auth), server.url) == LEADS
    assert auth.statuses == ([503, 200] if on_trial else [])


def test_a_token_that_stays_rejected_ends_the_account() -> None:
    auth = Renewable(1)
    with serving(guarded) as server:
        auth.url = server.url
        client = client_for(server.url, auth=auth)
        with pytest.raises(PermanentError, match=r"\(HTTP 401\)"):
            get(client, server.url)
        assert client.failure is not None


@pytest.mark.parametrize("code", [302, 402, 403, 404])
def test_a_token_endpoint_that_refuses_for_good_ends_the_account(code: int) -> None:
    auth = Renewable(5)

    def respond(exchange: Exchange) -> None:
        is_post = exchange.command == "POST"
        exchange.answer(None, code if is_post else 401, Location="/elsewhere")

    with serving(respond) as server:
        auth.url = server.url
        client = client_for(server.url, auth=auth)
        with pytest.raises(CredentialError, match=rf"^the API issued no tokens: .*HTTP {code}"):
            get(client, server.url)
        assert client.failure is not None
        assert len(server.journal) == 2


def test_a_token_endpoint_that_fails_by_chance_is_retried() -> None:
    auth = Renewable(5)
    failures = iter([503, 429])

    def respond(exchange: Exchange) -> None:
        code = next(failures, 0) if exchange.command == "POST" else 0
        if code:
            exchange.answer(status=code)
        else:
            guarded(exchange)

    with serving(respond) as server:
        auth.url = server.url
        client = client_for(server.url, auth=auth, limiter=quick_limiter())
        assert get(client, server.url) == LEADS
    assert [seen.path for seen in server.journal] == [
        "/",
        "/token",
        "/",
        "/token",
        "/",
        "/token",
        "/",
    ]


class Counting(HeaderToken):
    """A credential that counts the requests which are begun, and those that get no response."""

    def __init__(self) -> None:
        super().__init__("X-API-KEY", SECRET)
        self.begun = 0
        self.unanswered: list[Mapping[str, str]] = []

    @override
    def headers(self, endpoint: TokenEndpoint) -> dict[str, str]:
        self.begun += 1
        return super().headers(endpoint)

    @override
    def record_no_answer(self, sent: Mapping[str, str]) -> None:
        self.unanswered.append(sent)


def test_an_auth_is_shown_each_request_that_gets_no_response() -> None:
    auth = Counting()
    moved = status(302, Location="/moved")
    with serving(scripted(hang_up, status(503), moved, hang_up)) as server:
        assert get(client_for(server.url, auth=auth), server.url) == LEADS
    assert auth.begun == 4
    assert auth.unanswered == [{"X-API-KEY": SECRET}] * 2


def test_an_auth_is_shown_a_request_that_is_not_sent_because_its_account_has_ended() -> None:
    auth, clock = Counting(), FakeClock()
    limiter = RateLimiter(1, clock)
    limiter.acquire()
    limiter.acquire()

    def close() -> None:
        client.failure = "ended meanwhile"

    with serving(leads) as server:
        client = client_for(server.url, limiter=limiter, auth=auth)
        clock.after(0.5, close)
        for _ in range(2):  # the second one is not even begun
            with pytest.raises(AccountClosedError, match="ended meanwhile"):
                get(client, server.url)
    assert server.journal == []
    assert (auth.begun, len(auth.unanswered)) == (1, 1)


def test_an_auth_is_shown_a_request_that_cannot_be_built_or_may_not_be_sent() -> None:
    auth = Counting()

    def build() -> Request:
        raise KeyError

    with serving(leads) as server:
        client = client_for(server.url, auth=auth)
        with pytest.raises(ForeignLinkError):
            get(client, "http://other.test/next")
        with pytest.raises(KeyError):
            client.call(build, lambda response: response, observer=Recorder())
    assert (auth.begun, len(auth.unanswered)) == (2, 2)
