"""The definitions for other schedulers in the guide keep to its contract.

`make scale` lets the tools themselves read them.
"""

from __future__ import annotations

import math
import re

import pytest
from ruamel.yaml import YAML

from tests.support.pages import ROOT, fences, rows
from tools.settings import own_settings

PAGE = (ROOT / "docs/guides/scaling-out.md").read_text(encoding="utf-8")
(PYTHON,), (MANIFEST,) = fences(PAGE, "python"), fences(PAGE, "yaml")
JOB = YAML(typ="safe").load(MANIFEST)["spec"]
(CONTAINER,) = JOB["jobTemplate"]["spec"]["template"]["spec"]["containers"]
LINE = re.compile(
    r"meltano --log-level=warning el tap-leads target-postgres --state-id=\S+ --force"
)


def test_the_dagster_definitions_are_python_and_run_the_commands_of_the_contract() -> None:
    compile(PYTHON, "definitions.py", "exec")
    words = re.findall(r'"([^"]+)"', PYTHON)
    assert {"meltano", "el", "tap-leads", "target-postgres", "--force"} <= set(words)
    assert {"invoke", "tap-leads:accounts"} <= set(words)
    assert "finally:" in PYTHON
    assert ".meltano/run/elt/" in PYTHON


def test_the_kubernetes_job_runs_each_account_once_with_the_command_of_the_contract() -> None:
    assert JOB["concurrencyPolicy"] == "Forbid"
    spec = JOB["jobTemplate"]["spec"]
    assert spec["completionMode"] == "Indexed"
    assert spec["parallelism"] * 2 <= 6
    (*_, script) = CONTAINER["command"]
    assert LINE.search(script)
    assert "JOB_COMPLETION_INDEX" in script


def test_every_command_line_of_a_task_names_the_account_first() -> None:
    for block in (*fences(PAGE, "bash"), CONTAINER["command"][-1]):
        if " el " in block:
            assert LINE.search(block)
            assert block.index("TAP_LEADS_ACCOUNT") < block.index(" el ")
    names = set(re.findall(r"\bTAP_LEADS_[A-Z_]+[A-Z]", PAGE)) - {"TAP_LEADS__SELECT"}
    assert names <= {setting.variable for setting in own_settings()}


def test_the_sizes_follow_from_the_figures_that_were_measured() -> None:
    measured, sizes = PAGE.partition("## Sizing")[2].partition("\n## ")[0].split("From these")
    figures = [float(row[1].split()[0].replace(",", "")) for row in rows(measured)]
    requests, tasks, services = figures[0], figures[2], figures[3]
    found = list(rows(sizes))
    assert len(found) > 2
    for row in found:
        accounts, rate, addresses, cores = (float(cell.replace(",", "")) for cell in row[:4])
        assert rate == pytest.approx(accounts * requests / 3600, rel=0.1)
        assert addresses == math.ceil(accounts * requests / 3600 / 6)
        assert cores == pytest.approx(accounts * (tasks + services) / 3600, rel=0.1)
