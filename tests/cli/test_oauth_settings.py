"""The two ways to authorize a Kommo account: errors in their settings, and which one counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.oauth import consented, integration, token_requests
from tests.support.refusals import CANARY, changed, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from tests.support.run import Run

    Runner = Callable[..., Run]


def test_one_line_names_what_is_wrong_with_oauth(box: Sandbox, run_here: Runner) -> None:
    config = changed(consented(box), "kommo.oauth.client_secret", CANARY)
    (line,) = refused(box, run_here(changed(config, "kommo.access_token", CANARY)))
    assert line.startswith("kommo.access_token: cannot be combined with `oauth`")


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
