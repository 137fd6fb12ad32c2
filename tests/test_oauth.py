"""Tokens that the tap renews: where they come from, where they are kept, and when they change."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import faults
from tap_leads.oauth import default_file
from tests.conftest import everyone, sync
from tests.consents import consented, held, integration, let_end, statuses, token_requests

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Api, Sandbox
    from tests.conftest import Run

    Runner = Callable[..., Run]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The token file, in a folder that is there."""
    (tmp_path / "tokens").mkdir()
    return tmp_path / "tokens" / "acme.json"


def grants(box: Sandbox) -> list[str]:
    """The kinds of the requests for tokens so far."""
    return [json.loads(request.body)["grant_type"] for request in token_requests(box)]


def test_the_first_run_exchanges_the_code_and_later_ones_use_what_it_gave(
    box: Sandbox, file: Path
) -> None:
    config = consented(box, file)
    for _ in range(3):
        run = sync(config)
        assert run.code == 0
        assert set(run.ids("kommo_leads")) == everyone(box.kommo)
    assert grants(box) == ["authorization_code"]


def test_the_first_run_can_begin_with_a_refresh_token(box: Sandbox, file: Path) -> None:
    config = consented(box, file)
    config["kommo"]["oauth"] |= {"refresh_token": box.kommo.oauth.issue().refresh_token}
    del config["kommo"]["oauth"]["code"]
    assert [sync(config).code for _ in range(2)] == [0, 0]
    assert grants(box) == ["refresh_token"]


@pytest.mark.parametrize("begin", ["code", "refresh_token"])
@pytest.mark.parametrize("rotation", ["grace", "strict"])
def test_what_the_settings_began_with_is_ignored_for_as_long_as_it_stays_there(
    box: Sandbox, file: Path, begin: str, rotation: Any
) -> None:
    box.kommo.options.rotation = rotation
    config = consented(box, file)
    if begin == "refresh_token":
        del config["kommo"]["oauth"]["code"]
        config["kommo"]["oauth"]["refresh_token"] = box.kommo.oauth.issue().refresh_token
    for _ in range(5):
        assert sync(config).code == 0
        let_end(file)
    sent = [json.loads(request.body).get(begin) for request in token_requests(box)]
    assert len(sent) == 5
    assert sent.count(config["kommo"]["oauth"][begin]) == 1


def test_it_is_ignored_after_many_more_renewals_than_are_remembered(
    box: Sandbox, file: Path
) -> None:
    config = consented(box, file)
    assert sync(config).code == 0
    tokens = held(file)
    tokens["spent"] += [f"{number:064x}" for number in range(500)]
    file.write_text(json.dumps(tokens))
    for _ in range(3):
        let_end(file)
        assert sync(config).code == 0
    assert grants(box) == ["authorization_code", *["refresh_token"] * 3]
    assert len(held(file)["spent"]) < 250


def test_a_refresh_token_that_was_taken_out_of_the_file_is_not_taken_for_a_new_consent(
    box: Sandbox, file: Path
) -> None:
    config = consented(box, file)
    assert sync(config).code == 0
    del config["kommo"]["oauth"]["code"]
    config["kommo"]["oauth"]["refresh_token"] = held(file)["refresh_token"]
    assert sync(config).code == 0
    let_end(file)
    assert [sync(config).code for _ in range(2)] == [0, 0]
    assert grants(box) == ["authorization_code", "refresh_token"]


def test_the_settings_need_neither_code_nor_token_once_the_file_has_some(
    box: Sandbox, file: Path
) -> None:
    config = consented(box, file)
    assert sync(config).code == 0
    del config["kommo"]["oauth"]["code"]
    let_end(file)
    assert sync(config).code == 0


def test_a_new_code_in_the_settings_wins_over_the_file(box: Sandbox, file: Path) -> None:
    config = consented(box, file)
    assert sync(config).code == 0
    box.kommo.oauth.revoke()
    config["kommo"]["oauth"]["code"] = box.kommo.oauth.consent()
    assert [sync(config).code for _ in range(2)] == [0, 0]
    assert grants(box) == ["authorization_code"] * 2


