"""One account of many is chosen, and work grows with the accounts and no faster."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_leads.names import account_id
from tap_leads.tap import TapLeads
from tests.support.prepared import BERLIN, CANARY, FILE, PORTO, accounts_of, errors_of, in_file

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.settings import Config

pytestmark = pytest.mark.usefixtures("accounts_folder")


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
