"""What the documentation says is there, and what is there it says."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from sandbox.kommo.values import KINDS
from tap_leads.records.convert import BOOLEAN, ISO_TIME, NUMBER
from tap_leads.rest.errors import BLOCKED, MEANINGS, REDIRECT, SERVER_FAULT, UNKNOWN
from tap_leads.settings.load import tidy
from tap_leads.settings.validate import validate
from tap_leads.sources import SOURCES
from tap_leads.sources.kommo.custom_fields import AccountFields
from tap_leads.tap import TapLeads
from tests.support.pages import README, ROOT, fences, rows, section, spans
from tests.support.settings import CREDENTIALS
from tools.docs import settings as all_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUIRKS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *QUIRKS]

SETTINGS = list(all_settings(TapLeads.config_jsonschema))
NAMES = {setting.name for setting in SETTINGS}
CHOICES = {choice for setting in SETTINGS for choice in setting.schema.get("enum", ())}
SPECS = {stream.name: stream for source in SOURCES for stream in source.streams}
STREAMS = TapLeads(validate_config=False).discover_streams()
YAML_READER = YAML(typ="safe")
GAP = "…"
"""What stands in the README for the part of a message that differs."""


# Settings


def test_every_setting_is_in_the_table_and_no_other() -> None:
    table = README.partition("<!-- settings:begin -->")[2].partition("<!-- settings:end -->")[0]
    assert {name for row in rows(table) for name in spans(row[0])} == NAMES


def test_every_setting_is_in_the_plugin_to_copy_and_no_other() -> None:
    (plugin,) = [block for block in fences(README, "yaml") if "extractors:" in block]
    (tap,) = YAML_READER.load(plugin)["plugins"]["extractors"]
    assert {setting["name"] for setting in tap["settings"]} == NAMES
    secrets = {setting["name"] for setting in tap["settings"] if setting.get("sensitive")}
    oauth = {f"kommo.oauth.{name}" for name in ("client_secret", "code", "refresh_token")}
    credentials = {f"{source}.{name}" for source, name in CREDENTIALS.items()}
    assert secrets == {"hash_key", *credentials, *oauth}


def test_the_plugin_to_copy_is_the_one_of_this_project() -> None:
    (plugin,) = [block for block in fences(README, "yaml") if "extractors:" in block]
    copied = YAML_READER.load(plugin)["plugins"]
    ours = YAML_READER.load((ROOT / "meltano.yml").read_text(encoding="utf-8"))["plugins"]
    for kind in ("extractors", "loaders"):
        for theirs in copied[kind]:
            (plugin_of_ours,) = [each for each in ours[kind] if each["name"] == theirs["name"]]
            for key in ("namespace", "executable"):
                assert theirs[key] == plugin_of_ours[key]
            if kind == "loaders":
                assert theirs["pip_url"] == plugin_of_ours["pip_url"]
            else:
                assert theirs["capabilities"] == plugin_of_ours["capabilities"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_setting_that_is_named_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    sources = "|".join(CREDENTIALS)
    for span in spans(text):
        if re.fullmatch(rf"({sources})\.[a-z_]+", span):
            assert span in NAMES | CHOICES
    variables = {"TAP_LEADS_" + name.replace(".", "_").upper() for name in NAMES}
    assert set(re.findall(r"\bTAP_LEADS_[A-Z_]*[A-Z]", text)) <= variables


def examples() -> Iterator[dict[str, Any]]:
    """The settings in the README's examples."""
    for block in fences(README, "yaml"):
        content = YAML_READER.load(block)
        if "plugins" in content:
            content = content["plugins"]["extractors"][0]
        if "config" in content:
            yield content["config"]
    yield from (json.loads(block) for block in fences(README, "json"))


