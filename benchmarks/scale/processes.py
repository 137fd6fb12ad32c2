"""Processes, and what they use: read from `/proc`."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_PROC = Path("/proc")
_PARENT, _TIMES, _STARTED = 1, slice(11, 15), 19
"""Positions in `/proc/*/stat`, counted from the state, which is behind the name of the program."""
_SAMPLE_SECONDS = 10.0
"""Reading the memory of a process costs CPU time."""


class Process(NamedTuple):
    """A process. The system gives its ID to another one some time after it has ended."""

    pid: int
    started: str

    @property
    def is_running(self) -> bool:
        """Return False if the process has ended."""
        stat = _stat(self.pid)
        return bool(stat) and stat[0] != "Z" and stat[_STARTED] == self.started


def process(pid: int) -> Process:
    """Return the process that has an ID now."""
    return Process(pid, (_stat(pid) or [""] * (_STARTED + 1))[_STARTED])


def _stat(pid: int) -> list[str]:
    """Return the fields of a process behind the name of its program; none if it has ended."""
    with suppress(OSError):
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return []


def tree(*roots: int) -> list[Process]:
    """Return these processes and their descendants, the parents first."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))):
            children.setdefault(int(stat[_PARENT]), []).append(int(entry.name))
    found = list(roots)
    for pid in found:
        found += children.get(pid, [])
    return [process(pid) for pid in found]


def cpu_seconds(*roots: int) -> float:
    """Return the CPU time of these processes and of all their descendants, also of ended ones."""
    ticks = sum(sum(map(int, _stat(each.pid)[_TIMES])) for each in tree(*roots))
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_mib(*roots: int) -> float:
    """Return the memory of these processes and their descendants; shared pages count once."""
    kib = 0
    for each in tree(*roots):
        with suppress(OSError):
            for line in (_PROC / str(each.pid) / "smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    kib += int(line.split()[1])
    return kib / 1024


class PeakMemory:
    """Samples the memory of processes during its `with` block.

    Args:
        roots: Returns the processes whose descendants count, too.
    """

    def __init__(self, roots: Callable[[], list[int]]) -> None:
        self.mib = 0.0
        self._roots = roots
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def _sample(self) -> None:
        while not self._ended.wait(_SAMPLE_SECONDS):
            self.mib = max(self.mib, memory_mib(*self._roots()))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
