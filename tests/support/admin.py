"""Run `tap-leads-admin` in this process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner

from tap_leads.admin import cli

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Outcome:
    """What the command printed, and its exit code."""

    code: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Return the lines of JSON that were printed."""
        return [json.loads(line) for line in self.stdout.splitlines()]


def admin(*arguments: str, environment: Mapping[str, str] | None = None) -> Outcome:
    """Run the command in the current folder."""
    done = CliRunner().invoke(cli, arguments, env=environment, prog_name="tap-leads-admin")
    return Outcome(done.exit_code, done.stdout, done.stderr)
