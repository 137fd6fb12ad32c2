"""The sandbox's token endpoint issues, rotates and revokes tokens as Kommo's does."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.sandbox.client import NOON, ask

if TYPE_CHECKING:
    from sandbox.kommo.api import Kommo


def post(api: Kommo, grant: str, value: str, **others: Any) -> requests.Response:
    body = {
        "client_id": api.oauth.client_id,
        "client_secret": api.oauth.client_secret,
        "redirect_uri": api.oauth.redirect_uri,
        "grant_type": grant,
        "code" if grant == "authorization_code" else "refresh_token": value,
        **others,
    }
    return requests.post(f"{api.url}/oauth2/access_token", json=body, timeout=10)


def refreshed(api: Kommo, token: str) -> dict[str, Any]:
    response = post(api, "refresh_token", token)
    assert response.status_code == 200, response.text
    content: dict[str, Any] = response.json()
    return content


def status(api: Kommo, token: str) -> int:
    return ask(api, "leads", token=token).status_code


def claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return found


def test_a_code_is_exchanged_once_for_a_pair_of_tokens(kommo: Kommo) -> None:
    code = kommo.oauth.consent()
    given = post(kommo, "authorization_code", code).json()
    assert given.keys() == {
        "token_type", "expires_in", "server_time", "access_token", "refresh_token",
    }  # fmt: skip
    assert (given["token_type"], given["expires_in"]) == ("Bearer", 86_400)
    assert claims(given["access_token"])["exp"] == pytest.approx(NOON + 86_400, abs=60)
    assert status(kommo, given["access_token"]) == 200
    again = post(kommo, "authorization_code", code)
    assert again.status_code == 400
    assert again.json()["hint"] == "Authorization code has been revoked"


def test_a_code_lives_for_twenty_minutes(kommo: Kommo) -> None:
    code = kommo.oauth.consent()
    kommo.clock.advance(20 * 60)
    assert post(kommo, "authorization_code", code).status_code == 400


def test_a_used_refresh_token_is_good_until_what_it_gave_is_used(kommo: Kommo) -> None:
    first = kommo.oauth.issue().refresh_token
    lost = refreshed(kommo, first)
    kept = refreshed(kommo, first)
    assert kept["refresh_token"] != lost["refresh_token"]
    assert status(kommo, kept["access_token"]) == 200
    refused = post(kommo, "refresh_token", first)
    assert refused.status_code == 401
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json() == {
        "hint": "Token has been revoked",
        "title": "Bad request",
        "type": "https://developers.amocrm.ru/v3/errors/OAuthProblemJson",
        "status": 401,
        "detail": "Parameters are missing or invalid",
    }


def test_the_use_of_the_new_refresh_token_ends_the_old_one_too(kommo: Kommo) -> None:
    first = kommo.oauth.issue().refresh_token
    refreshed(kommo, refreshed(kommo, first)["refresh_token"])
    assert post(kommo, "refresh_token", first).status_code == 401


def test_a_strict_account_takes_each_refresh_token_once(kommo: Kommo) -> None:
    kommo.options.rotation = "strict"
    first = kommo.oauth.issue().refresh_token
    given = refreshed(kommo, first)
    assert post(kommo, "refresh_token", first).status_code == 401
    assert status(kommo, given["access_token"]) == 200


def test_access_tokens_expire_by_the_clock_or_on_demand(kommo: Kommo) -> None:
    kommo.options.token_lifetime = 100
    pair = kommo.oauth.issue()
    assert status(kommo, pair.access_token) == 200
    kommo.clock.advance(101)
    assert status(kommo, pair.access_token) == 401
    given = refreshed(kommo, pair.refresh_token)
    assert given["expires_in"] == 100
    kommo.oauth.expire()
    assert status(kommo, given["access_token"]) == 401
    assert status(kommo, kommo.token) == 200
    assert refreshed(kommo, given["refresh_token"])


def test_a_refresh_token_is_lost_after_three_months_without_use(kommo: Kommo) -> None:
    pair = kommo.oauth.issue()
    kommo.clock.advance(91 * 86_400)
    refused = post(kommo, "refresh_token", pair.refresh_token)
    assert (refused.status_code, refused.json()["hint"]) == (401, "Token has expired")


def test_revoking_leaves_no_token_good(kommo: Kommo) -> None:
    pair, code = kommo.oauth.issue(), kommo.oauth.consent()
    kommo.oauth.revoke()
    assert status(kommo, kommo.token) == 401
    assert status(kommo, pair.access_token) == 401
    refused = post(kommo, "refresh_token", pair.refresh_token)
    assert (refused.status_code, refused.json()["hint"]) == (401, "Token has been revoked")
    assert post(kommo, "authorization_code", code).status_code == 400


def test_a_long_lived_token_expires_when_it_says(kommo: Kommo) -> None:
    token = kommo.oauth.long_lived(exp=int(NOON) + 500)
    assert claims(token)["exp"] == int(NOON) + 500
    assert status(kommo, token) == 200
    kommo.clock.advance(501)
    assert status(kommo, token) == 401


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"client_secret": "x"}, 401),
        ({"client_id": "x"}, 401),
        ({"redirect_uri": "https://example.org"}, 400),
        ({"redirect_uri": None}, 400),
        ({"grant_type": "password"}, 400),
        ({"refresh_token": "x"}, 401),
    ],
)
def test_what_is_wrong_in_a_token_request_is_refused(
    kommo: Kommo, wrong: dict[str, Any], code: int
) -> None:
    pair = kommo.oauth.issue()
    refused = post(kommo, "refresh_token", pair.refresh_token, **wrong)
    assert refused.status_code == code
    assert refused.json()["hint"]
    assert refreshed(kommo, pair.refresh_token)


def test_the_token_endpoint_takes_json_by_post_and_nothing_else(kommo: Kommo) -> None:
    url = f"{kommo.url}/oauth2/access_token"
    assert requests.post(url, data="grant_type=refresh_token", timeout=10).status_code == 400
    assert requests.get(url, timeout=10).status_code == 405


def test_a_lost_reply_has_been_carried_out_and_a_reset_has_not(kommo: Kommo) -> None:
    kommo.options.rotation = "strict"
    pair = kommo.oauth.issue()
    kommo.oauth.faults.plan("reset", "lost_reply", 503)
    for _ in range(2):
        with pytest.raises(requests.ConnectionError):
            post(kommo, "refresh_token", pair.refresh_token)
    assert post(kommo, "refresh_token", pair.refresh_token).status_code == 503
    assert post(kommo, "refresh_token", pair.refresh_token).status_code == 401


def test_faults_of_lists_and_of_tokens_are_apart(kommo: Kommo) -> None:
    kommo.faults.plan(503)
    refreshed(kommo, kommo.oauth.issue().refresh_token)
    assert ask(kommo, "leads").status_code == 503


def test_the_errors_can_be_in_russian_as_on_amocrm(kommo: Kommo) -> None:
    kommo.options.localised = True
    assert post(kommo, "refresh_token", "x").json()["title"] == "Некорректный запрос"


def test_the_journal_keeps_token_requests_without_showing_secrets(kommo: Kommo) -> None:
    pair = kommo.oauth.issue()
    refreshed(kommo, pair.refresh_token)
    (request,) = kommo.journal
    assert (request.method, request.path, request.status) == ("POST", "/oauth2/access_token", 200)
    assert json.loads(request.body)["refresh_token"] == pair.refresh_token
    assert pair.refresh_token not in repr(request)
