"""The script for CI: its arguments, and what it runs."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.pages import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def ci(folder: Path, *arguments: str) -> tuple[int, str, str, str]:
    """Run `.ci/run` with a `make` that only writes its arguments to a file.

    Returns:
        The exit code, stdout, stderr, and what `make` was run with.
    """
    called = folder / "called"
    called.touch()
    make = folder / "make"
    make.write_text(f'#!/bin/sh\necho "$@" "CI=$CI" > "{called}"\n')
    make.chmod(0o755)
    done = subprocess.run(
        [ROOT / ".ci" / "run", *arguments],
        env={**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr, called.read_text()


def test_ci_runs_make_test(tmp_path: Path) -> None:
    assert ci(tmp_path) == (0, "", "", "test CI=true\n")


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_ci_prints_its_usage_and_starts_nothing(tmp_path: Path, option: str) -> None:
    code, stdout, stderr, called = ci(tmp_path, option)
    assert (code, stderr, called) == (0, "", "")
    assert stdout.startswith("Usage: .ci/run [--help]\n")


@pytest.mark.parametrize("arguments", [["--fast"], ["test"], [""], ["--help=all"]])
def test_ci_rejects_an_argument_that_it_does_not_know(tmp_path: Path, arguments: list[str]) -> None:
    code, stdout, stderr, called = ci(tmp_path, *arguments)
    assert (code, stdout, called) == (2, "", "")
    assert stderr.startswith(f".ci/run: unknown argument: {arguments[0]}\n")
    assert "Usage: .ci/run" in stderr


def test_make_test_prints_the_ten_slowest_tests() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^test:.*\n\t\$\(BIN\)/pytest .*--durations=10$", makefile, re.MULTILINE)
