"""The file that keeps an account's tokens."""

from __future__ import annotations

import json
import os
import stat
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tap_leads.rest.auth.token_file import RESERVED_BYTES, TokenFile, account_file, default_file
from tap_leads.rest.auth.token_store import Tokens
from tap_leads.rest.errors import CredentialError
from tests.support.logs import uncoded

if TYPE_CHECKING:
    from pathlib import Path

TOKENS = Tokens("access", "refresh", obtained_at=1000.0, expires_at=87_400.0, spent=("a", "b"))
# A header cannot carry the access token.
UNSENDABLE = (
    b'{"access_token": "canary-4f1c\\r\\nX: 1", "refresh_token": "r", "obtained_at": 1, '
    b'"expires_at": 2}'
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "acme.json"


def store(path: Path) -> TokenFile:
    return TokenFile(path, "crm.oauth.token_file", own_folder=False)


def save(path: Path, tokens: Tokens = TOKENS) -> None:
    with store(path).draft() as saved:
        saved(tokens)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_tokens_that_are_saved_are_loaded(path: Path) -> None:
    assert store(path).load() is None
    save(path)
    assert store(path).load() == TOKENS
    assert json.loads(path.read_bytes())["refresh_token"] == "refresh"
    assert [each.name for each in path.parent.iterdir()] == ["acme.json"]


def test_only_its_owner_can_read_the_file_also_if_others_could_before(path: Path) -> None:
    before = os.umask(0)
    try:
        save(path)
        assert mode(path) == 0o600
        path.chmod(0o644)
        assert store(path).load() == TOKENS
        assert mode(path) == 0o600
        path.chmod(0o644)
        save(path)
        assert mode(path) == 0o600
    finally:
        os.umask(before)


def test_a_draft_that_is_not_saved_leaves_the_file_as_it_was(path: Path) -> None:
    save(path)
    content = path.read_bytes()
    with pytest.raises(ZeroDivisionError), store(path).draft():
        raise ZeroDivisionError
    assert path.read_bytes() == content
    assert [each.name for each in path.parent.iterdir()] == ["acme.json"]


def test_a_draft_reserves_space_on_the_disk(path: Path) -> None:
    with store(path).draft() as saved:
        assert path.with_name("acme.json.new").stat().st_size == RESERVED_BYTES
        saved(TOKENS)
    assert store(path).load() == TOKENS


def test_tokens_that_a_killed_run_did_not_move_into_place_are_used(path: Path) -> None:
    save(path)
    newer = Tokens("access2", "refresh2", obtained_at=2.0, expires_at=3.0)
    other = path.with_name("other.json")
    save(other, newer)
    other.rename(path.with_name("acme.json.new"))
    assert store(path).load() == newer
    assert not path.with_name("acme.json.new").exists()
    assert store(path).load() == newer


def test_what_a_killed_run_left_half_written_is_ignored(path: Path) -> None:
    save(path)
    path.with_name("acme.json.new").write_bytes(b'{"access_token": "acc' + b" " * 100)
    assert store(path).load() == TOKENS


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"canary-4f1c",
        b'{"access_token": "canary-4f1c',
        UNSENDABLE,
    ],
)
def test_a_file_that_the_tap_has_not_written_is_an_error_and_left_alone(
    path: Path, content: bytes
) -> None:
    path.write_bytes(content)
    with pytest.raises(CredentialError) as raised:
        store(path).load()
    assert uncoded(str(raised.value)) == (
        f"the token file {path} was not written by tap-leads; delete it and authorize "
        "the integration again, or set `crm.oauth.token_file` to another file"
    )
    assert path.read_bytes() == content


@pytest.mark.parametrize("place", ["nowhere/acme.json", "file/acme.json"])
def test_a_folder_that_is_not_there_is_an_error_and_not_created(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(
            CredentialError, match=r"cannot be (written|locked) .* set `crm\.oauth\.token_file`"
        ),
        store(tmp_path / place).locked(),
    ):
        pass
    assert not (tmp_path / "nowhere").exists()


def test_what_prevents_saving_is_found_out_before(path: Path) -> None:
    save(path)
    path.with_name("acme.json.new").symlink_to(path.parent)
    entered = False
    with pytest.raises(CredentialError, match="cannot be written"), store(path).draft():
        entered = True
    assert not entered


def test_a_link_to_the_file_stays_a_link(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(path)
    save(link)
    assert link.is_symlink()
    assert store(path).load() == TOKENS


def test_the_taps_own_folder_is_created_for_its_owner_and_kept_out_of_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    file = account_file("crm", "acme", None)
    with file.locked():
        pass
    folder = tmp_path / ".meltano" / "tap-leads"
    assert file.path == folder / "crm-acme.json"
    assert (folder / ".gitignore").read_text() == "*\n"
    assert mode(folder) == 0o700


def test_the_lock_is_held_by_one_at_a_time(path: Path) -> None:
    steps: list[str] = []

    def second() -> None:
        with store(path).locked():
            steps.append("second")

    with store(path).locked():
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.1)
        steps.append("first")
    thread.join()
    assert steps == ["first", "second"]


def test_no_two_accounts_have_one_default_file() -> None:
    labels = ["acme", "Acme", "ac me", "ac-me", "ac/me", "../acme", "", ".", "Лид", "Лид2"]
    labels += ["a" * 300, "a" * 301, "acme.json", default_file("kommo", "Acme").stem[6:]]
    names = {default_file("kommo", label).name for label in labels}
    # As a file system sees them that ignores case.
    assert len({name.lower() for name in names}) == len(labels)
    assert all(len(name) < 100 and name.isascii() and "/" not in name for name in names)


@pytest.mark.parametrize(("life", "early"), [(86_400, 60), (600, 60), (100, 10), (1, 0.1)], ids=str)
def test_a_token_is_due_a_little_before_it_expires(life: float, early: float) -> None:
    tokens = Tokens("a", "r", obtained_at=0.0, expires_at=life)
    assert not tokens.is_due(life - early - 0.01)
    assert tokens.is_due(life - early)


def test_tokens_do_not_show_in_a_log() -> None:
    assert repr(TOKENS) == "Tokens(...)"
