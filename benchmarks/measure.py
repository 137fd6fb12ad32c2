"""Run a command in a small process that measures its time and memory.

Usage: `python -m benchmarks.measure RESULT OUTPUT ERRORS SECONDS COMMAND...`. After SECONDS the
command is killed. A process inherits its parent's peak memory at the time it is started, so this
parent imports almost nothing, to be smaller than the command.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

_WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
_KIB = 1024 if sys.platform == "darwin" else 1
"""Units of `ru_maxrss` in a KiB: the system reports bytes on macOS, KiB on Linux."""


def main(result: str, output: str, errors: str, seconds: str, *command: str) -> None:
    """Run the command and write the measurements as JSON."""
    began = time.perf_counter()
    process = os.posix_spawn(
        command[0],
        command,
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, output, _WRITE, 0o644),
            (os.POSIX_SPAWN_OPEN, 2, errors, _WRITE, 0o644),
        ],
        setpgroup=0,
    )
    signal.signal(signal.SIGALRM, lambda *_: os.killpg(process, signal.SIGKILL))
    signal.alarm(int(seconds))
    _, status, usage = os.wait4(process, 0)
    signal.alarm(0)
    taken = {
        "wall": time.perf_counter() - began,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak_kib": usage.ru_maxrss / _KIB,
        "code": os.waitstatus_to_exitcode(status),
    }
    with open(result, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib needs memory
        json.dump(taken, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
