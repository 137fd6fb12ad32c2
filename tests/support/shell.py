"""Type the commands of the documentation into a shell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

PROGRAMS = (
    Path(sys.executable).parent,
    ROOT / ".meltano/loaders/target-jsonl/venv/bin",
)
"""Where the documentation's programs are installed here."""
# No command may need the Hub.
OFFLINE = {"MELTANO_HUB_API_ROOT": "http://127.0.0.1:9", "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "0"}


def shell(commands: str, folder: Path) -> str:
    """Type the commands in a folder, without settings of this machine; return what they print."""
    ours = ("MELTANO_", "TAP_LEADS_", "TARGET_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    path = os.pathsep.join([*map(str, PROGRAMS), os.environ["PATH"]])
    done = subprocess.run(
        ["/bin/bash", "-euc", commands],
        cwd=folder,
        env=environment | OFFLINE | {"PATH": path, "no_proxy": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, f"{commands}\n{(done.stdout + done.stderr)[-3000:]}"
    return done.stdout


def dotenv(block: str, values: Mapping[str, str]) -> str:
    """Return a block for `.env` with values in place of those of the documentation, and others."""
    lines = dict(line.split("=", 1) for line in block.splitlines())
    return "".join(f"{name}={value}\n" for name, value in (lines | dict(values)).items())
