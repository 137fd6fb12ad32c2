"""What a task does: run Meltano for one account. This module does not need the scheduler."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(os.environ.get("MELTANO_PROJECT_ROOT", Path(__file__).parents[1]))
MELTANO = os.environ.get("MELTANO", str(ROOT / ".venv-meltano" / "bin" / "meltano"))
FAST = (
    "kommo_leads",
    "kommo_deleted_leads",
    "kommo_incoming_leads",
    "kommo_lead_stage_changes",
    "kommo_contacts",
    "kommo_companies",
    "kommo_talks",
    "kommo_tasks",
)
LARGE = ("*_notes", "*_messages", "kommo_*events", "*_elements", "*_parts", "*_details")
"""Streams that few people need: they are in no rhythm."""
SELECT = {
    "hourly": [f"{stream}.*" for stream in FAST],
    "daily": ["*.*", *(f"!{stream}.*" for stream in (*FAST, *LARGE))],
}
"""The streams of each rhythm. No stream is in both, because each rhythm has its own state."""
GRACE_SECONDS = 60
"""How long Meltano may take to end after SIGTERM."""


def accounts(chosen: Sequence[str] = ()) -> list[dict[str, str]]:
    """Return the source, the name and the state ID of each account. No secret is among them.

    Args:
        chosen: The state IDs of the accounts to return; none for all accounts.

    Raises:
        ValueError: There is no account with one of these IDs.
    """
    command = [MELTANO, "--log-level=warning", "invoke", "tap-leads:accounts"]
    lines = subprocess.run(
        command, check=True, cwd=ROOT, env=_environment(), stdout=subprocess.PIPE, text=True
    ).stdout.splitlines()
    found = [json.loads(line) for line in lines]
    if unknown := {*chosen} - {each["state_id"] for each in found}:
        raise ValueError(f"there are no accounts with the IDs {', '.join(sorted(unknown))}")
    return [each for each in found if not chosen or each["state_id"] in chosen]


def load(state_id: str, rhythm: str, *arguments: str) -> None:
    """Load the streams of a rhythm of one account into PostgreSQL.

    Args:
        state_id: The state ID of the account, from `accounts()`.
        rhythm: A key of `SELECT`.
        arguments: More arguments for `meltano el`, such as `--full-refresh`.

    Raises:
        subprocess.CalledProcessError: Meltano failed; the state covers what was loaded.
    """
    run_id = f"{state_id}-{rhythm}"
    folder = ROOT / ".meltano" / "run" / "elt" / run_id
    environment = _environment(
        TAP_LEADS_ACCOUNT=state_id,
        TAP_LEADS__SELECT=json.dumps(SELECT[rhythm]),
        XDG_STATE_HOME=str(folder),  # Meltano writes a copy of the log there
    )
    # --force: a killed run keeps its state ID locked for five minutes. It is safe because the
    # scheduler starts no second run of a task that is still running.
    command = [MELTANO, "--log-level=warning", "el", "tap-leads", "target-postgres"]
    command += [f"--state-id={run_id}", "--force", *arguments]
    try:
        _run(command, environment)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str], environment: dict[str, str]) -> None:
    """Run a command that ends with this process, even if this process is killed."""
    if sys.platform == "linux":
        command = ["setpriv", "--pdeathsig=TERM", *command]
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        try:
            process.wait()
        finally:  # after a timeout, or if the task is stopped
            process.terminate()
            try:
                process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def _environment(**own: str) -> dict[str, Any]:
    """Return the environment without the scheduler's settings, which contain secrets."""
    others = {name: value for name, value in os.environ.items() if "AIRFLOW_" not in name}
    return others | own
