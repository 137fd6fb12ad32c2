"""Runs that are killed, terminated, or share a token file with another run."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock

from sandbox import faults
from tests.support.oauth import (
    assert_good,
    assert_tokens_are_waited_for,
    consented,
    held,
    let_end,
    token_requests,
)
from tests.support.program import until
from tests.support.run import sync

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Sandbox
    from tests.support.program import Program
    from tests.support.settings import Config

    Start = Callable[..., Program]


@pytest.mark.parametrize(
    ("rotation", "begin", "fatal"),
    [
        ("grace", "renewal", []),
        # At one step the response is only in memory. A code works once with either rotation.
        ("strict", "renewal", ["open acme.json.new"]),
        ("grace", "code", ["open acme.json.new"]),
    ],
)
def test_killed_at_whatever_step_a_run_loses_no_tokens_that_it_could_keep(
    box: Sandbox,
    file: Path,
    start: Start,
    config: Config,
    rotation: Any,
    begin: str,
    fatal: list[str],
) -> None:
    box.kommo.options.rotation = rotation
    survived: list[str] = []
    lost: list[str] = []
    while True:
        box.kommo.journal.clear()
        if begin == "code":
            config = consented(box, file)
            for path in file.parent.iterdir():
                path.unlink()
        else:
            let_end(file)
        step = len(survived) + len(lost) + 1
        tap = start(config, killed_at=(file.parent, step))
        if tap.end() != -signal.SIGKILL:
            break
        before = tap.stderr.rpartition("step ")[2].strip()
        if sync(config).code == 0:
            survived.append(before)
        else:
            lost.append(before)
            config["kommo"]["oauth"]["code"] = box.kommo.oauth.consent()
            assert_good(box, config)
    assert tap.end() == 0
    assert lost == fatal
    assert len(survived) >= 7
    assert "os.rename acme.json.new" in survived


def test_killed_between_the_answer_and_the_disk_eight_times_it_needs_no_new_consent(
    box: Sandbox, config: Config, file: Path, start: Start
) -> None:
    before = held(file)
    for killed in range(1, 9):
        box.kommo.oauth.faults.plan(faults.stall(60))
        tap = start(config)
        until(lambda so_far=killed: len(token_requests(box)) == so_far)  # type: ignore[misc]
        tap.kill()
        assert held(file) == before
    assert_good(box, config)
    assert held(file)["refresh_token"] != before["refresh_token"]


def test_killed_eight_times_at_a_moment_of_its_own_it_needs_no_new_consent(
    box: Sandbox, config: Config, start: Start, file: Path
) -> None:
    box.kommo.options.latency = 0.03
    for moment in range(8):
        let_end(file)
        box.kommo.journal.clear()
        tap = start(config)
        until(lambda: token_requests(box) or not tap.is_alive)  # noqa: B023
        time.sleep(moment * 0.01)
        tap.kill()
    assert_good(box, config)


@pytest.mark.parametrize("rotation", ["grace", "strict"])
def test_a_run_that_is_told_to_end_waits_for_the_tokens_it_has_asked_for(
    box: Sandbox, config: Config, start: Start, rotation: Any
) -> None:
    box.kommo.options.rotation = rotation
    assert_tokens_are_waited_for(box, config, start)


@pytest.mark.parametrize("rotation", ["grace", "strict"])
@pytest.mark.parametrize("begin", ["ended", "refused", "code"])
def test_two_runs_at_once_ask_for_new_tokens_once(
    box: Sandbox, file: Path, start: Start, config: Config, begin: str, rotation: Any
) -> None:
    box.kommo.options.rotation = rotation
    if begin == "code":
        config = consented(box, file)
    elif begin == "refused":
        assert_good(box, config)
        box.kommo.oauth.expire()
        box.kommo.journal.clear()
    with FileLock(f"{file}.lock"):
        taps = [start(config) for _ in range(2)]
        until(lambda: all("Beginning" in tap.stderr for tap in taps))
        time.sleep(0.3)  # for what should wait and does not
        assert token_requests(box) == []
    assert [tap.end() for tap in taps] == [0, 0]
    assert len(token_requests(box)) == 1
    assert_good(box, config)


def test_a_run_that_is_told_to_end_does_not_wait_for_another_program(
    file: Path, start: Start, config: Config
) -> None:
    with FileLock(f"{file}.lock"):
        tap = start(config)
        until(lambda: "Beginning" in tap.stderr)
        tap.terminate()
        assert tap.end() == 128 + signal.SIGTERM
