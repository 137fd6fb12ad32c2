"""The guide to the dbt package names its variables and models."""

from __future__ import annotations

import re

from ruamel.yaml import YAML

from tests.support.pages import ROOT, rows, section, spans

GUIDE = "docs/guides/dbt.md"
PACKAGE = ROOT / "dbt"


def test_the_guide_has_each_variable() -> None:
    project = YAML(typ="safe").load(PACKAGE / "dbt_project.yml")
    told = [spans(row[0])[0] for row in rows(section("Variables", GUIDE))]
    assert sorted(told) == sorted(project["vars"])


def test_the_guide_has_each_model() -> None:
    models = {
        file.stem for room in ("marts", "bridges") for file in PACKAGE.glob(f"models/{room}/*.sql")
    }
    told = {name for row in rows(section("Models", GUIDE)) for name in spans(row[0])}
    assert told == models | {"stg_"}


def test_the_macros_read_only_variables_that_are_declared() -> None:
    project = YAML(typ="safe").load(PACKAGE / "dbt_project.yml")
    texts = [file.read_text() for file in PACKAGE.rglob("*.sql")]
    read = {name for text in texts for name in re.findall(r"\bvar\([\"'](\w+)[\"']", text)}
    assert read == set(project["vars"])
