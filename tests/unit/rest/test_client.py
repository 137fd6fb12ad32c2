"""A client against a small server on this machine."""

from __future__ import annotations

import gzip
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from typing_extensions import override

from tap_leads.errors import LeadsError
from tap_leads.rest.auth.token import HeaderToken, LongLivedToken, bearer
from tap_leads.rest.client import Request, Response
from tap_leads.rest.errors import (
    AccountClosedError,
    AnswerError,
    CredentialError,
    ForeignLinkError,
    TransientError,
)
from tap_leads.rest.rate_limiter import RateLimiter
from tap_leads.rest.retry import RetryPolicy
from tap_leads.timestamps import SECOND
from tests.unit.rest.support import (
    SECRET,
    Exchange,
    FakeClock,
    NoJitter,
    Recorder,
    client_for,
    get,
    serving,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_leads.rest.auth.token import TokenEndpoint

LEADS = {"leads": [1, 2, 3]}


def leads(exchange: Exchange) -> None:
    exchange.answer(LEADS)


def slow_leads(exchange: Exchange) -> None:
    time.sleep(0.03)
    exchange.answer(LEADS)


def scripted(*script: Callable[[Exchange], None]) -> Callable[[Exchange], None]:
    """Answer the first requests as scripted, and all that follow with leads."""
    steps = iter(script)

    def respond(exchange: Exchange) -> None:
        step = next(steps, leads)
        step(exchange)

    return respond


def status(code: int, body: Any = None, **headers: str) -> Callable[[Exchange], None]:
    return lambda exchange: exchange.answer(body, code, **headers)


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
    assert (response.status, json.loads(response.body)) == (200, LEADS)
    assert len(observer.throttled) == 1
    assert client.has_answered


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


def test_the_servers_clock_is_learned_from_every_response() -> None:
    with serving(leads) as server:
        client = client_for(server.url)
        client.clock.offset = 10**15
        get(client, server.url)
    assert abs(client.clock.offset) < 2 * SECOND


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
    with serving(scripted(status(503, Retry_After="1"))) as server:
        client = client_for(server.url, concurrency=1)
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(get, client, f"{server.url}/first")
            while not server.journal:
                time.sleep(0.005)
            get(client, f"{server.url}/second")
            assert not first.done()
            assert first.result() == LEADS
    assert [seen.path for seen in server.journal] == ["/first", "/second", "/first"]


# Retries


def hang_up(exchange: Exchange) -> None:
    exchange.close_connection = True


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
        (hang_up, "the connection failed"),
        (truncated, "the answer was cut short"),
        (truncated_chunks, "the answer was cut short"),
        (status(500), "500: the API has an internal error; try again later"),
        (status(502, b"<html>", Content_Type="text/html"), "502: the API has an internal error"),
        (status(408), "408: the API took too long"),
        (status(429), "429: too many requests; a lower `requests_per_second` may help"),
    ],
)
def test_transient_errors_are_retried_and_reported(
    fault: Callable[[Exchange], None], message: str
) -> None:
    observer = Recorder()
    with serving(scripted(fault, fault)) as server:
        assert get(client_for(server.url), server.url, observer) == LEADS
    assert [(attempt, wait) for _, attempt, wait in observer.retries] == [(2, 0.0), (3, 0.0)]
    assert all(text.startswith(message) for text, _, _ in observer.retries)
    assert len(server.journal) == 3


def drip(exchange: Exchange) -> None:
    exchange.send_response(200)
    exchange.send_header("Content-Length", "1000")
    exchange.end_headers()
    for _ in range(100):
        exchange.wfile.write(b" ")
        time.sleep(0.05)


def never(exchange: Exchange) -> None:
    time.sleep(3)
    exchange.close_connection = True


@pytest.mark.parametrize("fault", [drip, never])
def test_a_response_that_never_ends_is_a_timeout(fault: Callable[[Exchange], None]) -> None:
    failures: list[TransientError] = []
    began = time.monotonic()
    with serving(scripted(fault)) as server:
        client = client_for(server.url, timeout=0.3)
        result = client.call(
            lambda: Request("GET", server.url),
            lambda response: json.loads(response.body),
            observer=Recorder(),
            on_failure=failures.append,
        )
    assert result == LEADS
    assert time.monotonic() - began < 2
    assert [(str(e), e.is_too_slow) for e in failures] == [
        ("it took longer than request_timeout", True)
    ]


