"""Output that cannot be written is reported as such: no space, or a target that is gone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.catalogs import LEADS
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from sandbox import Sandbox

FULL = Path("/dev/full")
PATIENCE = 60


@pytest.mark.skipif(not FULL.exists(), reason="a device that is always full exists on Linux alone")
@pytest.mark.parametrize("arguments", [(), ("--discover",), ("--about", "--format=json")])
def test_a_full_disk_is_named(box: Sandbox, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with FULL.open("wb") as full:
        run = subprocess.run(
            [*command(box, tmp_path), *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert run.returncode == 1
    (line,) = failures(run.stderr)
    assert line == "cannot write to stdout: No space left on device [output-failed]"
    assert run.stderr.splitlines()[-1].endswith(line)


def test_a_target_that_is_gone_is_named(box: Sandbox, tmp_path: Path) -> None:
    with subprocess.Popen(
        command(box, tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as tap:
        assert tap.stdout is not None
        assert tap.stderr is not None
        tap.stdout.close()
        lines = tap.stderr.read()
        assert tap.wait(PATIENCE) == 1
    assert failures(lines) == ["the target closed the pipe. See the target's error [target-closed]"]


def command(box: Sandbox, folder: Path) -> list[str]:
    """Return the command that syncs the leads of one source."""
    options = []
    files = {"config": {"octanist": settings_for(box.octanist)}, "catalog": LEADS}
    for option, content in files.items():
        path = folder / f"{option}.json"
        path.write_text(json.dumps(content))
        options.append(f"--{option}={path}")
    return [sys.executable, "-m", "tap_leads", *options]


def failures(stderr: str) -> list[str]:
    """Return the lines that are no INFO, without the prefix of the log."""
    lines = [line for line in stderr.splitlines() if "| INFO " not in line]
    return [line.rpartition(" | ")[2] for line in lines]
