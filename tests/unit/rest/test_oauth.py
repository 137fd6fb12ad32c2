"""Tokens that the tap renews, against a token endpoint in memory."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tap_leads.errors import LeadsError
from tap_leads.rest.auth import token_auth
from tap_leads.rest.auth.oauth import OAuth
from tap_leads.rest.auth.token import LongLivedToken
from tap_leads.rest.auth.token_store import token_file
from tap_leads.rest.errors import CredentialError, TransientError
from tap_leads.rest.http import Response
from tests.unit.rest.support import FakeClock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

URL = "http://crm.test/token"
CLIENT = {"client_id": "id", "client_secret": "secret", "redirect_uri": "https://me.test"}
REFUSALS = {"expired": "it has expired", "client": "it is of another client"}
DAY = 86_400
NOW = 1_785_585_600.0


class Endpoint:
    """A token endpoint that rotates refresh tokens and refuses what was used before."""

    def __init__(self, *valid: str) -> None:
        self.valid = set(valid)
        self.posts: list[Mapping[str, str]] = []
        self.warnings: list[str] = []
        self.faults: list[Response | Exception] = []
        self.expires_in: float | None = DAY
        self.threads: list[threading.Thread] = []

    def acquire(self) -> None:
        pass

    def post(self, url: str, content: Mapping[str, str]) -> Response:
        assert url == URL
        self.posts.append(content)
        self.threads.append(threading.current_thread())
        if self.faults:
            fault = self.faults.pop(0)
            if isinstance(fault, Exception):
                raise fault
            return fault
        value = content.get("code", "") + content.get("refresh_token", "")
        if value not in self.valid:
            return response(401, {"hint": "wrong", "sent": value})
        self.valid.remove(value)
        number = len(self.posts)
        self.valid.add(f"refresh{number}")
        grant = {"access_token": f"access{number}", "refresh_token": f"refresh{number}"}
        return response(200, grant | ({"expires_in": self.expires_in} if self.expires_in else {}))

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def response(status: int, body: Any = None) -> Response:
    return Response(status, {}, json.dumps(body).encode(), URL)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "acme.json"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


def oauth(path: Path, clock: FakeClock, **consent: str) -> OAuth:
    """Return what a run would begin with."""
    return OAuth(
        "crm.oauth",
        {**CLIENT, **consent},
        url=URL,
        file=token_file("crm", "acme", str(path)),
        refusals=REFUSALS,
        clock=clock,
    )


def accepted(path: Path, clock: FakeClock, endpoint: Endpoint) -> OAuth:
    """Return what a run goes on with whose first request was accepted."""
    auth = oauth(path, clock, code="code")
    assert not auth.renew_if_rejected(response(200), auth.headers(endpoint), endpoint)
    return auth


def rejected(auth: OAuth, endpoint: Endpoint) -> bool:
    """Answer a request that carries the current token with a 401."""
    return auth.renew_if_rejected(response(401), auth.headers(endpoint), endpoint)


def test_the_first_run_exchanges_the_code_and_later_ones_use_what_it_gave(
    path: Path, clock: FakeClock
) -> None:
    endpoint = Endpoint("code")
    for _ in range(3):
        auth = oauth(path, clock, code="code")
        assert auth.headers(endpoint) == {"Authorization": "Bearer access1"}
    assert endpoint.posts == [{**CLIENT, "grant_type": "authorization_code", "code": "code"}]


@pytest.mark.parametrize("name", ["code", "refresh_token"])
def test_what_the_settings_began_with_is_ignored_for_as_long_as_it_stays_there(
    path: Path, clock: FakeClock, name: str
) -> None:
    endpoint = Endpoint("first")
    for _ in range(250):
        oauth(path, clock, **{name: "first"}).headers(endpoint)
        clock.sleep(DAY)
    assert [post.get(name) for post in endpoint.posts].count("first") == 1
    assert len(endpoint.posts) == 250
    assert len(json.loads(path.read_bytes())["spent"]) <= 201


def test_a_token_is_renewed_before_it_expires(path: Path, clock: FakeClock) -> None:
    endpoint = Endpoint("code")
    auth = oauth(path, clock, code="code")
    auth.headers(endpoint)
    clock.sleep(DAY - 61)
    auth.headers(endpoint)
    assert len(endpoint.posts) == 1
    clock.sleep(1)
    assert auth.headers(endpoint) == {"Authorization": "Bearer access2"}
    assert endpoint.posts[1]["refresh_token"] == "refresh1"


@pytest.mark.parametrize("expires_in", [None, 0, -5])
def test_a_token_without_a_life_is_taken_to_last_a_day(
    path: Path, clock: FakeClock, expires_in: float | None
) -> None:
    endpoint = Endpoint("code")
    endpoint.expires_in = expires_in
    oauth(path, clock, code="code").headers(endpoint)
    assert json.loads(path.read_bytes())["expires_at"] == NOW + DAY


def test_a_rejected_token_is_renewed(path: Path, clock: FakeClock) -> None:
    endpoint = Endpoint("code")
    auth = accepted(path, clock, endpoint)
    assert rejected(auth, endpoint)
    assert auth.headers(endpoint) == {"Authorization": "Bearer access2"}


def test_threads_whose_token_is_rejected_together_renew_it_once(
    path: Path, clock: FakeClock
) -> None:
    endpoint = Endpoint("code")
    auth = accepted(path, clock, endpoint)
    sent = [auth.headers(endpoint) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        tried = pool.map(lambda each: auth.renew_if_rejected(response(401), each, endpoint), sent)
        assert list(tried) == [True] * 8
    assert len(endpoint.posts) == 2


def test_tokens_that_another_program_has_renewed_are_used(path: Path, clock: FakeClock) -> None:
    endpoint = Endpoint("code")
    mine, other = (oauth(path, clock, code="code") for _ in range(2))
    mine.headers(endpoint)
    other.headers(endpoint)
    assert rejected(other, endpoint)
    before = len(endpoint.posts)
    assert rejected(mine, endpoint)
    assert len(endpoint.posts) == before
    assert mine.headers(endpoint) == other.headers(endpoint)


def test_a_file_that_is_deleted_during_the_run_is_written_again(
    path: Path, clock: FakeClock
) -> None:
    endpoint = Endpoint("code")
    auth = oauth(path, clock, code="code")
    auth.headers(endpoint)
    path.unlink()
    clock.sleep(DAY)
    auth.headers(endpoint)
    assert json.loads(path.read_bytes())["access_token"] == "access2"


def test_new_tokens_are_on_the_disk_before_they_are_used(path: Path, clock: FakeClock) -> None:
    endpoint = Endpoint("code")
    auth = accepted(path, clock, endpoint)
    before = path.read_bytes()
    path.with_name("acme.json.new").symlink_to(path.parent)
    with pytest.raises(CredentialError, match="cannot be written"):
        rejected(auth, endpoint)
    assert len(endpoint.posts) == 1
    assert path.read_bytes() == before


def test_a_new_code_wins_over_the_file(path: Path, clock: FakeClock) -> None:
    endpoint = Endpoint("code", "new")
    oauth(path, clock, code="code").headers(endpoint)
    auth = oauth(path, clock, code="new")
    assert auth.headers(endpoint) == {"Authorization": "Bearer access2"}


def test_a_new_code_that_is_refused_is_a_warning_and_the_files_tokens_stay_in_use(
    path: Path, clock: FakeClock
) -> None:
    endpoint = Endpoint("code")
    oauth(path, clock, code="code").headers(endpoint)
    auth = oauth(path, clock, code="mistyped")
    assert auth.headers(endpoint) == {"Authorization": "Bearer access1"}
    (warning,) = endpoint.warnings
    assert warning.startswith("the API rejected `crm.oauth.code` (401: it is invalid or already ")
    assert f"continuing with the tokens in {path}" in warning
    assert "mistyped" not in warning


def test_without_a_consent_and_without_a_file_the_error_says_what_to_do(
    path: Path, clock: FakeClock
) -> None:
    with pytest.raises(CredentialError) as raised:
        oauth(path, clock).headers(Endpoint())
    assert str(raised.value) == (
        f"there are no tokens in {path}; authorize the integration, and set "
        "`crm.oauth.code` to its authorization code"
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"error": "Code EXPIRED"}, "it has expired"),
        ({"error": "invalid_client"}, "it is of another client"),
        ({"error": "no"}, "it is invalid or already used, access was revoked, or a response"),
    ],
)
@pytest.mark.parametrize("status", [400, 401])
def test_a_refused_code_is_explained_in_the_words_of_the_source(
    path: Path, clock: FakeClock, status: int, body: dict[str, str], reason: str
) -> None:
    endpoint = Endpoint("code")
    endpoint.faults.append(response(status, body))
    with pytest.raises(CredentialError) as raised:
        oauth(path, clock, code="code").headers(endpoint)
    text = str(raised.value)
    assert text.startswith(f"the API rejected `crm.oauth.code` ({status}: {reason}")
    assert text.endswith(
        "; authorize the integration again, and set `crm.oauth.code` to the new code"
    )


def test_a_refused_refresh_token_is_one_error_for_all_that_follow(
    path: Path, clock: FakeClock
) -> None:
    endpoint = Endpoint("code")
    auth = accepted(path, clock, endpoint)
    endpoint.valid.clear()
    errors = []
    for _ in range(3):
        with pytest.raises(CredentialError) as raised:
            rejected(auth, endpoint)
        errors.append(raised.value)
    assert len(endpoint.posts) == 2
    assert len({str(error) for error in errors}) == 1
    assert len({id(error) for error in errors}) == 3


@pytest.mark.parametrize(
    "fault",
    [TransientError("503: down", status=503), response(200, ["odd"]), response(200, {"a": 1})],
)
def test_a_fault_that_passes_costs_no_token(
    path: Path, clock: FakeClock, fault: Response | Exception
) -> None:
    endpoint = Endpoint("code")
    auth = accepted(path, clock, endpoint)
    before = path.read_bytes()
    endpoint.faults.append(fault)
    with pytest.raises(TransientError):
        rejected(auth, endpoint)
    assert path.read_bytes() == before
    clock.sleep(DAY)
    assert auth.headers(endpoint) == {"Authorization": "Bearer access3"}


def test_new_tokens_are_on_trial_until_a_request_with_them_is_accepted(
    path: Path, clock: FakeClock
) -> None:
    endpoint = Endpoint("code")
    auth = oauth(path, clock, code="code")
    on_trial = [auth.is_on_trial]
    sent = auth.headers(endpoint)
    on_trial.append(auth.is_on_trial)
    assert not auth.renew_if_rejected(response(200), sent, endpoint)
    on_trial.append(auth.is_on_trial)
    assert on_trial == [False, True, False]


def test_tokens_that_are_rejected_as_soon_as_they_are_issued_end_the_account(
    path: Path, clock: FakeClock
) -> None:
    endpoint = Endpoint("code")
    auth = oauth(path, clock, code="code")
    with pytest.raises(CredentialError, match="rejected the token that it just issued"):
        rejected(auth, endpoint)
    assert len(endpoint.posts) == 1


def test_requests_without_a_response_are_no_reason_to_renew_a_token_that_is_rejected(
    path: Path, clock: FakeClock
) -> None:
    endpoint = Endpoint("code")
    auth = oauth(path, clock, code="code")
    for _ in range(3):
        auth.record_no_answer(auth.headers(endpoint))
    assert auth.is_on_trial
    with pytest.raises(CredentialError, match="rejected the token that it just issued"):
        rejected(auth, endpoint)
    assert len(endpoint.posts) == 1


def test_a_request_without_a_response_is_not_counted_for_a_later_token(
    path: Path, clock: FakeClock
) -> None:
    endpoint = Endpoint("code")
    auth = oauth(path, clock, code="code")
    unanswered = auth.headers(endpoint)
    assert rejected(auth, endpoint)
    auth.headers(endpoint)  # a request that stays under way
    auth.record_no_answer(unanswered)
    assert rejected(auth, endpoint)
    assert len(endpoint.posts) == 3


def test_tokens_that_are_rejected_while_others_are_under_way_are_renewed_three_times_at_most(
    path: Path, clock: FakeClock
) -> None:
    endpoint = Endpoint("code")
    auth = oauth(path, clock, code="code")
    for _ in range(2):
        auth.headers(endpoint)  # a request that stays under way
        assert rejected(auth, endpoint)
    auth.headers(endpoint)
    with pytest.raises(CredentialError, match="rejected the token"):
        rejected(auth, endpoint)
    assert len(endpoint.posts) == 3


def test_an_exchange_runs_where_the_end_of_the_run_waits_for_it(
    path: Path, clock: FakeClock
) -> None:
    endpoint = Endpoint("code")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(oauth(path, clock, code="code").headers, endpoint).result()
    (thread,) = endpoint.threads
    assert thread is not threading.main_thread()
    assert not thread.daemon


def test_an_account_has_a_long_lived_token_or_oauth(path: Path, clock: FakeClock) -> None:
    both = {"refusals": REFUSALS, "clock": clock}
    fixed = token_auth("crm", "acme", {"access_token": "abc"}, URL, **both)  # type: ignore[arg-type]
    assert isinstance(fixed, LongLivedToken)
    settings = {"oauth": {**CLIENT, "code": "code", "token_file": str(path)}}
    renewed = token_auth("crm", "acme", settings, URL, refusals=REFUSALS, clock=clock)
    assert isinstance(renewed, OAuth)
    renewed.headers(Endpoint("code"))
    assert path.exists()


def test_every_error_of_tokens_is_one_line(path: Path, clock: FakeClock) -> None:
    path.write_bytes(b"{}")
    with pytest.raises(LeadsError) as raised:
        oauth(path, clock, code="code").headers(Endpoint("code"))
    assert "\n" not in str(raised.value)
