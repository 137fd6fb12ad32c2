"""The plugin definitions follow the rules of MeltanoHub and Meltano, and have every setting."""

from __future__ import annotations

import json
from fnmatch import fnmatch
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from tap_leads.sources import SOURCES
from tap_leads.tap import TapLeads
from tests.support.admin import admin
from tests.support.pages import README, ROOT, fences
from tests.support.settings import CREDENTIALS
from tools.settings import own_settings, sdk_settings

if TYPE_CHECKING:
    from pathlib import Path

YAML_READER = YAML(typ="safe")
PLUGIN = YAML_READER.load((ROOT / "plugin.yml").read_text(encoding="utf-8"))
TARGET = YAML_READER.load((ROOT / "target-postgres.yml").read_text(encoding="utf-8"))
DBT = YAML_READER.load((ROOT / "dbt-postgres.yml").read_text(encoding="utf-8"))
PROJECT = YAML_READER.load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
(DEMO,) = PROJECT["plugins"]["extractors"]
SETTINGS = {setting.name: setting for setting in own_settings() + sdk_settings()}
DEFINED = {setting["name"]: setting for setting in PLUGIN["settings"]}

# What MeltanoHub's schema of an extractor allows.
REQUIRED_KEYS = {"name", "namespace", "variant", "label"}
HUB_ONLY_KEYS = {
    "domain_url", "keywords", "maintenance_status", "next_steps", "prereq", "settings_preamble",
    "usage",
}  # fmt: skip
KEYS = REQUIRED_KEYS | HUB_ONLY_KEYS | {
    "pip_url", "description", "executable", "settings", "docs", "repo", "logo_url", "hidden",
    "settings_group_validation", "commands", "capabilities", "metadata", "schema", "select",
    "requires", "definition",
}  # fmt: skip
CAPABILITIES = {
    "properties", "catalog", "discover", "state", "about", "stream-maps", "schema-flattening",
    "activate-version", "batch", "test", "log-based", "structured-logging",
}  # fmt: skip
SETTING_KEYS = {
    "name", "aliases", "label", "value", "placeholder", "kind", "description", "tooltip",
    "documentation", "protected", "env", "value_processor", "value_post_processor", "oauth",
    "options", "docs", "sensitive",
}  # fmt: skip
SETTING_KINDS = {
    "oauth", "hidden", "password", "date_iso8601", "file", "email", "integer", "options", "object",
    "array", "boolean", "string",
}  # fmt: skip

TOKEN_STORE = "kommo.oauth.token_store"
FIRST_TOKENS = {"kommo.oauth.code", "kommo.oauth.refresh_token", TOKEN_STORE}


@pytest.mark.parametrize("plugin", [PLUGIN, TARGET, DBT], ids=lambda plugin: plugin["name"])
def test_a_definition_has_the_keys_and_capabilities_that_meltanohub_allows(
    plugin: dict[str, Any],
) -> None:
    assert REQUIRED_KEYS <= plugin.keys() <= KEYS
    assert set(plugin.get("capabilities", ())) <= CAPABILITIES
    assert plugin.get("maintenance_status", "beta") in {
        "active", "beta", "development", "inactive", "unknown"
    }  # fmt: skip


@pytest.mark.parametrize(
    "setting",
    PLUGIN["settings"] + TARGET["settings"] + DBT["settings"],
    ids=lambda setting: setting["name"],
)
def test_a_setting_has_the_keys_that_meltanohub_allows(setting: dict[str, Any]) -> None:
    assert {"name", "kind", "label", "description"} <= setting.keys() <= SETTING_KEYS
    assert setting["kind"] in SETTING_KINDS
    assert ("options" in setting) == (setting["kind"] == "options")
    for option in setting.get("options", ()):
        assert option.keys() == {"label", "value"}
    if "options" in setting and "value" in setting:
        assert setting["value"] in [option["value"] for option in setting["options"]]


def test_the_definitions_and_the_project_of_the_demo_are_valid_by_meltanos_own_schema() -> None:
    schema = json.loads(files("meltano.schemas").joinpath("meltano.schema.json").read_text())
    jsonschema.validate(PROJECT, schema)
    ours = {key: value for key, value in PLUGIN.items() if key not in HUB_ONLY_KEYS}
    plugins = {"extractors": [ours], "loaders": [TARGET], "utilities": [DBT]}
    jsonschema.validate({"version": 1, "plugins": plugins}, schema)


def test_the_definition_has_every_setting_and_no_other() -> None:
    assert DEFINED.keys() == SETTINGS.keys()
    assert DEMO["settings"] == PLUGIN["settings"]