@pytest.mark.parametrize("config", list(examples()))
def test_the_settings_in_an_example_are_accepted(config: dict[str, Any]) -> None:
    for source, credential in CREDENTIALS.items():
        if source in config:
            if "oauth" in config[source]:
                config[source]["oauth"].setdefault("client_secret", "secret")
            else:
                config[source].setdefault(credential, "secret")
            if source == "kommo" and "accounts" not in config[source]:
                config[source].setdefault("subdomain", "mycompany")
    if not CREDENTIALS.keys() & config:
        config["octanist"] = {"api_key": "secret"}
    if "hash_fields" in config:
        config.setdefault("hash_key", "secret")
    settings = [source.settings for source in SOURCES]
    columns = {s.name: [column.name for column in s.columns] for s in SPECS.values()}
    dynamic = {s.name: s.dynamic_columns for s in SPECS.values() if s.dynamic_columns}
    schema = TapLeads.config_jsonschema
    assert validate(tidy(config), schema, settings, columns, dynamic) == []


def words(schema: dict[str, Any]) -> Iterator[str]:
    """Every key and every choice in a part of the settings."""
    yield from map(str, schema.get("enum", ()))
    if "items" in schema:
        yield from words(schema["items"])
    for name, part in schema.get("properties", {}).items():
        yield name
        yield from words(part)


def test_every_key_and_choice_of_the_filters_is_in_the_readme_and_no_other() -> None:
    known = {setting.name: set(words(setting.schema)) for setting in SETTINGS}
    told = {
        source: {span for cell in row[1:] for span in spans(cell)} - {"filters"}
        for row in rows(section("Filters"))
        for source in spans(row[0])
    }
    assert told == {source: known[f"{source}.filters"] - {"filters"} for source in CREDENTIALS}


# Streams


def stream_rows() -> Iterator[list[str]]:
    """The rows of the table of streams."""
    yield from rows(section("Streams").partition("\n### ")[0])


def test_every_stream_is_in_the_readme_with_its_keys_and_no_other() -> None:
    told = [[spans(cell) for cell in row[:3]] for row in stream_rows()]
    assert told == [
        [
            [stream.name],
            list(stream.primary_keys),
            [stream.replication_key] if stream.replication_key else [],
        ]
        for stream in STREAMS
    ]


def test_the_page_sizes_in_the_readme_are_those_of_the_streams() -> None:
    for row in stream_rows():
        size = re.search(r"pages of (\d+)", row[3])
        if size:
            assert int(size[1]) == SPECS[spans(row[0])[0]].traits.page_size
        elif row[3].startswith("as "):
            assert spans(row[3])[0] in SPECS


def test_the_streams_that_are_not_selected_by_default_are_those_in_the_readme_and_in_meltano() -> (
    None
):
    unselected = {stream.name for stream in STREAMS if not stream.selected_by_default}
    assert unselected == {spans(r[0])[0] for r in stream_rows() if "not by default" in r[3]}
    (plugin,) = [block for block in fences(README, "yaml") if "extractors:" in block]
    for text in (plugin, (ROOT / "meltano.yml").read_text(encoding="utf-8")):
        (tap,) = YAML_READER.load(text)["plugins"]["extractors"]
        assert tap["select"] == ["*.*", *(f"!{name}.*" for name in sorted(unselected))]


def test_the_kinds_of_custom_fields_in_the_readme_have_the_types_that_it_says() -> None:
    names = {"number": NUMBER, "boolean": BOOLEAN, "date-time": ISO_TIME}
    told = {
        kind: row[1] for row in rows(section("Custom fields of Kommo")) for kind in spans(row[0])
    }
    for kind, what in told.items():
        (first, *_) = AccountFields({1: {"id": 1, "name": "", "type": kind}}).columns()
        schema = first.type.schema
        word = re.split(r"[ ,]", what)[0]
        if word in names:
            assert schema == names[word].schema
        else:
            assert schema["type"] == ["null", "string"]
            assert (schema.get("format") == "date") == (word == "date")
    assert {kind for kind in KINDS if kind not in told} == {
        "text", "textarea", "url", "streetaddress", "tracking_data", "org_legal_name"
    }  # fmt: skip


# Messages


