"""`tap-leads-admin tokens`: consents that are moved between token files and the database."""

from __future__ import annotations

import json
import signal
from copy import deepcopy
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from sandbox import Sandbox
from tests.support import program
from tests.support.admin import admin
from tests.support.oauth import assert_good, consented, held, integration, let_end, token_requests
from tests.support.program import until
from tests.support.run import sync

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.admin import Outcome
    from tests.support.settings import Config
    from tests.support.token_database import TokenDatabase

FOLDER = ".tap-leads"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MELTANO_PROJECT_ROOT", raising=False)


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """A sandbox with few leads, which are read many times."""
    with Sandbox(leads=20, seed=7) as sandbox:
        sandbox.kommo.options.rate_limit = None
        yield sandbox


@pytest.fixture
def in_file(box: Sandbox) -> Config:
    """Return the settings of an account whose tokens are in the token file at the default place."""
    config = consented(box)
    assert sync(config).code == 0
    box.kommo.journal.clear()
    return config


@pytest.fixture
def in_table(in_file: Config, token_database: TokenDatabase) -> Config:
    """Return the settings of the account with the database, in which there is nothing yet."""
    config = deepcopy(in_file)
    config["kommo"]["oauth"]["token_store"] = token_database.address
    return config


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / FOLDER / "kommo-acme.json"


def tokens(config: Config, *arguments: str) -> Outcome:
    """Run a command for tokens, which never prints one."""
    with open("config.json", "w", encoding="utf-8") as file:  # noqa: PTH123 - in the test's folder
        json.dump(config, file)
    done = admin("tokens", *arguments, "--config", "config.json")
    for secret in secrets_in(config["kommo"]):
        assert secret not in done.stdout + done.stderr
    return done


def secrets_in(settings: Config) -> list[str]:
    oauth = [settings.get("oauth", {})]
    oauth += [account.get("oauth", {}) for account in settings.get("accounts", ())]
    names = ("client_secret", "code", "token_store")
    return [each[name] for each in oauth for name in names if name in each]


def assert_unusable(box: Sandbox, config: Config) -> None:
    """Assert that a run with these settings fails, and asks for no tokens."""
    before = len(token_requests(box))
    assert sync(config).code == 1
    assert len(token_requests(box)) == before


def test_tokens_are_moved_to_the_database_and_back_without_a_new_consent(
    box: Sandbox, in_file: Config, in_table: Config, path: Path, token_database: TokenDatabase
) -> None:
    done = tokens(in_table, "import")
    assert (done.code, done.stderr) == (0, "")
    row = "the row (kommo, acme) of tap_leads_tokens"
    line = {"state_id": "kommo-acme", "from": str(path), "to": row, "moved": True}
    assert done.lines == [line]
    assert tokens(in_table, "import").lines == [line | {"moved": False}]
    assert_unusable(box, in_file)
    token_database.expire()
    assert_good(box, in_table)
    done = tokens(in_table, "export")
    assert done.lines == [{**line, "from": row, "to": str(path)}]
    assert_unusable(box, in_table)
    let_end(path)
    assert_good(box, in_file)
    assert len(token_requests(box)) == 2


@pytest.mark.parametrize("command", ["import", "export"])
def test_killed_at_whatever_step_a_move_loses_no_consent_and_can_be_repeated(
    box: Sandbox,
    in_file: Config,
    in_table: Config,
    path: Path,
    tmp_path: Path,
    token_database: TokenDatabase,
    command: str,
) -> None:
    box.kommo.options.rotation = "strict"
    origin, destination = (in_file, in_table) if command == "import" else (in_table, in_file)
    back = "export" if command == "import" else "import"
    assert tokens(in_table, "import" if command == "export" else "status").code == 0
    killed = 0
    while True:
        tool = program.start(
            tmp_path, admin=["tokens", command], config=in_table,
            killed_at=(path.parent, killed + 1),
        )  # fmt: skip
        if tool.end() != -signal.SIGKILL:
            break
        killed += 1
        until(lambda: not token_database.backends)
        # Whichever of the two goes on, the other one cannot take its tokens away.
        usable = origin if sync(origin).code == 0 else destination
        token_database.expire()
        if "access_token" in held(path):
            let_end(path)
        assert_good(box, usable)
        assert tokens(in_table, command).code == 0
        assert_good(box, destination)
        assert_unusable(box, origin)
        assert tokens(in_table, back).code == 0
    assert tool.end() == 0
    assert killed >= 6
    assert_good(box, destination)


