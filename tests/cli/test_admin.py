"""`tap-leads-admin accounts`, and runs that are limited to one of the accounts it prints."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.admin import admin
from tests.support.catalogs import catalog_for
from tests.support.pages import fences, section
from tests.support.refusals import refused
from tests.support.settings import every_source, settings_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from tests.support.run import Run
    from tests.support.settings import Config

    Runner = Callable[..., Run]

CANARY = "canary-4f1c"
GUIDE = "docs/guides/accounts.md"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def shared(box: Sandbox, file: str = "accounts.csv") -> Config:
    """Return settings of the sandbox's Kommo with a file of accounts."""
    config = settings_for(box.kommo, accounts_file=file)
    del config["access_token"], config["subdomain"]
    return {"kommo": config}


def test_a_line_for_each_account_has_the_id_and_nothing_secret(tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text(
        f"name,subdomain,access_token_env,access_token\nberlin,a,NOT_SET,\nPorto 1,b,,{CANARY}\n"
    )
    config = {
        "kommo": {"accounts_file": "accounts.csv"},
        "octanist": {"api_key": CANARY},
        "carrotquest": {"accounts": [{"auth_token": CANARY, "app_id": "12"}]},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    done = admin("accounts", "--config", "config.json")
    assert done.code == 0
    assert done.stderr == ""
    assert CANARY not in done.stdout
    assert done.lines == [
        {"source": "kommo", "name": "berlin", "state_id": "kommo-berlin"},
        {"source": "kommo", "name": "Porto 1", "state_id": "kommo-porto-1.016f04c3a949bb4d"},
        {"source": "carrotquest", "name": "12", "state_id": "carrotquest-12"},
        {"source": "octanist", "name": "default", "state_id": "octanist-default"},
    ]


def test_the_settings_may_be_in_the_environment(tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text("name,subdomain,access_token_env\nberlin,a,NOT_SET\n")
    (tmp_path / ".env").write_text("TAP_LEADS_KOMMO_ACCOUNTS_FILE=accounts.csv\n")
    done = admin("accounts", "--config=ENV", environment={"TAP_LEADS_ACCOUNT": "kommo-berlin"})
    assert [line["state_id"] for line in done.lines] == ["kommo-berlin"]


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"kommo": {"access_token": CANARY}},
        {"kommo": {"accounts_file": "accounts.csv"}},
        {"octanist": {"api_key": CANARY}, "account": "octanist-defaul"},
        {"octanist": {"api_key": CANARY, "apikey": CANARY}},
    ],
)
def test_invalid_settings_are_refused_with_the_lines_of_the_tap(
    tmp_path: Path, run_here: Runner, config: Config
) -> None:
    (tmp_path / "accounts.csv").write_text(f"name,acess_token\nberlin,{CANARY}\n")
    run = run_here(config)
    done = admin("accounts", "--config", "config.json")
    assert run.code == done.code == 1
    assert done.stdout == ""
    errors = [line.split(" | ")[-1] for line in run.stderr.splitlines() if " | ERROR " in line]
    assert done.stderr.splitlines() == errors
    assert CANARY not in done.stderr


def test_a_config_file_that_is_missing_is_one_line() -> None:
    done = admin("accounts", "--config", "none.json")
    assert done.code == 1
    assert done.stderr == (
        "cannot read the config file none.json: No such file or directory [config-file]\n"
    )


def test_the_program_is_installed_and_says_its_version_and_what_it_does() -> None:
    program = Path(sys.executable).with_name("tap-leads-admin")
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"tap-leads-admin, version {version('tap-leads')}\n"
    assert "accounts" in admin("--help").stdout
    assert "--config" in admin("accounts", "--help").stdout


def test_the_files_and_the_output_in_the_guide_are_right(tmp_path: Path) -> None:
    table, listing = fences(section("Many accounts", GUIDE), "text")
    (tmp_path / "accounts.csv").write_text(table)
    (tmp_path / "accounts.json").write_text(listing)
    (console,) = fences(section("One process for each account", GUIDE), "console")
    command, *printed = console.splitlines()
    for name in ("accounts.csv", "accounts.json"):
        (tmp_path / "config.json").write_text(json.dumps({"kommo": {"accounts_file": name}}))
        done = admin(*command.removeprefix("$ tap-leads-admin ").split())
        assert done.stdout.splitlines() == printed


def test_a_run_is_limited_to_the_account_and_needs_no_other_credential(
    box: Sandbox, run_here: Runner, tmp_path: Path
) -> None:
    (tmp_path / "accounts.csv").write_text(
        "name,subdomain,access_token_env\nberlin,a,NOT_SET\nporto,b,PORTO\n"
    )
    config = {**every_source(box), **shared(box), "dashly": {"accounts": [{"name": "north"}]}}
    environment = {"PORTO": box.kommo.token, "TAP_LEADS_ACCOUNT": "kommo-porto"}
    run = run_here(
        config, "--config=ENV", catalog=catalog_for("kommo_leads"), environment=environment
    )
    assert run.code == 0
    assert {record["account"] for record in run.records("kommo_leads")} == {"porto"}
    for name, api in box.apis.items():
        assert (api.journal == []) == (name != "kommo")


def test_discovery_is_limited_to_the_source_of_the_account(
    box: Sandbox, run_here: Runner, tmp_path: Path
) -> None:
    (tmp_path / "accounts.csv").write_text("name\nberlin\n")
    config = {**every_source(box), "account": "octanist-default"}
    run = run_here(config | shared(box), "--discover")
    assert run.code == 0
    streams = json.loads(run.messages[0]["text"])["streams"]
    assert [stream["tap_stream_id"] for stream in streams] == ["octanist_leads", "octanist_stats"]


def test_an_unknown_account_syncs_nothing(box: Sandbox, run_here: Runner) -> None:
    (line,) = refused(box, run_here({**every_source(box), "account": "octanist-berlin"}))
    assert line.startswith("account: unknown account")


def test_every_account_of_a_file_is_synced_with_a_shared_setting(
    box: Sandbox, run_here: Runner, tmp_path: Path
) -> None:
    accounts = [
        {"name": name, "subdomain": name, "access_token_env": "KOMMO"} for name in ("a", "b")
    ]
    (tmp_path / "accounts.json").write_text(json.dumps(accounts))
    run = run_here(shared(box, "accounts.json"), environment={"KOMMO": box.kommo.token})
    assert run.code == 0
    assert {record["account"] for record in run.records("kommo_leads")} == {"a", "b"}
