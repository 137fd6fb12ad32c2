"""The package on PyPI: the tap alone, typed, with a description whose links work there."""

from __future__ import annotations

import email
import re
import subprocess
import sys
import tomllib
import zipfile
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from tests.support.pages import ROOT

if TYPE_CHECKING:
    from email.message import Message
    from pathlib import Path

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built without a network."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    """The metadata of the wheel."""
    (name,) = [name for name in wheel.namelist() if name.endswith("METADATA")]
    return email.message_from_bytes(wheel.read(name))


def test_the_wheel_has_the_typed_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    sources = ROOT / "tap_leads"
    files = [path for path in sources.rglob("*") if path.suffix in {".py", ".typed"}]
    package = {path.relative_to(ROOT).as_posix() for path in files}
    assert "tap_leads/py.typed" in package
    assert {name for name in wheel.namelist() if ".dist-info/" not in name} == package


def test_the_metadata_says_what_the_package_is(metadata: Message) -> None:
    assert metadata["Summary"] == PROJECT["description"]
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Author"]
    assert metadata["Description-Content-Type"] == "text/markdown"
    versions = {c.rpartition(" ")[2] for c in metadata.get_all("Classifier", []) if ":: 3." in c}
    assert versions == {"3.11", "3.12", "3.13", "3.14"}


def test_the_description_has_only_links_that_work_on_pypi(metadata: Message) -> None:
    description = str(metadata.get_payload())
    assert description.startswith("# tap-leads\n")
    targets = re.findall(r"\]\(([^)]+)\)", description)
    assert targets
    assert all(target.startswith("https://") for target in targets)
    assert "```mermaid" not in description


def test_the_release_workflow_publishes_a_tested_tag_without_a_stored_token() -> None:
    workflow = (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")
    jobs = YAML(typ="safe").load(workflow)["jobs"]
    steps = [step.get("run", "") for step in jobs["build"]["steps"]]
    assert steps.index("make test PYTHON=python") < steps.index("make package PYTHON=python")
    assert jobs["publish"]["needs"] == "build"
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert "secrets." not in workflow


@pytest.mark.parametrize("form", sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("[!c]*.yml")))
def test_an_issue_form_asks_for_something_and_its_ids_are_unique(form: Path) -> None:
    content = YAML(typ="safe").load(form.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= content.keys()
    fields = [field for field in content["body"] if field["type"] != "markdown"]
    ids = [field["id"] for field in fields]
    assert len(set(ids)) == len(ids) > 0
    assert any(field.get("validations", {}).get("required") for field in fields)
