"""Part 3: the tools themselves read the definitions on the documentation's page."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from benchmarks import environments
from benchmarks.environments import ROOT
from benchmarks.scale.project import WORK, SetUpError

if TYPE_CHECKING:
    from benchmarks.scale.report import Report

PAGE = ROOT / "docs" / "guides" / "scaling-out.md"


def run(report: Report, _accounts: int) -> None:
    """Run the part."""
    report.title("The definitions in the guide")
    folder = WORK / "snippets"
    folder.mkdir(parents=True, exist_ok=True)
    definitions, manifest = folder / "definitions.py", folder / "manifest.yaml"
    definitions.write_text(_block("python"), encoding="utf-8")
    manifest.write_text(_block("yaml"), encoding="utf-8")
    environment = {
        "DAGSTER_HOME": str(folder),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "HOME": str(folder),
    }
    (folder / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    _check(report, "dagster", ["definitions", "validate", "-f", str(definitions)], environment)
    _check(report, "kubernetes-validate", ["--strict", str(manifest)], {})


def _check(report: Report, tool: str, arguments: list[str], environment: dict[str, str]) -> None:
    """Record whether a tool accepts a definition."""
    if problem := environments.problem(tool):
        raise SetUpError(f"{tool} {problem}")
    program = environments.program(tool, tool)
    done = subprocess.run(
        [program, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    found = "accepted" if done.returncode == 0 else (done.stdout + done.stderr)[-500:]
    report.check(f"{tool} {environments.version(tool)}", found, holds=done.returncode == 0)


def _block(language: str) -> str:
    """Return the only block of the page in a language."""
    text = PAGE.read_text(encoding="utf-8")
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return str(found)
