"""Run the tap as a process of its own, forked from a server that has imported it once.

Starting Python and importing the tap takes about a second, and tests of killed runs start many.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_leads.admin import cli
from tap_leads.tap import TapLeads
from tests.support.run import written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from multiprocessing.context import ForkServerProcess
    from pathlib import Path

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["tests.support.program"])


@dataclass(frozen=True)
class Program:
    """A process that runs the tap."""

    process: ForkServerProcess
    log: Path

    def end(self) -> int:
        """Wait until the process ends, and return its exit code."""
        self.process.join(120)
        assert self.process.exitcode is not None
        return self.process.exitcode

    def kill(self) -> None:
        """End the process as `kill -9` does."""
        self.process.kill()
        self.process.join()

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.process.terminate()

    @property
    def is_alive(self) -> bool:
        """True until the process ends."""
        return self.process.is_alive()

    @property
    def stderr(self) -> str:
        """Return what was logged so far."""
        return self.log.read_text() if self.log.exists() else ""


def start(
    folder: Path,
    *,
    killed_at: tuple[Path, int] | None = None,
    environment: Mapping[str, str] | None = None,
    stdout: Path | None = None,
    admin: Sequence[str] = (),
    **files: Any,
) -> Program:
    """Start the tap, or `tap-leads-admin`.

    Args:
        folder: Its working directory.
        killed_at: A folder and a number n: the process kills itself right before its nth change
            of that folder.
        environment: Variables to add to the environment.
        stdout: The file that the messages are written to; they are dropped by default.
        admin: A command of `tap-leads-admin` to run instead of the tap.
        files: The content of the files for options such as `config`.
    """
    log = folder / f"stderr-{time.monotonic_ns()}"
    arguments = [*admin, *written(folder, **files)]
    process = _SERVER.Process(
        target=_run,
        args=(folder, arguments, killed_at, {**(environment or {})}, stdout, log, bool(admin)),
    )
    process.start()
    return Program(process, log)


def until(condition: Callable[[], object]) -> None:
    """Wait until a condition that another process fulfills is true."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def _run(
    folder: Path,
    arguments: list[str],
    killed_at: tuple[Path, int] | None,
    environment: dict[str, str],
    stdout: Path | None,
    log: Path,
    is_admin: bool,
) -> None:
    os.chdir(folder)
    os.environ.update(environment)
    for number, path in ((1, stdout or os.devnull), (2, log)):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(descriptor, number)
    if killed_at:
        _kill_at(str(killed_at[0]), killed_at[1])
    if is_admin:
        cli(arguments, "tap-leads-admin")
    TapLeads.cli(arguments, "tap-leads")


def _kill_at(folder: str, step: int) -> None:
    left = step

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        changes = writes or event in {"os.rename", "os.remove", "os.chmod", "os.mkdir"}
        if changes and str(arguments[0]).startswith(folder):
            name = os.path.basename(arguments[0])  # noqa: PTH119  # also bytes
            print("step", event, name, file=sys.stderr, flush=True)
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
