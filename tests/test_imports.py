"""Libraries that a run does not use are not imported, and are there for whoever does."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import LEADS, settings_for, sync

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox
    from tests.conftest import Config

UNUSED = ["joblib", "jsonpath_ng", "upath", "fsspec", "psutil", "rich", "numpy"]


def run(code: str, *arguments: str) -> Any:
    """What a program of its own prints last, as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


# Runs the command line, then tells what is imported.
COMMAND = f"""
import json, sys
from tap_leads.tap import TapLeads
try:
    TapLeads.cli(sys.argv[1:])
except SystemExit as ended:
    assert not ended.code, ended.code
print()
print(json.dumps([name for name in {UNUSED} if name in sys.modules]))
"""


def test_about_imports_nothing_that_it_does_not_use() -> None:
    assert run(COMMAND, "--about") == []


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_quiet_run_imports_nothing_that_it_does_not_use(
    box: Sandbox, tmp_path: Path, concurrency: int
) -> None:
    config: Config = {slot: settings_for(api) for slot, api in box.apis.items()}
    config["concurrency"] = concurrency
    files = {"config": config, "catalog": LEADS, "state": sync(config).state}
    arguments = []
    for option, content in files.items():
        path = tmp_path / f"{option}.json"
        path.write_text(json.dumps(content))
        arguments += [f"--{option}", str(path)]
    assert run(COMMAND, *arguments) == []


def test_the_libraries_are_the_real_ones_for_whoever_imports_them_later() -> None:
    code = """
import json, tap_leads
import joblib, jsonpath_ng.ext, upath
found = jsonpath_ng.ext.parse("$.a[*]").find({"a": [1, 2]})
path = upath.UPath("memory://a/b")
print(json.dumps([joblib.Parallel(n_jobs=1)(joblib.delayed(abs)(n) for n in (-1, 2)),
                  [match.value for match in found], path.name, path.protocol]))
"""
    assert run(code) == [[1, 2], [1, 2], "b", "memory"]


def test_the_sdk_itself_has_the_real_ones_when_it_uses_them() -> None:
    code = """
import json, tap_leads
from singer_sdk.helpers.jsonpath import extract_jsonpath
print(json.dumps(list(extract_jsonpath("$.a[*].b", {"a": [{"b": 1}, {"b": 2}]}))))
"""
    assert run(code) == [1, 2]
