"""Codes, refresh tokens and new tokens that the API rejects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_leads.rest.errors import CredentialError
from tests.support.logs import uncoded
from tests.unit.rest.oauth import Endpoint, accepted, oauth, rejected, response

if TYPE_CHECKING:
    from tests.unit.rest.places import Place
    from tests.unit.rest.support import FakeClock


def test_a_new_code_that_is_refused_is_a_warning_and_the_files_tokens_stay_in_use(
    place: Place, clock: FakeClock
) -> None:
    endpoint = Endpoint("code")
    oauth(place, clock, code="code").headers(endpoint)
    auth = oauth(place, clock, code="mistyped")
    assert auth.headers(endpoint) == {"Authorization": "Bearer access1"}
    (warning,) = endpoint.warnings
    assert warning.startswith("the API rejected `crm.oauth.code` (401: it is invalid or already ")
    assert f"continuing with the tokens in {place.store().place}" in warning
    assert "mistyped" not in warning


def test_without_a_consent_and_without_a_file_the_error_says_what_to_do(
    place: Place, clock: FakeClock
) -> None:
    with pytest.raises(CredentialError) as raised:
        oauth(place, clock).headers(Endpoint())
    assert uncoded(str(raised.value)) == (
        f"there are no tokens in {place.store().place}; authorize the integration, and set "
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
    place: Place, clock: FakeClock, status: int, body: dict[str, str], reason: str
) -> None:
    endpoint = Endpoint("code")
    endpoint.faults.append(response(status, body))
    with pytest.raises(CredentialError) as raised:
        oauth(place, clock, code="code").headers(endpoint)
    text = uncoded(str(raised.value))
    assert text.startswith(f"the API rejected `crm.oauth.code` ({status}: {reason}")
    assert text.endswith(
        "; authorize the integration again, and set `crm.oauth.code` to the new code"
    )


def test_a_refused_refresh_token_is_one_error_for_all_that_follow(
    place: Place, clock: FakeClock
) -> None:
    endpoint = Endpoint("code")
    auth = accepted(place, clock, endpoint)
    endpoint.valid.clear()
    errors = []
    for _ in range(3):
        with pytest.raises(CredentialError) as raised:
            rejected(auth, endpoint)
        errors.append(raised.value)
    assert len(endpoint.posts) == 2
    assert len({str(error) for error in errors}) == 1
    assert len({id(error) for error in errors}) == 3


def test_new_tokens_are_on_trial_until_a_request_with_them_is_accepted(
    place: Place, clock: FakeClock
) -> None:
    endpoint = Endpoint("code")
    auth = oauth(place, clock, code="code")
    on_trial = [auth.is_on_trial]
    sent = auth.headers(endpoint)
    on_trial.append(auth.is_on_trial)
    assert not auth.renew_if_rejected(response(200), sent, endpoint)
    on_trial.append(auth.is_on_trial)
    assert on_trial == [False, True, False]


def test_tokens_that_are_rejected_as_soon_as_they_are_issued_end_the_account(
    place: Place, clock: FakeClock
) -> None:
    endpoint = Endpoint("code")
    auth = oauth(place, clock, code="code")
    with pytest.raises(CredentialError, match="rejected the token that it just issued"):
        rejected(auth, endpoint)
    assert len(endpoint.posts) == 1


def test_requests_without_a_response_are_no_reason_to_renew_a_token_that_is_rejected(
    place: Place, clock: FakeClock
) -> None:
    endpoint = Endpoint("code")
    auth = oauth(place, clock, code="code")
    for _ in range(3):
        auth.record_no_answer(auth.headers(endpoint))
    assert auth.is_on_trial
    with pytest.raises(CredentialError, match="rejected the token that it just issued"):
        rejected(auth, endpoint)
    assert len(endpoint.posts) == 1


def test_a_request_without_a_response_is_not_counted_for_a_later_token(
    place: Place, clock: FakeClock
) -> None:
    endpoint = Endpoint("code")
    auth = oauth(place, clock, code="code")
    unanswered = auth.headers(endpoint)
    assert rejected(auth, endpoint)
    auth.headers(endpoint)  # a request that stays under way
    auth.record_no_answer(unanswered)
    assert rejected(auth, endpoint)
    assert len(endpoint.posts) == 3


def test_tokens_that_are_rejected_while_others_are_under_way_are_renewed_three_times_at_most(
    place: Place, clock: FakeClock
) -> None:
    endpoint = Endpoint("code")
    auth = oauth(place, clock, code="code")
    for _ in range(2):
        auth.headers(endpoint)  # a request that stays under way
        assert rejected(auth, endpoint)
    auth.headers(endpoint)
    with pytest.raises(CredentialError, match="rejected the token"):
        rejected(auth, endpoint)
    assert len(endpoint.posts) == 3
