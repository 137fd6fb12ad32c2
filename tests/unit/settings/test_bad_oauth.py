"""Invalid settings of an account whose tokens the tap renews: one line for each error."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.refusals import CANARY, NOTHING, changed, errors_of

OAUTH: dict[str, Any] = {
    "kommo": {
        "subdomain": "acme",
        "oauth": {
            "client_id": "1",
            "client_secret": CANARY,
            "redirect_uri": "https://example.com",
            "code": CANARY,
        },
    }
}
STORE = "kommo.oauth.token_store"
# Where the value is wrong, and the start of the one line.
WRONG: list[tuple[str, Any, str]] = [
    ("oauth", NOTHING, "kommo.access_token: is required, unless `oauth` is set"),
    ("oauth", CANARY, "kommo.oauth: must be an object"),
    ("oauth.client_id", NOTHING, "kommo.oauth.client_id: is required"),
    ("oauth.client_secret", NOTHING, "kommo.oauth.client_secret: is required"),
    ("oauth.redirect_uri", NOTHING, "kommo.oauth.redirect_uri: is required"),
    ("oauth.client_id", "", "kommo.oauth.client_id: is required"),
    ("oauth.client_secret", "", "kommo.oauth.client_secret: is required"),
    ("oauth.redirect_uri", "", "kommo.oauth.redirect_uri: is required"),
    ("oauth.code", " ", "kommo.oauth.code: must not be empty"),
    ("oauth.client_id", True, "kommo.oauth.client_id: must be a string"),
    ("oauth.client_secret", [CANARY], "kommo.oauth.client_secret: must be a string"),
    ("oauth.code", {CANARY: CANARY}, "kommo.oauth.code: must be a string"),
    ("oauth.refresh_token", 7, "kommo.oauth.refresh_token: must be a string"),
    ("oauth.code", f"{CANARY}\n{CANARY}", "kommo.oauth.code: has an invalid format"),
    ("oauth.token_file", True, "kommo.oauth.token_file: must be a string"),
    ("oauth.token_store", True, "kommo.oauth.token_store: must be a string"),
    ("oauth.token_store", f"postgresql://x:{CANARY} @y/z", f"{STORE}: has an invalid format"),
    *(
        ("oauth.token_store", address, f"{STORE}: must be the SQLAlchemy address of a PostgreSQL")
        for address in (
            CANARY,
            f"mysql://x:{CANARY}@y/z",
            f"sqlite:///{CANARY}",
            f"postgresql+psycopg2://x:{CANARY}@y/z",
            f"postgresql+{CANARY}://x:y@z/z",
            f"postgresql://x:y@z:{CANARY}/z",
            f"postgres://x:{CANARY}@y/z",
        )
    ),
    (
        "oauth.refresh_token",
        CANARY,
        "kommo.oauth.code: cannot be combined with `refresh_token`; keep the newer of the two",
    ),
    ("access_token", CANARY, "kommo.access_token: cannot be combined with `oauth`"),
    (
        "oauth.secret",
        CANARY,
        "kommo.oauth.secret: unknown setting; did you mean kommo.oauth.client_secret?",
    ),
    ("oauth.scopes", [CANARY], "kommo.oauth.scopes: unknown setting"),
]


@pytest.mark.parametrize(("place", "value", "said"), WRONG)
def test_one_line_names_what_is_wrong_with_oauth(place: str, value: Any, said: str) -> None:
    (line,) = errors_of(changed(OAUTH, f"kommo.{place}", value))
    assert line.startswith(said)


def test_what_an_account_lacks_is_named_with_the_account() -> None:
    accounts = [{"name": "north"}, {"name": "south", "oauth": {"client_id": "x"}}]
    config = changed(OAUTH, "kommo.accounts", accounts)
    assert errors_of(changed(config, "kommo.oauth.redirect_uri", NOTHING)) == [
        "kommo.accounts[0].oauth.redirect_uri: is required",
        "kommo.accounts[1].oauth.redirect_uri: is required",
    ]


@pytest.mark.parametrize("other", ["shared.json", "./shared.json", "folder/../shared.json"])
def test_two_accounts_cannot_keep_their_tokens_in_one_file(other: str) -> None:
    files = [{"code": "1", "token_file": "shared.json"}, {"code": "2", "token_file": other}]
    accounts = [{"name": str(n), "oauth": file} for n, file in enumerate(files)]
    (line,) = errors_of(changed(OAUTH, "kommo.accounts", accounts))
    assert line == (
        "kommo.accounts[1].oauth.token_file: is also the file of kommo.accounts[0]; give each "
        "account its own file"
    )


def test_tokens_are_kept_in_one_place() -> None:
    stores = {"token_file": "a.json", "token_store": "postgresql+psycopg://x@y/z"}
    oauth = {**OAUTH["kommo"]["oauth"], **stores}
    assert errors_of(changed(OAUTH, "kommo.oauth", oauth)) == [
        "kommo.oauth.token_store: cannot be combined with `token_file`; keep one of the two"
    ]