def test_the_file_keeps_the_tokens_until_the_database_has_committed_them(
    box: Sandbox, in_table: Config, path: Path, tmp_path: Path, token_database: TokenDatabase
) -> None:
    assert tokens(in_table, "status").code == 0
    before = path.read_bytes()
    with token_database.slow_commits():
        tool = program.start(tmp_path, admin=["tokens", "import"], config=in_table)
        until(lambda: token_database.waiting)
        assert path.read_bytes() == before
        tool.kill()
        token_database.terminate()
    until(lambda: not token_database.backends)
    assert tokens(in_table, "import").code == 0
    assert_good(box, in_table)


def test_a_run_that_has_the_tokens_in_its_memory_does_not_write_them_back(
    box: Sandbox, in_file: Config, in_table: Config, path: Path, tmp_path: Path
) -> None:
    box.kommo.options.latency = 0.1
    tap = program.start(tmp_path, config=in_file)
    until(lambda: box.kommo.journal)
    assert tokens(in_table, "import").code == 0
    moved = path.read_bytes()
    box.kommo.oauth.expire()
    assert tap.end() == 1
    assert "[tokens-moved]" in tap.stderr
    assert path.read_bytes() == moved
    assert token_requests(box) == []
    assert_good(box, in_table)


def test_a_move_waits_for_a_run_that_renews(
    in_table: Config, path: Path, tmp_path: Path, token_database: TokenDatabase
) -> None:
    with FileLock(f"{path}.lock"):
        tool = program.start(tmp_path, admin=["tokens", "import"], config=in_table)
        tool.process.join(1)
        assert tool.is_alive
        assert "refresh_token" in held(path)
    assert tool.end() == 0
    with token_database.session("select from tap_leads_tokens for update"):
        tool = program.start(tmp_path, admin=["tokens", "export"], config=in_table)
        until(lambda: token_database.waiting)
    assert tool.end() == 0
    assert "refresh_token" in held(path)


def test_the_status_says_where_the_tokens_are_and_when_they_expire(
    box: Sandbox, in_file: Config, in_table: Config, path: Path
) -> None:
    ((line),) = tokens(in_file, "status").lines
    assert line.pop("obtained_at") < line.pop("expires_at")
    assert line == {"state_id": "kommo-acme", "where": str(path), "is_due": False}
    let_end(path)
    ((line),) = tokens(in_file, "status").lines
    assert line["expires_at"] == "2023-11-14T22:13:20+00:00"
    assert line["is_due"]
    ((line),) = tokens(in_table, "status").lines
    assert line == {
        "state_id": "kommo-acme", "where": "the row (kommo, acme) of tap_leads_tokens",
        "obtained_at": None, "expires_at": None, "is_due": None,
    }  # fmt: skip
    assert box.kommo.journal == []
    assert tokens(in_table, "import").code == 0
    done = tokens(in_file, "status")
    assert (done.code, done.stdout) == (1, "")
    assert done.stderr.endswith("[tokens-moved]\n")


def test_an_account_that_cannot_be_moved_does_not_stop_the_others(
    box: Sandbox, in_table: Config
) -> None:
    shared = in_table["kommo"]
    code = shared["oauth"].pop("code")
    del shared["subdomain"]
    shared["accounts"] = [
        {"name": "long", "subdomain": "acme", "access_token": box.kommo.token},
        {"name": "none", "subdomain": "acme", "oauth": integration(box)},
        {"name": "file", "subdomain": "acme",
         "oauth": integration(box, code="code", token_file="own.json")},
        {"subdomain": "acme", "oauth": integration(box, code=code)},
    ]  # fmt: skip
    done = tokens(in_table, "import")
    assert done.code == 1
    assert [line["state_id"] for line in done.lines] == ["kommo-acme"]
    none, file = done.stderr.splitlines()
    assert none.startswith("account none: there are no tokens to move in ")
    assert none.endswith("[no-tokens]")
    assert file == (
        "account file: `kommo.oauth.token_store` is not set; set it to the database "
        "[invalid-setting]"
    )
    assert [
        line["state_id"] for line in tokens(in_table, "status", "--account", "kommo-none").lines
    ] == ["kommo-none"]


def test_a_token_file_at_another_place_is_named(
    box: Sandbox, in_table: Config, path: Path, tmp_path: Path
) -> None:
    path.rename(tmp_path / "elsewhere.json")
    done = tokens(in_table, "import", "--file", "elsewhere.json")
    assert done.code == 1
    assert done.stderr.startswith("--file is the file of one account")
    done = tokens(in_table, "import", "--file", "elsewhere.json", "--account", "kommo-acme")
    assert done.code == 0
    assert_good(box, in_table)


def test_without_an_account_with_oauth_there_is_nothing_to_do(box: Sandbox) -> None:
    done = tokens({"kommo": {"subdomain": "acme", "access_token": box.kommo.token}}, "status")
    assert (done.code, done.stdout) == (1, "")
    assert done.stderr.startswith("no account has `oauth`")
    done = tokens({"kommo": {}}, "status")
    assert done.stderr.startswith("no source is configured")
