"""How many of the tap's functions a page and a record pass: counted, so no clock matters."""

from __future__ import annotations

import subprocess
import sys

from tests.support.pages import ROOT


def test_a_page_and_a_record_pass_few_functions() -> None:
    command = [sys.executable, "-m", "benchmarks.calls", "--pages", "4"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
