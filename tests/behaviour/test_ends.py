"""How runs end that do not come to their end: by signals, by closed pipes, by kill -9."""

from __future__ import annotations

import fcntl
import json
import os
import random
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import pytest

from tests.support.catalogs import LEADS
from tests.support.run import everyone, sync
from tests.support.runtime import set_runtime
from tests.support.settings import DAY, SOURCES, settings_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Api, Sandbox
    from tests.support.settings import Config

SIGNALS = [signal.SIGTERM, signal.SIGINT]
# What takes this long hangs.
PATIENCE = 60


@contextmanager
def running(
    folder: Path, config: Config, state: dict[str, Any] | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """The tap as a program, and its stdout, which is read here or not."""
    files = {"config": config, "catalog": LEADS, "state": state or {}}
    command = [sys.executable, "-m", "tap_leads"]
    for option, content in files.items():
        path = folder / f"{option}.json"
        path.write_text(json.dumps(content))
        command += [f"--{option}", str(path)]
    with (
        (folder / "stderr").open("wb") as stderr,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, cwd=folder) as tap,
    ):
        assert tap.stdout is not None
        try:
            yield tap, tap.stdout
        finally:
            tap.kill()


def told(folder: Path) -> list[str]:
    """What the last run in a folder said that is no INFO."""
    lines = (folder / "stderr").read_text().splitlines()
    return [line for line in lines if "| INFO " not in line]


def read_to_end(stdout: IO[bytes]) -> bytes:
    """What is still to come."""
    return b"".join(iter(lambda: os.read(stdout.fileno(), 1 << 16), b""))


def read_until(stdout: IO[bytes], wanted: int) -> bytes:
    """So many bytes and a little more, or all there is."""
    output = b""
    while len(output) < wanted and (chunk := os.read(stdout.fileno(), 1 << 16)):
        output += chunk
    return output


def is_full(pipe: IO[bytes]) -> bool:
    """Whether nothing more can be written into a pipe."""
    waiting = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0]
    room: int = fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ)
    return bool(waiting > room - select.PIPE_BUF)


def wait_for(is_so: Any) -> None:
    """Look again and again until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def messages_of(output: bytes) -> list[dict[str, Any]]:
    """The messages of lines that are all whole."""
    assert output.endswith(b"\n")
    return [json.loads(line) for line in output.splitlines()]


def complete(output: bytes) -> list[dict[str, Any]]:
    """The messages that a target got of a run that was killed: a line without an end is none."""
    return [json.loads(line) for line in output[: output.rfind(b"\n") + 1].splitlines()]


def ids(messages: list[dict[str, Any]]) -> set[str]:
    return {str(m["record"]["id"]) for m in messages if m["type"] == "RECORD"}


def last_state(messages: list[dict[str, Any]]) -> dict[str, Any] | None:
    states: list[dict[str, Any]] = [m["value"] for m in messages if m["type"] == "STATE"]
    return states[-1] if states else None


def assert_the_rest_comes(api: Api, messages: list[dict[str, Any]]) -> set[str]:
    """A run from the last state brings what is missing; returns what came again."""
    stream = f"{api.slot}_leads"
    api.options.latency = 0
    rest = sync({api.slot: settings_for(api, lookback_seconds=0)}, last_state(messages))
    assert rest.code == 0
    assert ids(messages) | set(rest.ids(stream)) == everyone(api)
    return ids(messages) & set(rest.ids(stream))


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_the_tap_waits_for_the_network_ends_it_with_a_state(
    box: Sandbox, tmp_path: Path, source: str, number: signal.Signals
) -> None:
    api = box.apis[source]
    api.options.page_cap = 20

    def after_request(api: Api, _rng: random.Random) -> None:
        if len(api.journal) == 12:
            api.options.latency = 30  # for all that follow

    api.after_request = after_request
    with running(tmp_path, {source: settings_for(api)}) as (tap, stdout):
        wait_for(lambda: len(api.journal) > 12)
        tap.send_signal(number)
        output = read_to_end(stdout)
        assert tap.wait(PATIENCE) == 128 + number
    messages = messages_of(output)
    assert messages[-1]["type"] == "STATE"
    assert len(told(tmp_path)) == 1
    assert len(ids(messages)) >= 20
    again = assert_the_rest_comes(api, messages)
    assert len(again) < len(ids(messages))


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("times", [1, 3])
def test_signals_while_nobody_reads_what_is_written_leave_whole_lines_and_a_state(
    box: Sandbox, tmp_path: Path, number: signal.Signals, times: int
) -> None:
    api = box.kommo
    api.insert(3000, at=time.time() - 30 * DAY)
    with running(tmp_path, {"kommo": settings_for(api)}) as (tap, stdout):
        wait_for(lambda: is_full(stdout))
        for _ in range(times):
            tap.send_signal(number)
            time.sleep(0.02)  # signals that are not handled yet become one
        output = read_to_end(stdout)
        assert tap.wait(PATIENCE) == 128 + number
    messages = messages_of(output)
    assert messages[-1]["type"] == "STATE"
    assert len(told(tmp_path)) == 1
    assert ids(messages) < everyone(api)
    assert_the_rest_comes(api, messages)


@pytest.mark.parametrize("lines", [0, 1, 700])
def test_a_pipe_that_is_closed_ends_the_run_with_one_line(
    box: Sandbox, tmp_path: Path, lines: int
) -> None:
    box.kommo.insert(3000, at=time.time() - 30 * DAY)
    with running(tmp_path, {"kommo": settings_for(box.kommo)}) as (tap, stdout):
        for _ in range(lines):
            stdout.readline()
        stdout.close()
        assert tap.wait(PATIENCE) == 1
    (line,) = told(tmp_path)
    assert line.endswith("the target closed the pipe. See the target's error [target-closed]")


@pytest.mark.parametrize("source", SOURCES)
def test_after_kill_9_a_run_from_the_last_state_that_arrived_loses_nothing(
    box: Sandbox, tmp_path: Path, source: str
) -> None:
    api, rng = box.apis[source], random.Random(source)
    api.options.ties = "stable"
    api.insert(200, at=time.time() - DAY)
    for minutes in range(500):
        api.insert(4, at=time.time() - DAY - 60 * minutes)
    with running(tmp_path, {source: settings_for(api)}) as (tap, stdout):
        output = read_until(stdout, rng.randrange(1_500_000, 2_500_000))
        tap.kill()
        output += read_to_end(stdout)
    assert len(complete(output)) > 1000
    for arrived in (len(output), *(rng.randrange(len(output)) for _ in range(2))):
        assert_the_rest_comes(api, complete(output[:arrived]))


def test_a_state_follows_at_each_heartbeat(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    set_runtime(monkeypatch, heartbeat=0.0)
    api = box.octanist
    api.options.page_cap = 20
    run = sync({"octanist": settings_for(api)})
    since = 0
    for message in run.messages:
        since = 0 if message["type"] == "STATE" else since + (message["type"] == "RECORD")
        assert since <= 20
    marks = [s["bookmarks"]["octanist_leads"]["partitions"][0] for s in run.states]
    values = [mark.get("replication_key_value", "") for mark in marks]
    assert values == sorted(values)
    assert len(set(values)) > 10
