"""`python -m sandbox` explains itself, and the README has every fault and option."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests

import sandbox
from sandbox.__main__ import banner
from sandbox.reference import reference
from tests.sandbox.client import ask, command

README = Path(sandbox.__file__).with_name("README.md").read_text(encoding="utf-8")


def run(*arguments: str) -> str:
    program = [sys.executable, "-m", "sandbox", *arguments]
    return subprocess.run(program, capture_output=True, check=True, text=True, timeout=60).stdout


def test_help_has_every_argument_with_its_default_and_the_control_plane() -> None:
    text = run("--help")
    for argument, default in (("port", "8070"), ("leads", "3000"), ("seed", "1"), ("live", "off")):
        assert re.search(rf"--{argument}\b[^-]*\(default: {default}\)", text)
    assert "/_control" in text


def test_the_readme_has_the_tables_that_the_command_prints() -> None:
    assert run("--reference") == reference()
    assert README.endswith(reference())


@pytest.mark.parametrize("slot", ["kommo", "dashly", "carrotquest", "octanist"])
def test_the_tables_have_every_option(unchanged: sandbox.Sandbox, slot: str) -> None:
    for option in vars(unchanged.apis[slot].options):
        assert f"| `{option}` |" in reference()


def test_the_commands_of_the_readme_work(box: sandbox.Sandbox) -> None:
    for path, body in re.findall(r"-X POST http://127.0.0.1:8070(\S+)(?: -d '(.+)')?", README):
        if "ids" not in body:
            response = requests.post(box.url + path, data=body.encode(), timeout=30)
            assert response.status_code == 200, (path, response.text)


def test_the_banner_has_credentials_that_work_and_actions_that_exist(box: sandbox.Sandbox) -> None:
    text = banner(box)
    for api in box.apis.values():
        assert api.url in text
        assert ask(api, token=api.token).status_code == 200
        assert api.token in text
    for path in re.findall(r"-X POST \S+/_control/(\S+)", text):
        assert "no such" not in command(box.kommo, path).get("error", "")
