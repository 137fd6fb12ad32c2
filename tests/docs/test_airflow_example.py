"""The Airflow example names settings, streams and commands that exist."""

from __future__ import annotations

import ast
import json
import re
from fnmatch import fnmatch
from typing import Any

import pytest
from ruamel.yaml import YAML

from tap_leads.tap import TapLeads
from tests.support.pages import ROOT, fences
from tests.support.pipeline import EXAMPLE, in_pipeline
from tools.settings import own_settings

PLUGINS = YAML(typ="safe").load(EXAMPLE / "meltano.yml")["plugins"]
(TAP,), (TARGET,) = PLUGINS["extractors"], PLUGINS["loaders"]
README = (EXAMPLE / "README.md").read_text(encoding="utf-8")
VARIABLES = (EXAMPLE / ".env.example").read_text(encoding="utf-8")
PIPELINE = (EXAMPLE / "dags" / "pipeline.py").read_text(encoding="utf-8")
DAGS = (EXAMPLE / "dags" / "leads.py").read_text(encoding="utf-8")


def definition(name: str) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(ROOT / name)
    return found


@pytest.mark.parametrize(
    ("plugin", "name"),
    [(TAP, "plugin.yml"), (TARGET, "target-postgres.yml")],
    ids=["tap", "target"],
)
def test_the_plugins_are_those_of_their_definitions(plugin: dict[str, Any], name: str) -> None:
    whole = definition(name)
    assert (plugin["namespace"], plugin["executable"]) == (whole["namespace"], whole["executable"])
    assert set(plugin["capabilities"]) <= set(whole["capabilities"])
    settings = {setting["name"]: setting for setting in whole["settings"]}
    for setting in plugin["settings"]:
        known = settings[setting["name"]]
        for key in ("kind", "sensitive"):
            assert setting.get(key, "string" if key == "kind" else None) == known.get(key), setting


def test_the_commands_are_those_of_the_definition() -> None:
    known = definition("plugin.yml")["commands"]
    for name, command in TAP["commands"].items():
        assert command.items() <= known[name].items()
    used = set(re.findall(r"invoke[ \",]+tap-leads:([a-z-]+)", README + PIPELINE))
    assert used == set(TAP["commands"])


def test_meltano_passes_on_every_setting_of_the_tap_that_the_example_uses() -> None:
    # Meltano ignores the variable of a setting that its project does not declare.
    declared = {setting["name"] for setting in TAP["settings"]}
    variables = {setting.variable: setting.name for setting in own_settings()}
    used = set(re.findall(r"\bTAP_LEADS_[A-Z][A-Z_]*", VARIABLES + PIPELINE + README))
    assert used
    assert {variables[name] for name in used} <= declared
    assert set(TAP["config"]["kommo"]) == {"requests_per_second"}


def test_the_rate_of_all_slots_of_the_pool_is_within_the_limit_of_an_address() -> None:
    slots = re.search(r"airflow pools set kommo (\d+)", README)
    assert slots
    assert int(slots[1]) * TAP["config"]["kommo"]["requests_per_second"] <= 6
    assert 'pool="kommo"' in DAGS


def selected(patterns: list[str], streams: set[str]) -> set[str]:
    """Return the streams that Meltano selects by these patterns."""
    excluded = [pattern[1:] for pattern in patterns if pattern[0] == "!"]
    included = [pattern for pattern in patterns if pattern[0] != "!"]
    return {
        stream
        for stream in streams
        if any(fnmatch(f"{stream}.id", pattern) for pattern in included)
        and not any(fnmatch(f"{stream}.id", pattern) for pattern in excluded)
    }


def test_each_default_stream_of_kommo_is_in_one_rhythm() -> None:
    select = json.loads(in_pipeline("import json; print(json.dumps(pipeline.SELECT))"))
    streams = {
        stream.name: stream.selected_by_default
        for stream in TapLeads(validate_config=False).discover_streams()
        if stream.name.startswith("kommo_")
    }
    hourly, daily = (selected(select[rhythm], set(streams)) for rhythm in ("hourly", "daily"))
    assert len(hourly) == len(select["hourly"])
    assert not hourly & daily
    assert hourly | daily == {name for name, by_default in streams.items() if by_default}


def test_the_dags_are_made_of_the_rhythms_that_the_pipeline_knows() -> None:
    tree = ast.parse(DAGS)
    rhythms = next(
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "RHYTHMS"
    )
    assert isinstance(rhythms, ast.Dict)
    names = [ast.literal_eval(key) for key in rhythms.keys if key is not None]
    assert names == json.loads(in_pipeline("import json; print(json.dumps([*pipeline.SELECT]))"))
    assert set(re.findall(r"\bleads_[a-z]+\b", README)) == {f"leads_{name}" for name in names}


@pytest.mark.parametrize("name", ["airflow", "meltano"])
def test_the_requirements_are_pinned(name: str) -> None:
    direct = (EXAMPLE / f"requirements-{name}.in").read_text(encoding="utf-8").split()
    lines = (EXAMPLE / f"requirements-{name}.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.partition(";")[0].strip() for line in lines]
    assert all("==" in pin for pin in pins)
    assert {re.sub(r"\[.*\]", "", each) for each in direct} <= set(pins)


def test_the_files_that_the_readme_names_exist_or_are_made_by_its_commands() -> None:
    for name in re.findall(r"[\w.-]+\.(?:txt|py|yml|json)|\.env\.example", README):
        assert name == "accounts.json" or list(EXAMPLE.rglob(name)), name
    assert len(fences(README, "sh")) > 4
