"""Tokens that the tap renews: the first ones, their storage, and their renewal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import faults
from tap_leads.rest.clock import SystemClock
from tests.support.logs import errors, warnings
from tests.support.oauth import consented, held, integration, let_end, statuses, token_requests
from tests.support.run import everyone, sync

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Api, Sandbox
    from tests.support.run import Run

    Runner = Callable[..., Run]


def grants(box: Sandbox) -> list[str]:
    """Return the grant types of the token requests so far."""
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
    (line,) = warnings(caplog)
    assert line.startswith("kommo_leads, account acme: the API rejected `kommo.oauth.code`")
    assert "continuing with the tokens in" in line
    assert "mistyped" not in caplog.text


def test_a_code_that_is_refused_where_there_is_no_file_is_told_in_one_line(
    box: Sandbox, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = consented(box, file)
    box.clock.advance(20 * 60)
    assert sync(config).code == 1
    (line,) = errors(caplog)
    assert "the API rejected `kommo.oauth.code` (400: it has expired)" in line
    assert "authorize the integration again, and set `kommo.oauth.code` to the new code" in line
    assert statuses(box) == []
    assert list(file.parent.glob("*.json*")) == [file.with_name("acme.json.lock")]


def test_without_a_file_and_without_a_code_one_line_says_what_to_do(
    box: Sandbox, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = consented(box, file)
    del config["kommo"]["oauth"]["code"]
    assert sync(config).code == 1
    (line,) = errors(caplog)
    told = f"there are no tokens in {file}; authorize the integration, and set `kommo.oauth.code`"
    assert told in line
    assert box.kommo.journal == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("client_id", "`client_id` or `client_secret` is wrong"),
        ("client_secret", "`client_id` or `client_secret` is wrong"),
        ("redirect_uri", "`redirect_uri` does not match the one of the integration"),
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


@pytest.mark.parametrize("arguments", [("--discover",), ("--about",)])
def test_discovery_and_about_leave_tokens_alone(
    box: Sandbox, run_here: Runner, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    assert run_here(consented(box), *arguments).code == 0
    assert box.kommo.journal == []
    assert not (tmp_path / ".tap-leads").exists()


# Renewal


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
    monkeypatch.setattr(SystemClock, "time", lambda _self: box.clock.now())
    box.kommo.options.page_cap = 50
    box.kommo.after_request = lambda _api, _rng: box.clock.advance(12 * 3600)
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
    (line,) = errors(caplog)
    assert "rejected the token that it just issued" in line


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
