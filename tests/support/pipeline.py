"""Run code of the Airflow example in a process of its own, as Airflow does."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from demo.environment import without_settings
from tests.support.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

EXAMPLE = ROOT / "examples" / "airflow"


def command(code: str) -> list[str]:
    """Return the command that runs code which can use the module `pipeline`."""
    return [sys.executable, "-c", f"import pipeline; {code}"]


def in_pipeline(code: str, environment: Mapping[str, str] | None = None) -> str:
    """Run code that can use the module `pipeline`, and return what it prints."""
    done = subprocess.run(
        command(code),
        cwd=EXAMPLE / "dags",
        env={**without_settings(), **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
