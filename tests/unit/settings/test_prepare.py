"""Accounts from files and secrets from variables, and the one account that a run is limited to."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_leads.names import account_id
from tap_leads.settings.schema import is_credential
from tap_leads.sources import SOURCES
from tap_leads.tap import TapLeads

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.settings import Config

CANARY = "canary-4f1c"
FILE = "kommo.accounts_file: accounts.json"
BERLIN = {"name": "berlin", "subdomain": "acme", "access_token_env": "BERLIN"}
PORTO = {"name": "porto", "subdomain": "acme2", "access_token_env": "PORTO"}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("BERLIN", "PORTO"):
        monkeypatch.delenv(name, raising=False)


def errors_of(config: Config, **options: bool) -> list[str]:
    """Return the errors in settings, which never contain a value."""
    errors = TapLeads.prepare(config, **options).errors
    assert not any(CANARY in line for line in errors)
    return errors


def accounts_of(config: Config, **options: bool) -> list[Config]:
    """Return the accounts of Kommo in settings that are valid."""
    prepared = TapLeads.prepare(config, **options)
    assert prepared.errors == []
    accounts: list[Config] = prepared.settings["kommo"]["accounts"]
    return accounts


def in_file(tmp_path: Path, *accounts: Any, **top: Any) -> Config:
    """Return settings with these accounts in a file: one in each line, from the second on."""
    lines = ",\n".join(json.dumps(account) for account in accounts)
    (tmp_path / "accounts.json").write_text(f"[\n{lines}\n]")
    return {"kommo": {"accounts_file": "accounts.json"}, **top}


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


# One account


def test_only_the_account_is_kept_and_only_its_secret_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTO", "two")
    broken = {"name": "broken", "subdomain": "x/y", "acess_token": CANARY}
    for config in (
        in_file(tmp_path, BERLIN, broken, PORTO, CANARY, account="kommo-porto"),
        {"kommo": {"accounts": [BERLIN, broken, PORTO, CANARY]}, "account": "kommo-porto"},
    ):
        config["octanist"] = {"api_key": 7}
        assert accounts_of(config) == [
            {"name": "porto", "subdomain": "acme2", "access_token": "two"}
        ]
        assert "octanist" not in TapLeads.prepare(config).settings


def test_a_row_that_cannot_be_read_stops_its_own_account_alone(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        f"name,subdomain,access_token,requests_per_second\na,a,t,{CANARY}\nb,b,t,\nc,c,t,1,{CANARY}\n"
    )
    config = {"kommo": {"accounts_file": "a.csv"}}
    lines = [
        "kommo.accounts_file: a.csv, line 2: requests_per_second: must be a number, in JSON syntax",
        "kommo.accounts_file: a.csv, line 4: has more values than the header has columns",
    ]
    assert errors_of(config) == lines
    assert errors_of(config | {"account": "kommo-a"}) == lines[:1]
    assert errors_of(config | {"account": "kommo-b"}) == []


def test_the_only_account_of_a_source_can_be_chosen_too() -> None:
    config = {
        "kommo": {"access_token": "x", "subdomain": "https://Acme.amocrm.ru/"},
        "octanist": {"accounts_file": "none.csv", "api_key": "y"},
        "dashly": {"auth_token": "z", "app_id": "$self_app"},
    }
    del config["octanist"]
    for wanted in ("kommo", "dashly"):
        account = {"kommo": "kommo-acme", "dashly": "dashly-default"}[wanted]
        prepared = TapLeads.prepare({**config, "account": account})
        assert prepared.errors == []
        assert prepared.settings.keys() == {"account", wanted}


def test_an_error_in_the_account_names_where_the_user_wrote_it(tmp_path: Path) -> None:
    assert errors_of({"kommo": {"accounts": [BERLIN, PORTO]}, "account": "kommo-porto"}) == [
        "kommo.accounts[1].access_token_env: the environment variable PORTO is not set"
    ]
    assert errors_of(in_file(tmp_path, BERLIN, PORTO, account="kommo-porto")) == [
        f"{FILE}, line 3: access_token_env: the environment variable PORTO is not set"
    ]


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [("kommo-portos", "; did you mean kommo-porto?"), ("porto", "; did you mean kommo-porto?"),
     (CANARY, "")],
)  # fmt: skip
def test_an_unknown_account_is_an_error_with_the_one_that_is_meant(
    tmp_path: Path, wanted: str, hint: str
) -> None:
    line = "account: unknown account; `tap-leads-admin accounts` prints the ID of each"
    assert errors_of(in_file(tmp_path, BERLIN, PORTO, account=wanted)) == [line + hint]


def test_an_account_whose_name_is_not_unique_cannot_be_chosen(tmp_path: Path) -> None:
    config = in_file(tmp_path, BERLIN, PORTO, BERLIN, account="kommo-berlin")
    assert errors_of(config)[0] == "account: 2 accounts have this ID; give each a unique `name`"
    assert errors_of(config | {"account": "kommo-porto"}) == [
        f"{FILE}, line 3: access_token_env: the environment variable PORTO is not set"
    ]


def test_what_hides_the_accounts_is_said_with_the_unknown_account() -> None:
    config = {"kommo": {"accounts": "berlin"}, "account": "kommo-berlin"}
    assert "kommo.accounts: must be a list" in errors_of(config)


def test_secrets_need_not_be_there_to_know_the_accounts(tmp_path: Path) -> None:
    oauth = {"client_id": "id", "client_secret_env": "A", "redirect_uri": "https://a.b/"}
    moved = {"name": "c", "subdomain": "c", "oauth": {**oauth, "token_store_env": "B"}}
    config = in_file(tmp_path, BERLIN, PORTO, moved)
    found = accounts_of(config, with_variables=False)
    assert [each["name"] for each in found] == ["berlin", "porto", "c"]


@given(st.lists(st.text(min_size=1), unique=True, min_size=2, max_size=2))
def test_no_two_accounts_have_one_id_and_every_id_is_safe(labels: list[str]) -> None:
    labels = [label.encode("utf-8", "ignore").decode() for label in labels]
    ids = {account_id("kommo", label) for label in labels}
    assert len(ids) == len(set(labels))
    for each in ids:
        assert set(each) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-.")
        assert len(each) <= 70


def calls_of(config: Config) -> int:
    """Return how many functions are called to prepare settings."""
    calls = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        assert TapLeads.prepare(config).errors == []
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("name", ["accounts.csv", "accounts.json"])
def test_work_grows_with_the_number_of_accounts(tmp_path: Path, name: str) -> None:
    def calls(number: int) -> int:
        rows = [
            {"name": f"a{each}", "subdomain": "acme", "access_token": "x"} for each in range(number)
        ]
        table = "".join(",".join(row.values()) + "\n" for row in rows)
        text = "name,subdomain,access_token\n" + table if name.endswith("csv") else json.dumps(rows)
        (tmp_path / name).write_text(text)
        return calls_of({"kommo": {"accounts_file": name}})

    calls(1)
    assert calls(1000) < 2.2 * calls(500)
