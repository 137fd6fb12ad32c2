"""Runs that keep their tokens in PostgreSQL: killed, disconnected, or two at once."""

from __future__ import annotations

import json
import logging
import signal
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import faults
from tap_leads.rest.retry import RetryPolicy
from tap_leads.sources.connect import Network
from tests.support.logs import errors
from tests.support.oauth import assert_good, assert_tokens_are_waited_for, consented, token_requests
from tests.support.program import until
from tests.support.run import sync
from tests.support.runtime import NoChance, set_runtime
from tests.support.token_database import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from tests.support.program import Program
    from tests.support.settings import Config
    from tests.support.token_database import TokenDatabase

    Start = Callable[..., Program]

ROTATIONS = pytest.mark.parametrize("rotation", ["grace", "strict"])


@pytest.fixture
def fresh(box: Sandbox, token_database: TokenDatabase) -> Config:
    """Return the settings of an account that was never read."""
    config = consented(box)
    config["kommo"]["oauth"]["token_store"] = token_database.address
    return config


@pytest.fixture
def config(box: Sandbox, token_database: TokenDatabase, fresh: Config) -> Config:
    """Return the settings of an account that was read once, and whose access token has expired."""
    assert sync(fresh).code == 0
    token_database.expire()
    box.kommo.journal.clear()
    return fresh


def test_killed_before_the_answer_eight_times_it_needs_no_new_consent(
    box: Sandbox, config: Config, token_database: TokenDatabase, start: Start
) -> None:
    before = token_database.row
    for killed in range(1, 9):
        box.kommo.oauth.faults.plan(faults.stall(60))
        tap = start(config)
        until(lambda so_far=killed: len(token_requests(box)) == so_far)  # type: ignore[misc]
        tap.kill()
        until(lambda: not token_database.backends)
        assert token_database.row == before
    assert_good(box, config)
    assert token_database.row["version"] == before["version"] + 1


@ROTATIONS
@pytest.mark.parametrize("is_committed", [False, True], ids=["before", "after"])
def test_killed_around_the_commit_it_loses_no_tokens_that_it_could_keep(
    box: Sandbox,
    config: Config,
    token_database: TokenDatabase,
    start: Start,
    rotation: Any,
    *,
    is_committed: bool,
) -> None:
    box.kommo.options.rotation = rotation
    before = token_database.row
    with token_database.slow_commits():
        tap = start(config)
        until(lambda: token_database.waiting)
        tap.kill()
        if not is_committed:
            token_database.terminate()
    until(lambda: not token_database.backends)
    assert (token_database.row["access_token"] == before["access_token"]) != is_committed
    assert len(token_requests(box)) == 1
    if rotation == "strict" and not is_committed:
        assert sync(config).code == 1
        config["kommo"]["oauth"]["code"] = box.kommo.oauth.consent()
    assert_good(box, config)


@ROTATIONS
@pytest.mark.parametrize("begin", ["ended", "refused", "code"])
def test_two_runs_at_once_ask_for_new_tokens_once(
    box: Sandbox,
    fresh: Config,
    token_database: TokenDatabase,
    start: Start,
    begin: str,
    rotation: Any,
) -> None:
    box.kommo.options.rotation = rotation
    box.kommo.options.latency = 0.1
    if begin != "code":
        assert_good(box, fresh)
        token_database.expire() if begin == "ended" else box.kommo.oauth.expire()
        box.kommo.journal.clear()
    taps = [start(fresh) for _ in range(2)]
    assert [tap.end() for tap in taps] == [0, 0]
    assert len(token_requests(box)) == 1
    assert_good(box, fresh)


@ROTATIONS
def test_a_connection_that_is_ended_during_the_exchange_costs_nothing(
    box: Sandbox, config: Config, token_database: TokenDatabase, start: Start, rotation: Any
) -> None:
    box.kommo.options.rotation = rotation
    box.kommo.options.latency = 0.5
    tap = start(config)
    until(lambda: token_requests(box))
    assert token_database.terminate() == 1
    assert tap.end() == 0
    box.kommo.options.latency = 0
    assert_good(box, config)
    assert len(token_requests(box)) == 1


@ROTATIONS
def test_a_run_that_is_told_to_end_waits_for_the_tokens_it_has_asked_for(
    box: Sandbox, config: Config, start: Start, rotation: Any
) -> None:
    box.kommo.options.rotation = rotation
    assert_tokens_are_waited_for(box, config, start)


def test_a_run_that_is_told_to_end_does_not_wait_for_another_program(
    config: Config, token_database: TokenDatabase, start: Start
) -> None:
    with token_database.session("select from tap_leads_tokens for update"):
        tap = start(config)
        until(lambda: token_database.waiting)
        tap.terminate()
        assert tap.end() == 128 + signal.SIGTERM


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("begin", ["renewal", "code"])
@pytest.mark.parametrize("what", ["stopped", "read-only", "without rights"])
def test_what_keeps_tokens_from_being_saved_is_known_before_they_are_asked_for(
    box: Sandbox,
    fresh: Config,
    token_database: TokenDatabase,
    what: str,
    begin: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    alter = f"alter database {token_database.name}"
    if begin == "renewal":
        assert sync(fresh).code == 0
        token_database.expire()
        box.kommo.journal.clear()
    happens, undo = {
        "stopped": (token_database.stop, token_database.start),
        "read-only": (
            lambda: token_database.run(f"{alter} set default_transaction_read_only = on"),
            lambda: token_database.run(f"{alter} reset default_transaction_read_only"),
        ),
        "without rights": (
            lambda: token_database.query("alter schema public rename to hidden"),
            lambda: token_database.query("alter schema hidden rename to public"),
        ),
    }[what]
    happens()
    assert sync(fresh).code == 1
    (line,) = errors(caplog)
    assert "account acme: the row (kommo, acme) of tap_leads_tokens cannot be used (" in line
    assert box.kommo.journal == []
    undo()
    assert_good(box, fresh)


def test_a_database_that_comes_back_while_the_request_is_retried_ends_nothing(
    box: Sandbox, config: Config, token_database: TokenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    token_database.stop()
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            token_database.start()

    set_runtime(monkeypatch, network=Network(retry=RetryPolicy(rng=NoChance())))
    monkeypatch.setattr("backoff._sync.time.sleep", sleep)
    assert_good(box, config)
    assert len(waits) >= 2
    assert len(token_requests(box)) == 1


def test_accounts_share_a_database(
    box: Sandbox, fresh: Config, token_database: TokenDatabase
) -> None:
    own = fresh["kommo"]["oauth"].pop("code")
    codes = [own, box.kommo.oauth.consent()]
    fresh["kommo"]["accounts"] = [
        {"name": f"account {number}", "oauth": {"code": code}} for number, code in enumerate(codes)
    ]
    assert [sync(fresh).code for _ in range(2)] == [0, 0]
    assert [row["account"] for row in token_database.rows] == ["account 0", "account 1"]
    assert len(token_requests(box)) == 2


@pytest.mark.usefixtures("no_waits")
def test_no_log_shows_a_token_or_the_address(
    config: Config,
    token_database: TokenDatabase,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = {PASSWORD, token_database.name}
    codes = []
    for happens in (None, token_database.expire):
        if happens:
            happens()
        codes.append(sync(config).code)
        row = token_database.row
        secrets |= {row["access_token"], row["refresh_token"], *json.loads(row["spent"])}
    token_database.stop()
    codes.append(sync(config).code)
    assert codes == [0, 0, 1]
    assert "DEBUG" in caplog.text
    assert [secret for secret in secrets if secret in caplog.text] == []