def test_a_redirect_whose_body_drips_is_followed_within_the_timeout() -> None:
    def redirect(exchange: Exchange) -> None:
        exchange.send_response(302)
        exchange.send_header("Location", "/moved")
        exchange.send_header("Content-Length", "1000")
        exchange.end_headers()
        for _ in range(100):
            exchange.wfile.write(b" ")
            time.sleep(0.05)

    began = time.monotonic()
    with serving(scripted(redirect)) as server:
        assert get(client_for(server.url, timeout=0.3), server.url) == LEADS
    assert time.monotonic() - began < 2


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
    assert str(raised.value) == (
        "no answer (the connection failed); look at the network and at `crm.api_url`"
    )
    assert client.failure is None
    assert not client.has_answered


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
        with pytest.raises(TransientError, match="it asks to wait 3600 s"):
            get(client_for(server.url), server.url)
        assert len(server.journal) == 1


# Where the token may go


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_on_the_same_origin_is_followed_with_the_token(code: int) -> None:
    observer = Recorder()
    with serving(scripted(status(code, Location="/moved?page=2"))) as server:
        assert get(client_for(server.url), server.url, observer, page=1) == LEADS
    assert [seen.path for seen in server.journal] == ["/?page=1", "/moved?page=2"]
    assert all(seen.headers["X-API-KEY"] == SECRET for seen in server.journal)
    assert [response.status for response in observer.responses] == [code, 200]
    assert len(observer.throttled) == 2


def test_redirects_without_end_are_given_up() -> None:
    with serving(status(302, Location="/again")) as server:
        with pytest.raises(AnswerError, match="302: the API sends the tap to another address"):
            get(client_for(server.url), server.url)
        assert len(server.journal) == 6


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_origin_is_refused_and_the_token_stays_here(code: int) -> None:
    with serving(leads) as elsewhere, serving(status(code, Location=elsewhere.url)) as server:
        with pytest.raises(AnswerError, match=r"look at `crm\.api_url`"):
            get(client_for(server.url), server.url)
        assert len(server.journal) == 1
        assert elsewhere.journal == []


@pytest.mark.parametrize("location", ["http://[", "//", ""])
def test_a_redirect_to_no_url_is_refused(location: str) -> None:
    with serving(status(302, Location=location)) as server, pytest.raises(AnswerError):
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
        (status(401), "401: the API does not accept the credential; look at `crm.api_key`"),
        (status(402), "402: the account is not paid for"),
        (status(403, b"<p>", Content_Type="text/html"), "403: the API blocks this address"),
    ],
)
def test_a_fatal_status_ends_the_account_and_nothing_more_is_sent(
    fault: Callable[[Exchange], None], message: str
) -> None:
    with serving(fault) as server:
        client = client_for(server.url)
        with pytest.raises(AnswerError) as first:
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
        with pytest.raises(AnswerError) as raised:
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


def quick_limiter() -> RateLimiter:
    """Return a limiter whose pauses take no time."""
    return RateLimiter(10_000, FakeClock())


def test_twenty_429s_in_a_row_end_the_account() -> None:
    with serving(status(429)) as server:
        client = client_for(server.url, limiter=quick_limiter(), max_tries=100)
        with pytest.raises(AnswerError, match=r"refused 20 requests in a row \(429\)"):
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


# Tokens that are renewed


class Renewable:
    """An `Auth` whose token is rejected until it was renewed."""

    def __init__(self, renewals: int) -> None:
        self.renewals = renewals
        self.token = 0
        self.checked = 0

    def ensure_valid(self, _endpoint: TokenEndpoint) -> None:
        self.checked += 1

    def headers(self) -> dict[str, str]:
        return bearer(str(self.token))

    def should_retry(
        self, response: Response, sent: Mapping[str, str], endpoint: TokenEndpoint
    ) -> bool:
        assert sent == bearer(str(self.token))
        if response.status != 401 or self.token == self.renewals:
            return False
        self.token = int(endpoint.post(f"{self.url}/token", {"renew": "yes"}).body)
        return True

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
    assert len(observer.throttled) == 5
    assert [response.status for response in observer.responses] == [401, 401, 200]


@pytest.mark.parametrize("on_trial", [True, False])
def test_every_response_is_shown_to_an_auth_whose_token_is_on_trial(*, on_trial: bool) -> None:
    class Watching(HeaderToken):
        is_on_trial = on_trial
        statuses: ClassVar[list[int]] = []

        @override
        def should_retry(
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
        with pytest.raises(AnswerError, match=r"^401: "):
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
        with pytest.raises(CredentialError, match=f"^the API gives no tokens: {code}: "):
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