def test_dbt_is_defined_as_in_the_project_of_the_demo() -> None:
    (dbt,) = [each for each in PROJECT["plugins"]["utilities"] if each["name"] == DBT["name"]]
    assert all(dbt[key] == DBT[key] for key in ("namespace", "pip_url", "executable"))
    assert [each["name"] for each in dbt["settings"]] == [each["name"] for each in DBT["settings"]]
    for ours, theirs in zip(dbt["settings"], DBT["settings"], strict=True):
        there = str(theirs.get("value")).replace("/../tap-leads", "")
        assert (ours.get("env"), str(ours.get("value"))) == (theirs.get("env"), there)


def test_exactly_the_credentials_are_sensitive() -> None:
    names = ("client_secret", "code", "refresh_token", "token_store")
    oauth = {f"kommo.oauth.{name}" for name in names}
    credentials = {f"{source}.{name}" for source, name in CREDENTIALS.items()}
    sensitive = {name for name, setting in DEFINED.items() if setting.get("sensitive")}
    assert sensitive == {"hash_key", *credentials, *oauth}


def test_no_setting_of_a_source_has_a_value_and_every_other_value_is_the_default_of_the_tap() -> (
    None
):
    for name, setting in DEFINED.items():
        schema = SETTINGS[name].schema
        if "." in name:
            assert "value" not in setting
        else:
            assert setting.get("value") == schema.get("default")


def filled(group: list[str], folder: Path) -> dict[str, Any]:
    """Return settings that have a value for each name of a group; a file is in a folder."""
    config: dict[str, Any] = {}
    for name in group:
        *path, key = name.split(".")
        place = config
        for part in path:
            place = place.setdefault(part, {})
        source = path[0]
        account = {CREDENTIALS[source]: "secret"} | (
            {"subdomain": "a"} if source == "kommo" else {}
        )
        file = folder / f"{source}.json"
        file.write_text(json.dumps([account]))
        values = {"accounts": [account], "accounts_file": str(file)}
        place[key] = values.get(key, "postgresql://host/db" if name == TOKEN_STORE else "a")
    return config


def problems(config: dict[str, Any]) -> list[str]:
    return TapLeads.prepare(config).errors


@pytest.mark.parametrize("group", PLUGIN["settings_group_validation"], ids=".".join)
def test_a_group_of_settings_is_complete_and_nothing_in_it_can_be_left_out(
    group: list[str], tmp_path: Path
) -> None:
    assert set(group) <= DEFINED.keys()
    assert problems(filled(group, tmp_path)) == []
    for name in group:
        if name not in FIRST_TOKENS:  # later runs have the tokens
            assert problems(filled([other for other in group if other != name], tmp_path))


def test_every_source_has_a_group_for_its_credential_and_for_several_accounts() -> None:
    last = {group[-1] for group in PLUGIN["settings_group_validation"]}
    for source in SOURCES:
        names = (CREDENTIALS[source.name], "accounts", "accounts_file")
        assert {f"{source.name}.{name}" for name in names} <= last


def test_the_definition_selects_what_the_tap_selects() -> None:
    streams = TapLeads(validate_config=False).discover_streams()
    unselected = {stream.name for stream in streams if not stream.selected_by_default}
    patterns = ["*.*", *(f"!{name}.*" for name in sorted(unselected))]
    assert PLUGIN["select"] == DEMO["select"] == patterns
    # In the documentation, patterns with more asterisks select the same.
    guide = (ROOT / "docs/guides/meltano.md").read_text(encoding="utf-8")
    for text in (README, (ROOT / "docs/quickstart.md").read_text(encoding="utf-8")):
        ((_, *excluded),) = [
            json.loads(line.partition("=")[2].strip("'"))
            for block in fences(text, "ini")
            for line in block.splitlines()
            if line.startswith("TAP_LEADS__SELECT=")
        ]
        names = [each.removeprefix("!").removesuffix(".*") for each in excluded]
        matching = {s.name for s in streams if any(fnmatch(s.name, name) for name in names)}
        assert matching == unselected
        assert "\n".join(f"- '{each}'" for each in ("*.*", *excluded)) in guide


def test_every_command_of_the_second_program_can_be_invoked_with_meltano() -> None:
    assert PLUGIN["commands"] == DEMO["commands"]
    assert PLUGIN["commands"].keys() == {
        "accounts", "tokens-status", "tokens-import", "tokens-export"
    }  # fmt: skip
    for command in PLUGIN["commands"].values():
        assert command["executable"] == "tap-leads-admin"
        assert admin(*command["args"].split(), "--help").code == 0


def test_the_loader_of_the_quick_start_is_the_one_of_the_demo() -> None:
    (loader,) = [each for each in PROJECT["plugins"]["loaders"] if each["name"] == TARGET["name"]]
    for key in ("namespace", "executable", "pip_url", "capabilities"):
        assert TARGET[key] == loader[key]
    values = {each["name"]: each["value"] for each in TARGET["settings"] if "value" in each}
    assert values == loader["config"]
