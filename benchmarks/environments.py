"""Virtual environments of the competitors, below `.bench/`, from the lock files in `locks/`.

`python -m benchmarks.environments lock` regenerates the lock files from the pins in `locks/*.in`,
and those of the examples.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from importlib.metadata import version as installed
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCKS = ROOT / "benchmarks" / "locks"
ENVIRONMENTS = ROOT / ".bench" / "environments"
UV = ROOT / ".tools" / "bin" / "uv"
OLDEST = "3.11"
"""The oldest Python version that a lock file must support."""


def program(name: str | None, executable: str) -> str:
    """Return the path of a program in an environment; None is the project's environment."""
    folder = Path(sys.prefix) if name is None else ENVIRONMENTS / name
    return str(folder / "bin" / executable)


@cache
def version(name: str | None) -> str:
    """Return the version in an environment's lock file, or else the installed version."""
    if name is None or not (LOCKS / f"{name}.txt").exists():
        return installed(name or "tap-leads")
    lines = (LOCKS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    pins = (line.partition(";")[0].strip().partition("==") for line in lines)
    return next(pinned for package, _, pinned in pins if package.partition("[")[0] == name)


@cache
def problem(name: str | None) -> str:
    """Create an environment if it is missing or outdated; return why that failed, if it did."""
    if name is None:
        return ""
    return install(ENVIRONMENTS / name, LOCKS / f"{name}.txt")


def install(environment: Path, lock: Path) -> str:
    """Create an environment from a lock file unless it is current; return why that failed."""
    done = environment / "synced"
    if done.exists() and done.read_bytes() == lock.read_bytes():
        return ""
    print(f"Setting up {environment.relative_to(ROOT)}", flush=True)
    for command in (
        ["venv", "--clear", "--python", sys.executable, str(environment)],
        ["pip", "sync", "--python", str(environment / "bin" / "python"), str(lock)],
    ):
        made = _uv(*command)
        if made.returncode:
            return f"cannot be installed: {made.stderr.strip().splitlines()[-1][:300]}"
    done.write_bytes(lock.read_bytes())
    return ""


def lock() -> None:
    """Regenerate every lock file from its pins."""
    for pins in sorted([*LOCKS.glob("*.in"), *(ROOT / "examples").rglob("*.in")]):
        target = pins.with_suffix(".txt")
        made = _uv("pip", "compile", "--universal", f"--python-version={OLDEST}", "--no-annotate",
                   "--no-header", str(pins), f"--output-file={target}")  # fmt: skip
        print(pins.stem, made.stderr if made.returncode else "locked")


def _uv(*arguments: str) -> subprocess.CompletedProcess[str]:
    # This variable would make uv use the project's environment instead.
    environment = {k: v for k, v in os.environ.items() if k != "UV_PROJECT_ENVIRONMENT"}
    return subprocess.run(
        [UV, "--quiet", *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        cwd=ROOT,
    )


if __name__ == "__main__" and sys.argv[1:] == ["lock"]:
    lock()
