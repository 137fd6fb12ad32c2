"""The accounts of a source: what they share, and what each has of its own."""

from __future__ import annotations

import pytest

from tap_leads.settings import oauth
from tap_leads.settings.model import Config, Defaults, SourceSettings, source, text

CRM = SourceSettings(
    name="crm",
    schema=source(
        "CRM",
        "Leads of the CRM.",
        {"access_token": text("Token", "A token."), "oauth": oauth.setting("How.", "The code.")},
        filters={"type": "object"},
        defaults=Defaults("https://api.example.com", "Default: `default`.", 6, 600),
    ),
    label=lambda settings: str(settings.get("access_token", "default")),
    problems=oauth.problems,
)


def own(shared: Config, **account: object) -> Config:
    """Return the settings of an account, without the defaults."""
    ((_, _, settings),) = CRM.accounts({**shared, "accounts": [account]})
    defaults = ("requests_per_second", "lookback_seconds", "share_rate_limit")
    return {name: value for name, value in settings.items() if name not in defaults}


def test_a_source_without_accounts_is_one_account_with_the_defaults() -> None:
    assert CRM.accounts({"access_token": "a", "lookback_seconds": 0}) == [
        (
            "crm",
            "a",
            {
                "access_token": "a",
                "requests_per_second": 6,
                "lookback_seconds": 0,
                "share_rate_limit": True,
            },
        )
    ]


def test_each_account_has_its_place_its_label_and_what_it_shares() -> None:
    shared: Config = {"access_token": "a", "requests_per_second": 1}
    accounts = CRM.accounts({**shared, "accounts": [{"name": "north"}, {"access_token": "b"}]})
    assert [(where, label) for where, label, _ in accounts] == [
        ("crm.accounts[0]", "north"),
        ("crm.accounts[1]", "b"),
    ]
    assert {settings["requests_per_second"] for _, _, settings in accounts} == {1}
    assert "name" not in accounts[1][2]


@pytest.mark.parametrize("shares", [True, False])
def test_whether_accounts_share_a_rate_limit_is_the_same_for_all(shares: bool) -> None:
    accounts = CRM.accounts({"share_rate_limit": shares, "accounts": [{"name": "a"}, {}]})
    assert {settings["share_rate_limit"] for _, _, settings in accounts} == {shares}


def test_an_accounts_own_credential_replaces_a_shared_one_of_the_other_kind() -> None:
    shared = {"oauth": {"client_id": "1", "code": "c"}}
    assert own(shared, access_token="t") == {"access_token": "t"}
    assert own({"access_token": "t"}, oauth={"code": "d"}) == {"oauth": {"code": "d"}}
    both = own(shared, access_token="t", oauth={"code": "d"})
    assert both == {"access_token": "t", "oauth": {"client_id": "1", "code": "d"}}


def test_an_accounts_own_place_of_tokens_replaces_a_shared_one_of_the_other_kind() -> None:
    shared = {"oauth": {"client_id": "1", "token_store": "s"}}
    assert own(shared, oauth={"token_file": "f"})["oauth"] == {"client_id": "1", "token_file": "f"}
    assert own(shared, oauth={"code": "d"})["oauth"]["token_store"] == "s"


def test_an_accounts_own_grant_replaces_a_shared_one_of_the_other_kind() -> None:
    shared = {"oauth": {"client_id": "1", "refresh_token": "r"}}
    assert own(shared, oauth={"code": "d"}) == {"oauth": {"client_id": "1", "code": "d"}}
    assert own(shared, oauth={"token_file": "f"}) == {
        "oauth": {"client_id": "1", "refresh_token": "r", "token_file": "f"}
    }
    assert shared == {"oauth": {"client_id": "1", "refresh_token": "r"}}
