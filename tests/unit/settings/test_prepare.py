"""Accounts from files and secrets from variables, and the one account that a run is limited to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_leads.settings.schema import is_credential
from tap_leads.sources import SOURCES
from tap_leads.tap import TapLeads
from tests.support.prepared import BERLIN, CANARY, FILE, PORTO, accounts_of, errors_of, in_file

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.usefixtures("accounts_folder")


# Secrets from variables


def test_a_secret_is_read_from_the_variable_that_the_account_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BERLIN", "Bearer one\n")
    (tmp_path / ".env").write_text("PORTO=two\n")
    expected = [
        {"name": "berlin", "subdomain": "acme", "access_token": "one"},
        {"name": "porto", "subdomain": "acme2", "access_token": "two"},
    ]
    assert accounts_of(in_file(tmp_path, BERLIN, PORTO)) == expected
    assert accounts_of({"kommo": {"accounts": [BERLIN, PORTO]}}) == expected


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_every_secret_of_an_account_can_be_in_a_variable(source: Any) -> None:
    account = source.settings.schema["properties"]["accounts"]["items"]
    for properties in (
        account["properties"],
        account["properties"].get("oauth", {}).get("properties", {}),
    ):
        secrets = {name for name, schema in properties.items() if is_credential(schema)}
        assert {f"{name}_env" for name in secrets} == {n for n in properties if n.endswith("_env")}


def test_nested_secrets_are_read_too(monkeypatch: pytest.MonkeyPatch) -> None:
    oauth = {"client_id": "id", "client_secret_env": "SECRET", "redirect_uri": "https://a.b/"}
    monkeypatch.setenv("SECRET", "s3cret")
    monkeypatch.setenv("CODE", "c0de")
    config = {"kommo": {"oauth": oauth, "accounts": [{"subdomain": "a"}]}}
    assert errors_of(config) == [
        "kommo.oauth.client_secret_env: unknown setting; did you mean kommo.oauth.client_secret?"
    ]
    account = {"subdomain": "a", "oauth": {**oauth, "code_env": "CODE"}}
    ((own,),) = [accounts_of({"kommo": {"accounts": [account]}})]
    assert own["oauth"] == {
        "client_id": "id", "client_secret": "s3cret", "redirect_uri": "https://a.b/", "code": "c0de"
    }  # fmt: skip


def test_a_variable_that_is_not_set_is_named_with_the_line(tmp_path: Path) -> None:
    assert errors_of(in_file(tmp_path, BERLIN, PORTO)) == [
        f"{FILE}, line 2: access_token_env: the environment variable BERLIN is not set",
        f"{FILE}, line 3: access_token_env: the environment variable PORTO is not set",
    ]


def test_a_secret_in_place_of_the_name_of_its_variable_is_not_shown() -> None:
    account = {"name": "a", "subdomain": "a", "access_token_env": CANARY}
    assert errors_of({"kommo": {"accounts": [account]}}) == [
        "kommo.accounts[0].access_token_env: the environment variable that it names is not set"
    ]


def test_a_secret_is_given_once(tmp_path: Path) -> None:
    assert errors_of(in_file(tmp_path, BERLIN | {"access_token": CANARY})) == [
        (
            "kommo.accounts_file: accounts.json, line 2: access_token_env: cannot be combined with "
            "`access_token`; keep one of the two"
        )
    ]


@pytest.mark.parametrize("value", [7, ["BERLIN"], {"name": "BERLIN"}, True])
def test_the_name_of_a_variable_is_text(value: object) -> None:
    (line, *_) = errors_of({"kommo": {"accounts": [BERLIN | {"access_token_env": value}]}})
    assert line.startswith("kommo.accounts[0].access_token")


# Files


def test_what_validation_finds_is_said_with_the_line_of_the_file(tmp_path: Path) -> None:
    token = {"access_token": "x"}
    config = in_file(
        tmp_path,
        {"name": "a", "subdomain": "not/one/word", **token},
        {"name": "b", "subdomain": "b", **token, "acess_token": CANARY},
        CANARY,
        {"name": "c", "subdomain": "c", **token, "oauth": {"cod": 1}},
    )
    where = "kommo.accounts_file: accounts.json, line"
    assert errors_of(config) == [
        f"{where} 3: acess_token: unknown setting; did you mean access_token?",
        f"{where} 4: must be an object",
        f"{where} 5: oauth.cod: unknown setting; did you mean oauth.code?",
    ]
    config = in_file(
        tmp_path,
        {"name": "a", "subdomain": "not/one/word", **token},
        {"name": "b", "subdomain": "b", **token},
        {"name": "b", "subdomain": "c", **token},
        {"name": "d", "subdomain": "d"},
    )
    assert errors_of(config) == [
        f"{where} 2: subdomain: must be mycompany or an address such as mycompany.kommo.com",
        f"{where} 5: access_token: is required, unless `oauth` is set",
        f"{where} 4: has the name of accounts.json, line 3, b; give each a unique `name`",
    ]


def test_accounts_cannot_be_in_the_settings_and_in_a_file(tmp_path: Path) -> None:
    config = in_file(tmp_path, BERLIN)
    config["kommo"]["accounts"] = [PORTO]
    assert errors_of(config) == [
        "kommo.accounts_file: cannot be combined with `accounts`; keep one of the two"
    ]


def test_a_file_that_cannot_be_used_is_an_error_of_its_setting(tmp_path: Path) -> None:
    assert errors_of({"kommo": {"accounts_file": "none.csv"}}) == [
        "kommo.accounts_file: cannot read none.csv: No such file or directory"
    ]
    assert errors_of({"kommo": {"accounts_file": 7}}) != []
    assert errors_of({"kommo": {"accounts_file": ["a.csv"]}}) == [
        "kommo.accounts_file: must be a string"
    ]
    (tmp_path / "a.csv").write_text("name;subdomain\n")
    assert errors_of({"dashly": {"accounts_file": "a.csv"}}) == [
        "dashly.accounts_file: a.csv, line 1: subdomain: unknown setting"
    ]


def test_accounts_in_a_file_share_the_settings_next_to_it(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("name,requests_per_second\na,\nb,2\n")
    kommo = {"accounts_file": "a.csv", "subdomain": "x", "access_token": "t"}
    settings = TapLeads.prepare({"kommo": {**kommo, "requests_per_second": 4}}).settings["kommo"]
    found = SOURCES[0].settings.accounts(settings)
    rates = [(label, own["requests_per_second"], own["access_token"]) for _, label, own in found]
    assert rates == [("a", 4, "t"), ("b", 2, "t")]
