"""The file in which the tap stores an account's tokens."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from tap_leads.rest.auth.token_file import default_file
from tests.support.logs import errors
from tests.support.oauth import consented, held, let_end, token_requests
from tests.support.run import sync

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Sandbox
    from tests.support.run import Run

    Runner = Callable[..., Run]


def test_the_file_is_for_its_owner_alone_also_where_it_was_not(box: Sandbox, file: Path) -> None:
    config = consented(box, file)
    before = os.umask(0)
    try:
        assert sync(config).code == 0
        assert {path.stat().st_mode & 0o777 for path in file.parent.iterdir()} == {0o600}
        file.chmod(0o644)
        assert sync(config).code == 0
        assert file.stat().st_mode & 0o777 == 0o600
        file.chmod(0o644)
        let_end(file)
        assert sync(config).code == 0
    finally:
        os.umask(before)
    assert file.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in file.parent.iterdir()} == {"acme.json", "acme.json.lock"}


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"\xff\xfe", b'{"access_token": "canary-4f1c', b"canary-4f1c"]
)
def test_a_file_that_is_not_the_taps_is_told_and_left_alone(
    box: Sandbox, file: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file.write_bytes(content)
    assert sync(consented(box, file)).code == 1
    (line,) = errors(caplog)
    assert f"the token file {file} was not written by tap-leads; delete it" in line
    assert "canary-4f1c" not in line
    assert box.kommo.journal == []
    assert file.read_bytes() == content


def test_a_token_in_the_file_that_no_header_can_carry_is_not_sent(
    box: Sandbox, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = consented(box, file)
    assert sync(config).code == 0
    file.write_text(json.dumps(held(file) | {"access_token": "canary-4f1c\r\nX-Other: 1"}))
    assert sync(config).code == 1
    assert "was not written by tap-leads" in caplog.text
    assert "canary-4f1c" not in caplog.text


@pytest.mark.parametrize("place", ["nowhere/acme.json", "file/acme.json", "folder"])
def test_a_file_that_cannot_be_there_is_told_before_any_request(
    box: Sandbox, tmp_path: Path, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    assert sync(consented(box, tmp_path / place)).code == 1
    (line,) = errors(caplog)
    assert f"the token file {tmp_path / place} cannot be " in line
    assert "set `kommo.oauth.token_file` to another file" in line
    assert box.kommo.journal == []
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("first", [False, True], ids=["refresh token", "code"])
def test_what_keeps_tokens_from_being_saved_is_known_before_they_are_asked_for(
    box: Sandbox, file: Path, caplog: pytest.LogCaptureFixture, *, first: bool
) -> None:
    config = consented(box, file)
    if not first:
        assert sync(config).code == 0
        let_end(file)
        box.kommo.journal.clear()
    # New tokens are written to this file, which then replaces the old one.
    blocked = file.with_name("acme.json.new")
    blocked.symlink_to(file.parent)
    assert sync(config).code == 1
    assert f"the token file {file} cannot be " in caplog.text
    assert box.kommo.journal == []
    blocked.unlink(missing_ok=True)
    assert sync(config).code == 0


def test_a_link_to_the_file_stays_a_link(box: Sandbox, file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(file)
    config = consented(box, link)
    assert sync(config).code == 0
    let_end(file)
    assert sync(config).code == 0
    assert link.is_symlink()
    assert len(token_requests(box)) == 2


@pytest.mark.parametrize("meltano", [False, True])
def test_by_default_the_file_is_beside_the_projects_data(
    box: Sandbox, run_here: Runner, tmp_path: Path, *, meltano: bool
) -> None:
    environment = {"MELTANO_PROJECT_ROOT": str(tmp_path / "project")} if meltano else None
    config = consented(box)
    for _ in range(2):
        assert run_here(config, environment=environment).code == 0
    folder = tmp_path / ("project/.meltano/tap-leads" if meltano else ".tap-leads")
    assert held(folder / "kommo-acme.json")
    assert (folder / ".gitignore").read_text() == "*\n"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert len(token_requests(box)) == 1


def test_no_two_accounts_have_one_default_file() -> None:
    labels = ["acme", "Acme", "ac me", "ac-me", "ac/me", "../acme", "", ".", "Лид", "Лид2"]
    labels += ["a" * 300, "a" * 301, "acme.json", default_file("kommo", "Acme").stem[6:]]
    names = {default_file("kommo", label).name for label in labels}
    # Some file systems ignore case.
    assert len({name.lower() for name in names}) == len(labels)
    assert all(len(name) < 100 and name.isascii() and "/" not in name for name in names)
