"""The two ways into a Kommo account: what is wrong in their settings, and which one counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.oauth import consented, integration, token_requests
from tests.support.refusals import CANARY, NOTHING, changed, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from tests.support.run import Run
    from tests.support.settings import Config

    Runner = Callable[..., Run]

WRONG: list[tuple[str, Any, str]] = [
    ("oauth", NOTHING, "kommo.access_token: is required, unless `oauth` is set"),
    ("oauth", CANARY, "kommo.oauth: must be an object"),
    ("oauth.client_id", NOTHING, "kommo.oauth.client_id: is required"),
    ("oauth.client_secret", NOTHING, "kommo.oauth.client_secret: is required"),
    ("oauth.redirect_uri", NOTHING, "kommo.oauth.redirect_uri: is required"),
    ("oauth.client_id", "", "kommo.oauth.client_id: must not be empty"),
    ("oauth.client_secret", "", "kommo.oauth.client_secret: must not be empty"),
    ("oauth.redirect_uri", "", "kommo.oauth.redirect_uri: must not be empty"),
    ("oauth.code", "", "kommo.oauth.code: must not be empty"),
    ("oauth.token_file", "", "kommo.oauth.token_file: must not be empty"),
    ("oauth.client_id", 7, "kommo.oauth.client_id: must be a string"),
    ("oauth.client_secret", [CANARY], "kommo.oauth.client_secret: must be a string"),
    ("oauth.code", {CANARY: CANARY}, "kommo.oauth.code: must be a string"),
    ("oauth.refresh_token", 7, "kommo.oauth.refresh_token: must be a string"),
    ("oauth.code", f"{CANARY}\n", "kommo.oauth.code: has an invalid format"),
    ("oauth.token_file", True, "kommo.oauth.token_file: must be a string"),
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


def good(box: Sandbox) -> Config:
    """Settings with which nothing is wrong, each secret a canary."""
    config = consented(box)
    config["kommo"]["oauth"] |= {"client_secret": CANARY, "code": CANARY}
    return config


@pytest.mark.parametrize(("place", "value", "said"), WRONG)
def test_one_line_names_what_is_wrong_with_oauth(
    box: Sandbox, run_here: Runner, place: str, value: Any, said: str
) -> None:
    (line,) = refused(box, run_here(changed(good(box), f"kommo.{place}", value)))
    assert line.startswith(said)


def test_what_an_account_lacks_is_named_with_the_account(box: Sandbox, run_here: Runner) -> None:
    accounts = [{"name": "north"}, {"name": "south", "oauth": {"client_id": "x"}}]
    config = changed(good(box), "kommo.accounts", accounts)
    config = changed(config, "kommo.oauth.redirect_uri", NOTHING)
    assert refused(box, run_here(config)) == [
        "kommo.accounts[0].oauth.redirect_uri: is required",
        "kommo.accounts[1].oauth.redirect_uri: is required",
    ]


@pytest.mark.parametrize("other", ["shared.json", "./shared.json", "folder/../shared.json"])
def test_two_accounts_cannot_keep_their_tokens_in_one_file(
    box: Sandbox, run_here: Runner, other: str
) -> None:
    files = [{"code": "1", "token_file": "shared.json"}, {"code": "2", "token_file": other}]
    accounts = [{"name": str(n), "oauth": file} for n, file in enumerate(files)]
    (line,) = refused(box, run_here(changed(good(box), "kommo.accounts", accounts)))
    assert line == (
        "kommo.accounts[1].oauth.token_file: is also the file of kommo.accounts[0]; give "
        "each account its own file"
    )


def test_an_accounts_own_way_in_wins_over_the_one_beside_accounts(
    box: Sandbox, run_here: Runner
) -> None:
    config = consented(box)
    del config["kommo"]["oauth"]
    config["kommo"]["access_token"] = "wrong"
    config["kommo"]["accounts"] = [
        {"name": "north", "oauth": integration(box, code=box.kommo.oauth.consent())},
        {"name": "south", "access_token": box.kommo.token},
    ]
    run = run_here(config)
    assert run.code == 0
    assert {r["account"] for r in run.records("kommo_leads")} == {"north", "south"}


def test_an_accounts_own_code_wins_over_a_refresh_token_beside_accounts(
    box: Sandbox, run_here: Runner
) -> None:
    config = consented(box)
    oauth = config["kommo"]["oauth"]
    oauth["refresh_token"] = "wrong"
    config["kommo"]["accounts"] = [{"name": "north", "oauth": {"code": oauth.pop("code")}}]
    assert run_here(config).code == 0
    assert len(token_requests(box)) == 1
