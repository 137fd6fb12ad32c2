"""Tokens that nothing renews: their last day is read from them."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_leads.errors import Code
from tap_leads.rest.auth.token import HeaderToken, LongLivedToken, expiry_of
from tap_leads.rest.errors import CredentialError
from tap_leads.rest.http import Response
from tests.support.logs import uncoded
from tests.unit.rest.support import SECRET, FakeClock

if TYPE_CHECKING:
    from collections.abc import Mapping

DAY = 86_400
EXPIRES = 1_785_585_600  # 2026-08-01


class Endpoint:
    """Keeps warnings, and issues no tokens."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def acquire(self) -> None:
        raise AssertionError

    def post(self, url: str, content: Mapping[str, str]) -> Response:
        raise AssertionError((url, content))

    def warn(self, text: str, code: Code) -> None:
        assert code in Code
        self.warnings.append(text)


def part(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


TOKEN = f"{part({'alg': 'RS256'})}.{part({'exp': EXPIRES, 'aud': SECRET})}.signature"


@pytest.mark.parametrize(
    ("days", "said"), [(13.99, "in 13 days;"), (1.5, "in 1 day;"), (0.5, "in 0 days;")]
)
def test_in_its_last_fourteen_days_one_warning_names_the_last(days: float, said: str) -> None:
    token = LongLivedToken("crm.access_token", TOKEN, FakeClock(EXPIRES - days * DAY))
    endpoint = Endpoint()
    for _ in range(3):
        token.headers(endpoint)
    (warning,) = endpoint.warnings
    assert warning == (
        f"the token in `crm.access_token` expires on 2026-08-01, {said} replace it with a new "
        "token before then"
    )


def test_before_that_there_is_no_warning() -> None:
    endpoint = Endpoint()
    clock = FakeClock(EXPIRES - 14.01 * DAY)
    LongLivedToken("crm.access_token", TOKEN, clock).headers(endpoint)
    assert endpoint.warnings == []


def test_after_it_the_error_names_the_day_and_not_the_token() -> None:
    token = LongLivedToken("crm.access_token", TOKEN, FakeClock(EXPIRES + 60))
    for _ in range(2):
        with pytest.raises(CredentialError) as raised:
            token.headers(Endpoint())
        assert uncoded(str(raised.value)) == (
            "the token in `crm.access_token` expired on 2026-08-01; replace it with a new token"
        )


TOKENS_WITHOUT_EXPIRY = [
    "opaque",
    "two.parts",
    "a.b.c",
    f"{part({})}.{part([])}.x",
    f"{part({})}.{part({})}.x",
    f"{part({})}.{part({'exp': None})}.x",
    f"{part({})}.{part({'exp': 'soon'})}.x",
    f"{part({})}.{part({'exp': 1e30})}.x",
    f"{part({})}.{part({'exp': float('nan')})}.x",
    f"{part({})}.{'*' * 20}.x",
]


@pytest.mark.parametrize("token", TOKENS_WITHOUT_EXPIRY)
def test_a_token_that_names_no_last_day_is_valid(token: str) -> None:
    assert expiry_of(token) is None
    endpoint = Endpoint()
    LongLivedToken("crm.access_token", token).headers(endpoint)
    assert endpoint.warnings == []


@pytest.mark.parametrize(
    ("auth", "headers"),
    [
        (HeaderToken("X-API-KEY", SECRET), {"X-API-KEY": SECRET}),
        (LongLivedToken("crm.access_token", SECRET), {"Authorization": f"Bearer {SECRET}"}),
    ],
)
def test_a_rejected_token_is_not_tried_again(auth: HeaderToken, headers: dict[str, str]) -> None:
    assert auth.headers(Endpoint()) == headers
    response = Response(401, {}, b"", "http://crm.test")
    assert not auth.renew_if_rejected(response, headers, Endpoint())
