"""A command run to its end by a small process, which says what it took.

`python -m benchmarks.measure RESULT OUTPUT ERRORS SECONDS COMMAND...` imports next to nothing: a
process inherits the peak of the memory that its parent had when it was started, and so must have
a parent that is smaller than itself. After SECONDS the command is ended.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

_WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
_KIB = 1024 if sys.platform == "darwin" else 1
"""What the system counts `ru_maxrss` in: bytes on macOS, KiB on Linux."""


def main(result: str, output: str, errors: str, seconds: str, *command: str) -> None:
    """Run the command and write what it took as JSON."""
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
    with open(result, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib is memory too
        json.dump(taken, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