def templates() -> set[str]:
    """The texts in the tap's code, with a gap for each part that is filled in."""
    found: set[str] = set()
    for path in (ROOT / "tap_leads").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = node.values
                found.add(
                    "".join(str(p.value) if isinstance(p, ast.Constant) else GAP for p in parts)
                )
    return {re.sub(r"%s|%d|%\.\df|\{\w*\}", GAP, text) for text in found}


def says(template: str, text: str) -> bool:
    """Whether a text is a part of a template, or all of it with some of its gaps filled in."""
    fixed = template.replace(GAP, "").strip(" :")
    pattern = ".+".join(re.escape(part) for part in template.split(GAP))
    return text in template or (len(fixed) > 12 and re.fullmatch(pattern, text) is not None)


MESSAGES = [span for row in rows(section("Troubleshooting")) for span in spans(row[0])]


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_in_the_readme_is_one_of_the_taps(message: str) -> None:
    status = re.match(r"(\d{3}): ", message)
    text = message[status.end() :] if status else message
    if status:
        assert re.sub(r"\{\w+\}", GAP, MEANINGS[int(status[1])].text) == text
    else:
        assert any(says(template, text) for template in templates())


def test_the_readme_says_what_to_do_about_each_status() -> None:
    told = {re.sub(r"^\d{3}: ", "", message) for message in MESSAGES}
    for meaning in (*MEANINGS.values(), SERVER_FAULT, REDIRECT, UNKNOWN, BLOCKED):
        assert re.sub(r"\{\w+\}", GAP, meaning.text) in told


# Places


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_page_of_this_project_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        other = (page.parent / name) if name else page
        assert other.is_file(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", other.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in map(slug, headings), target


def test_every_page_of_quirks_is_linked_in_the_readme_and_each_source_has_one() -> None:
    linked = set(re.findall(r"\]\((docs/\w+\.md)\)", README))
    assert linked == {f"docs/{page.name}" for page in QUIRKS}
    assert {page.stem for page in QUIRKS} == {source.name for source in SOURCES}


@pytest.mark.parametrize("page", QUIRKS, ids=lambda page: page.name)
def test_every_quirk_is_numbered_and_says_why_it_matters_and_what_the_tap_does(page: Path) -> None:
    quirks = re.split(r"^(\d+)\. ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert [int(number) for number in quirks[::2]] == list(range(1, len(quirks) // 2 + 1))
    for quirk in quirks[1::2]:
        assert "**Why this matters:**" in quirk, quirk
        assert "**The tap**" in quirk, quirk


@pytest.mark.parametrize("page", QUIRKS, ids=lambda page: page.name)
def test_every_test_that_a_quirk_names_exists(page: Path) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page.read_text(encoding="utf-8"))
    assert named
    for path, name in named:
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), f"{path}::{name}"


def test_the_table_of_files_has_every_file_of_the_tap_and_none_that_is_not_there() -> None:
    told = {span for row in rows(section("Development")) for span in spans(row[0])}
    paths = {span for span in told if "/" in span}
    assert all((ROOT / path).exists() for path in paths)
    rooms = {f"tap_leads/{file.parent.name}/" for file in (ROOT / "tap_leads").glob("*/*.py")}
    files = {f"tap_leads/{file.name}" for file in (ROOT / "tap_leads").glob("[a-z]*.py")}
    assert rooms | files <= paths


def test_the_table_of_commands_is_what_make_offers() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    offered = re.findall(r"^([a-z-]+):.*## (.+)$", makefile, re.MULTILINE)
    told = [row for row in rows(section("Development")) if row[0].startswith("`make ")]
    assert told == [[f"`make {target}`", what] for target, what in offered]


def test_the_changelog_has_the_current_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    first = re.search(r"^## (\S+)", changelog, re.MULTILINE)
    assert first
    assert first[1] == project["version"]


def test_what_is_generated_is_up_to_date() -> None:
    command = [sys.executable, "-m", "tools.docs", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