def test_a_new_code_that_is_refused_is_told_and_the_files_tokens_are_gone_on_with(
    box: Sandbox, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = consented(box, file)
    assert sync(config).code == 0
    config["kommo"]["oauth"]["code"] = "mistyped"
    assert sync(config).code == 0
    (line,) = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert line.startswith("kommo_leads, account acme: the API does not take `kommo.oauth.code`")
    assert "goes on with the tokens in" in line
    assert "mistyped" not in caplog.text


def test_a_code_that_is_refused_where_there_is_no_file_is_told_in_one_line(
    box: Sandbox, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = consented(box, file)
    box.clock.advance(20 * 60)
    assert sync(config).code == 1
    (line,) = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert "the API does not take `kommo.oauth.code` (400: it was not used in time)" in line
    assert "consent again, and set `kommo.oauth.code` to the new code" in line
    assert statuses(box) == []
    assert list(file.parent.glob("*.json*")) == [file.with_name("acme.json.lock")]


def test_without_a_file_and_without_a_code_one_line_says_what_to_do(
    box: Sandbox, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = consented(box, file)
    del config["kommo"]["oauth"]["code"]
    assert sync(config).code == 1
    (line,) = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert f"there are no tokens in {file}; consent, and set `kommo.oauth.code`" in line
    assert box.kommo.journal == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("client_id", "`client_id` or `client_secret` is wrong"),
        ("client_secret", "`client_id` or `client_secret` is wrong"),
        ("redirect_uri", "`redirect_uri` is not the one of the integration"),
    ],
)
def test_credentials_of_an_integration_that_are_wrong_are_named(
    box: Sandbox, file: Path, name: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    config = consented(box, file)
    config["kommo"]["oauth"][name] = "https://canary-4f1c.example"
    assert sync(config).code == 1
    assert said in caplog.text
    assert "canary-4f1c" not in caplog.text


# The file


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
    (line,) = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert f"the token file {file} is not one that the tap has written; delete it" in line
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
    assert "is not one that the tap has written" in caplog.text
    assert "canary-4f1c" not in caplog.text


@pytest.mark.parametrize("place", ["nowhere/acme.json", "file/acme.json", "folder"])
def test_a_file_that_cannot_be_there_is_told_before_any_request(
    box: Sandbox, tmp_path: Path, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    assert sync(consented(box, tmp_path / place)).code == 1
    (line,) = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert f"the token file {tmp_path / place} cannot be " in line
    assert "set `kommo.oauth.token_file` to another file" in line
    assert box.kommo.journal == []
    assert not (tmp_path / "nowhere").exists()


def test_what_keeps_new_tokens_from_being_saved_is_known_before_old_ones_are_spent(
    box: Sandbox, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = consented(box, file)
    assert sync(config).code == 0
    let_end(file)
    # Where the new tokens would be written before they take the old ones' place.
    blocked = file.with_name("acme.json.new")
    blocked.mkdir()
    assert sync(config).code == 1
    assert f"the token file {file} cannot be " in caplog.text
    assert len(token_requests(box)) == 1
    blocked.rmdir()
    assert sync(config).code == 0


def test_a_link_to_the_file_stays_a_link(box: Sandbox, file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(file)
    config = consented(box, link)
    assert sync(config).code == 0
    let_end(file)
    assert sync(config).code == 0
    assert link.is_symlink()
    assert grants(box) == ["authorization_code", "refresh_token"]


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
    # As a file system sees them that does not tell small letters from capitals.
    assert len({name.lower() for name in names}) == len(labels)
    assert all(len(name) < 100 and name.isascii() and "/" not in name for name in names)


@pytest.mark.parametrize("arguments", [("--discover",), ("--about",)])
def test_discovery_and_about_leave_tokens_alone(
    box: Sandbox, run_here: Runner, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    assert run_here(consented(box), *arguments).code == 0
    assert box.kommo.journal == []
    assert not (tmp_path / ".tap-leads").exists()


# When they change


def test_a_token_is_renewed_before_it_is_refused(box: Sandbox, file: Path) -> None:
    config = consented(box, file)
    assert sync(config).code == 0
    let_end(file)
    assert sync(config).code == 0
    assert len(token_requests(box)) == 2
    assert 401 not in statuses(box)


def test_a_token_that_ends_in_mid_run_is_renewed_by_the_clock(
    box: Sandbox, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = consented(box, file)
    moved, real = 0, time.time

    def move(_api: Api, _rng: random.Random) -> None:
        nonlocal moved
        moved += 12 * 3600

    # The clock of the machine, which the sandbox lives by too.
    monkeypatch.setattr(time, "time", lambda: real() + moved)
    box.kommo.options.page_cap = 50
    box.kommo.after_request = move
    run = sync(config | {"concurrency": 1})
    assert run.code == 0
    assert set(run.ids("kommo_leads")) == everyone(box.kommo)
    assert len(token_requests(box)) > 1
    assert 401 not in statuses(box)


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("rotation", ["grace", "strict"])
def test_tokens_refused_in_mid_sweep_cost_one_renewal_for_all_threads_and_no_lead(
    box: Sandbox, file: Path, rotation: Any
) -> None:
    box.kommo.options.rotation = rotation
    asked = 0

    def expire(_api: Api, _rng: random.Random) -> None:
        nonlocal asked
        asked += 1
        if asked in {4, 12}:
            box.kommo.oauth.expire()

    box.kommo.after_request = expire
    box.kommo.options.latency = 0.01
    run = sync(consented(box, file, top={"concurrency": 8}))
    assert run.code == 0
    assert set(run.ids("kommo_leads")) == everyone(box.kommo)
    assert grants(box) == ["authorization_code", "refresh_token", "refresh_token"]


def test_an_api_that_takes_none_of_the_tokens_it_gives_is_not_asked_for_more(
    box: Sandbox, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = consented(box, file)
    assert sync(config).code == 0
    box.kommo.faults.plan(*[faults.status(401)] * 20)
    box.kommo.journal.clear()
    assert sync(config).code == 1
    assert grants(box) == ["refresh_token"]
    assert statuses(box) == [401, 401]
    (line,) = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert "does not accept the token that it has just given" in line


def test_a_file_that_goes_away_in_mid_run_is_written_anew(box: Sandbox, file: Path) -> None:
    def lose(_api: Api, _rng: random.Random) -> None:
        if file.exists() and not lost:
            lost.append(file.read_bytes())
            file.unlink()
            box.kommo.oauth.expire()

    lost: list[bytes] = []
    box.kommo.options.page_cap = 50
    box.kommo.after_request = lose
    config = consented(box, file)
    assert sync(config).code == 0
    assert lost
    assert sync(config).code == 0
    assert grants(box) == ["authorization_code", "refresh_token"]


def test_two_accounts_keep_their_tokens_apart(box: Sandbox, run_here: Runner) -> None:
    config = consented(box)
    code = config["kommo"]["oauth"].pop("code")
    config["kommo"]["accounts"] = [
        {"name": "north", "oauth": {"code": code}},
        {"name": "south", "oauth": {"refresh_token": box.kommo.oauth.issue().refresh_token}},
        {"name": "west", "access_token": box.kommo.token},
    ]
    for _ in range(2):
        run = run_here(config)
        assert run.code == 0
        accounts = {record["account"] for record in run.records("kommo_leads")}
        assert accounts == {"north", "south", "west"}
    assert grants(box) == ["authorization_code", "refresh_token"]


def test_every_setting_of_oauth_can_come_from_a_variable_of_its_own(
    box: Sandbox, run_here: Runner, tmp_path: Path
) -> None:
    oauth = integration(box, code=box.kommo.oauth.consent(), token_file=str(tmp_path / "t.json"))
    environment = {f"TAP_LEADS_KOMMO_OAUTH_{k.upper()}": v for k, v in oauth.items()}
    environment |= {"TAP_LEADS_KOMMO_API_URL": box.kommo.url}
    run = run_here(None, "--config", "ENV", environment=environment)
    assert run.code == 0
    assert len(run.records("kommo_leads")) == box.kommo.count
    assert held(tmp_path / "t.json")
