"""Runs that are killed, told to end, or at work at the same time, on one token file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock

from sandbox import faults
from tests.support.catalogs import LEADS
from tests.support.oauth import consented, held, let_end, token_requests
from tests.support.run import everyone, sync

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandbox import Sandbox
    from tests.support.settings import Config

    Start = Callable[..., "Program"]

# The tap, which is killed by itself right before its n-th change to a folder.
KILLED = """
import os, signal, sys
from tap_leads.tap import TapLeads

folder, step = os.environ["KILL_FOLDER"], int(os.environ["KILL_STEP"])

def hook(event, arguments):
    global step
    writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    if writes or event in {"os.rename", "os.remove", "os.chmod", "os.mkdir"}:
        if str(arguments[0]).startswith(folder):
            print("step", event, os.path.basename(arguments[0]), file=sys.stderr, flush=True)
            step -= 1
            if not step:
                os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(hook)
TapLeads.cli()
"""


@dataclass(frozen=True)
class Program:
    """The tap as a program of its own."""

    process: subprocess.Popen[bytes]
    log: Path

    def end(self) -> int:
        """Wait for its end; its exit code."""
        return self.process.wait(90)

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self.process.kill()
        self.process.wait()

    @property
    def stderr(self) -> str:
        """What it has said by now."""
        return self.log.read_text()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "tokens").mkdir()
    return tmp_path / "tokens" / "acme.json"


@pytest.fixture
def config(box: Sandbox, file: Path) -> Config:
    """Settings with which a first run has been made, and whose access token is past its time."""
    config = consented(box, file)
    assert sync(config).code == 0
    let_end(file)
    box.kommo.journal.clear()
    return config


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start the tap as a program of its own."""
    started: list[Program] = []
    (tmp_path / "catalog.json").write_text(json.dumps(LEADS))

    def run(config: Config, *program: str, **environment: str) -> Program:
        (tmp_path / "config.json").write_text(json.dumps(config))
        command = [sys.executable, *(program or ("-m", "tap_leads"))]
        command += ["--config", "config.json", "--catalog", "catalog.json"]
        log = tmp_path / f"stderr-{len(started)}"
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                command,
                cwd=tmp_path,
                env={**os.environ, **environment},
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )
        started.append(Program(process, log))
        return started[-1]

    yield run
    for program in started:
        program.kill()


def until(condition: Callable[[], object]) -> None:
    """Wait for something that another program is about to do."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def assert_good(box: Sandbox, config: Config) -> None:
    """A run reads every lead, without a new consent."""
    run = sync(config)
    assert run.code == 0
    assert set(run.ids("kommo_leads")) == everyone(box.kommo)


@pytest.mark.parametrize(
    ("rotation", "begin", "fatal"),
    [
        ("grace", "renewal", []),
        # At one step the answer is in memory alone: it is about to be written to the disk. A code
        # is good once under either rule.
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
        program = start(config, "-c", KILLED, KILL_FOLDER=str(file.parent), KILL_STEP=str(step))
        if program.end() != -signal.SIGKILL:
            break
        before = program.stderr.rpartition("step ")[2].strip()
        if sync(config).code == 0:
            survived.append(before)
        else:
            lost.append(before)
            config["kommo"]["oauth"]["code"] = box.kommo.oauth.consent()
            assert_good(box, config)
    assert program.end() == 0
    assert lost == fatal
    assert len(survived) >= 7
    assert "os.rename acme.json.new" in survived


def test_killed_between_the_answer_and_the_disk_eight_times_it_needs_no_new_consent(
    box: Sandbox, config: Config, file: Path, start: Start
) -> None:
    before = held(file)
    for killed in range(1, 9):
        box.kommo.oauth.faults.plan(faults.stall(60))
        program = start(config)
        until(lambda so_far=killed: len(token_requests(box)) == so_far)  # type: ignore[misc]
        program.kill()
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
        program = start(config)
        until(lambda: token_requests(box) or program.process.poll() is not None)  # noqa: B023
        time.sleep(moment * 0.01)
        program.kill()
    assert_good(box, config)


@pytest.mark.parametrize("rotation", ["grace", "strict"])
def test_a_run_that_is_told_to_end_waits_for_the_tokens_it_has_asked_for(
    box: Sandbox, config: Config, start: Start, rotation: Any
) -> None:
    box.kommo.options.rotation = rotation
    box.kommo.options.latency = 0.5
    program = start(config)
    until(lambda: token_requests(box))
    program.process.send_signal(signal.SIGTERM)
    assert program.end() == 128 + signal.SIGTERM
    box.kommo.options.latency = 0
    assert_good(box, config)
    assert len(token_requests(box)) == 1


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
        programs = [start(config) for _ in range(2)]
        until(lambda: all("Beginning" in program.stderr for program in programs))
        time.sleep(0.3)  # for what should wait and does not
        assert token_requests(box) == []
    assert [program.end() for program in programs] == [0, 0]
    assert len(token_requests(box)) == 1
    assert_good(box, config)


def test_a_run_that_is_told_to_end_does_not_wait_for_another_program(
    file: Path, start: Start, config: Config
) -> None:
    with FileLock(f"{file}.lock"):
        program = start(config)
        until(lambda: "Beginning" in program.stderr)
        program.process.send_signal(signal.SIGTERM)
        assert program.end() == 128 + signal.SIGTERM
