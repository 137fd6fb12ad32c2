"""Tokens that the tap renews, against a token endpoint in memory."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tap_leads.errors import LeadsError
from tap_leads.rest.auth import token_auth
from tap_leads.rest.auth.oauth import OAuth
from tap_leads.rest.auth.token import LongLivedToken
from tap_leads.rest.errors import CredentialError, TransientError
from tests.unit.rest.oauth import (
    CLIENT,
    DAY,
    NOW,
    REFUSALS,
    URL,
    Endpoint,
    accepted,
    oauth,
    rejected,
    response,
)

if TYPE_CHECKING:
    from tap_leads.rest.http import Response
    from tests.unit.rest.places import Place
    from tests.unit.rest.support import FakeClock


def test_the_first_run_exchanges_the_code_and_later_ones_use_what_it_gave(
    place: Place, clock: FakeClock
) -> None:
    endpoint = Endpoint("code")
    for _ in range(3):
        auth = oauth(place, clock, code="code")
        assert auth.headers(endpoint) == {"Authorization": "Bearer access1"}
    assert endpoint.posts == [{**CLIENT, "grant_type": "authorization_code", "code": "code"}]


@pytest.mark.parametrize("name", ["code", "refresh_token"])
def test_what_the_settings_began_with_is_ignored_for_as_long_as_it_stays_there(
    place: Place, clock: FakeClock, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.fsync", lambda _: None)  # 250 renewals need no disk
    endpoint = Endpoint("first")
    for _ in range(250):
        oauth(place, clock, **{name: "first"}).headers(endpoint)
        clock.sleep(DAY)
    assert [post.get(name) for post in endpoint.posts].count("first") == 1
    assert len(endpoint.posts) == 250
    assert len(place.held["spent"]) <= 201


def test_a_token_is_renewed_before_it_expires(place: Place, clock: FakeClock) -> None:
    endpoint = Endpoint("code")
    auth = oauth(place, clock, code="code")
    auth.headers(endpoint)
    clock.sleep(DAY - 61)
    auth.headers(endpoint)
    assert len(endpoint.posts) == 1
    clock.sleep(1)
    assert auth.headers(endpoint) == {"Authorization": "Bearer access2"}
    assert endpoint.posts[1]["refresh_token"] == "refresh1"


@pytest.mark.parametrize("expires_in", [None, 0, -5])
def test_a_token_without_a_life_is_taken_to_last_a_day(
    place: Place, clock: FakeClock, expires_in: float | None
) -> None:
    endpoint = Endpoint("code")
    endpoint.expires_in = expires_in
    oauth(place, clock, code="code").headers(endpoint)
    assert place.held["expires_at"] == NOW + DAY


def test_a_rejected_token_is_renewed(place: Place, clock: FakeClock) -> None:
    endpoint = Endpoint("code")
    auth = accepted(place, clock, endpoint)
    assert rejected(auth, endpoint)
    assert auth.headers(endpoint) == {"Authorization": "Bearer access2"}


def test_threads_whose_token_is_rejected_together_renew_it_once(
    place: Place, clock: FakeClock
) -> None:
    endpoint = Endpoint("code")
    auth = accepted(place, clock, endpoint)
    sent = [auth.headers(endpoint) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        tried = pool.map(lambda each: auth.renew_if_rejected(response(401), each, endpoint), sent)
        assert list(tried) == [True] * 8
    assert len(endpoint.posts) == 2


def test_tokens_that_another_program_has_renewed_are_used(place: Place, clock: FakeClock) -> None:
    endpoint = Endpoint("code")
    mine, other = (oauth(place, clock, code="code") for _ in range(2))
    mine.headers(endpoint)
    other.headers(endpoint)
    assert rejected(other, endpoint)
    before = len(endpoint.posts)
    assert rejected(mine, endpoint)
    assert len(endpoint.posts) == before
    assert mine.headers(endpoint) == other.headers(endpoint)


def test_a_file_that_is_deleted_during_the_run_is_written_again(
    place: Place, clock: FakeClock
) -> None:
    endpoint = Endpoint("code")
    auth = oauth(place, clock, code="code")
    auth.headers(endpoint)
    place.delete()
    clock.sleep(DAY)
    auth.headers(endpoint)
    assert place.held["access_token"] == "access2"


def test_new_tokens_are_on_the_disk_before_they_are_used(place: Place, clock: FakeClock) -> None:
    endpoint = Endpoint("code")
    auth = accepted(place, clock, endpoint)
    before = place.held
    place.block()
    with pytest.raises(CredentialError, match="cannot be written"):
        rejected(auth, endpoint)
    assert len(endpoint.posts) == 1
    assert place.held == before


def test_a_new_code_wins_over_the_file(place: Place, clock: FakeClock) -> None:
    endpoint = Endpoint("code", "new")
    oauth(place, clock, code="code").headers(endpoint)
    auth = oauth(place, clock, code="new")
    assert auth.headers(endpoint) == {"Authorization": "Bearer access2"}


@pytest.mark.parametrize(
    "fault",
    [TransientError("503: down", status=503), response(200, ["odd"]), response(200, {"a": 1})],
)
def test_a_fault_that_passes_costs_no_token(
    place: Place, clock: FakeClock, fault: Response | Exception
) -> None:
    endpoint = Endpoint("code")
    auth = accepted(place, clock, endpoint)
    before = place.held
    endpoint.faults.append(fault)
    with pytest.raises(TransientError):
        rejected(auth, endpoint)
    assert place.held == before
    clock.sleep(DAY)
    assert auth.headers(endpoint) == {"Authorization": "Bearer access3"}


def test_an_exchange_runs_where_the_end_of_the_run_waits_for_it(
    place: Place, clock: FakeClock
) -> None:
    endpoint = Endpoint("code")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(oauth(place, clock, code="code").headers, endpoint).result()
    (thread,) = endpoint.threads
    assert thread is not threading.main_thread()
    assert not thread.daemon


def test_an_account_has_a_long_lived_token_or_oauth(place: Place, clock: FakeClock) -> None:
    both = {"refusals": REFUSALS, "clock": clock}
    fixed = token_auth("crm", "acme", {"access_token": "abc"}, URL, **both)  # type: ignore[arg-type]
    assert isinstance(fixed, LongLivedToken)
    settings = {"oauth": {**CLIENT, "code": "code", **place.setting}}
    renewed = token_auth("crm", "acme", settings, URL, refusals=REFUSALS, clock=clock)
    assert isinstance(renewed, OAuth)
    renewed.headers(Endpoint("code"))
    assert place.held["access_token"] == "access1"


def test_every_error_of_tokens_is_one_line(place: Place, clock: FakeClock) -> None:
    place.spoil()
    with pytest.raises(LeadsError) as raised:
        oauth(place, clock, code="code").headers(Endpoint("code"))
    assert "\n" not in str(raised.value)
