"""Settings, filters and streams in the documentation are those of the tap, and none is missing."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from sandbox.kommo.values import KINDS
from tap_leads.records.convert import BOOLEAN, ISO_TIME, NUMBER
from tap_leads.settings.load import tidy
from tap_leads.settings.validate import validate
from tap_leads.sources import SOURCES
from tap_leads.sources.kommo.custom_fields import AccountFields
from tap_leads.tap import TapLeads
from tests.support.pages import PAGES, README, fences, name_of, rows, section, spans
from tests.support.pages import SETTINGS as SETTINGS_PAGE
from tests.support.settings import CREDENTIALS
from tools.settings import own_settings, sdk_settings
from tools.streams import JOINS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from singer_sdk import Stream

    from tap_leads.sources.base import StreamSpec

SETTINGS = own_settings()
NAMES = {setting.name for setting in SETTINGS}
CHOICES = {choice for setting in SETTINGS for choice in setting.schema.get("enum", ())}
SPECS = {stream.name: stream for source in SOURCES for stream in source.streams}
STREAMS = TapLeads(validate_config=False).discover_streams()
YAML_READER = YAML(typ="safe")
SETTINGS_COLUMNS = 3


# Settings


def test_every_setting_is_in_the_reference_and_no_other() -> None:
    tap, sdk = SETTINGS_PAGE.split("## The SDK's settings")
    names = {name for row in rows(tap) if len(row) == SETTINGS_COLUMNS for name in spans(row[0])}
    assert names == NAMES
    assert {spans(row[0])[0] for row in rows(sdk)} == {setting.name for setting in sdk_settings()}


def test_every_setting_has_its_variable_in_the_reference_and_no_other() -> None:
    page = section("Environment variables", "docs/reference/environment.md")
    told = {
        spans(row[0])[0]: spans(row[1])[0] for row in rows(page) if len(row) == SETTINGS_COLUMNS
    }
    assert told == {setting.variable: setting.name for setting in SETTINGS + sdk_settings()}


def test_the_settings_that_the_reference_calls_required_are_required() -> None:
    page = section("Settings", "docs/reference/settings.md").partition("\n## ")[0]
    required = [name for row in rows(page) for name in spans(row[1])]
    named = {f"{source}.{name}" for source, name in CREDENTIALS.items()}
    assert set(required) == named | {"kommo.subdomain", "kommo.oauth"}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_setting_that_is_named_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    sources = "|".join(CREDENTIALS)
    for span in spans(text):
        if re.fullmatch(rf"({sources})\.[a-z_.]+", span) and not span.endswith(".py"):
            assert span in NAMES | CHOICES | {"kommo.oauth"}
    variables = {each.variable for each in SETTINGS + sdk_settings()}
    # Meltano and the SDK read them; the last is that of an inherited plugin.
    others = {"TAP_LEADS__SELECT", "TAP_LEADS_LOGLEVEL", "TAP_LEADS__BERLIN_KOMMO_ACCESS_TOKEN"}
    assert set(re.findall(r"\bTAP_LEADS_[A-Z_]*[A-Z]", text)) <= variables | others


def examples() -> Iterator[dict[str, Any]]:
    """Yield the settings of the tap in the examples of all pages."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in fences(text, "yaml"):
            content = YAML_READER.load(block)
            plugins = content.get("plugins", {"extractors": [content]}).get("extractors", [])
            yield from (plugin["config"] for plugin in plugins if "config" in plugin)
        yield from (json.loads(block) for block in fences(text, "json"))


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
    schema = TapLeads.full_schema()
    assert validate(tidy(config), schema, settings, columns, dynamic) == []


def words(schema: dict[str, Any]) -> Iterator[str]:
    """Yield every key and every choice in a part of the settings."""
    yield from map(str, schema.get("enum", ()))
    if "items" in schema:
        yield from words(schema["items"])
    for name, part in schema.get("properties", {}).items():
        yield name
        yield from words(part)


def test_every_key_and_choice_of_the_filters_is_in_the_guide_and_no_other() -> None:
    known = {setting.name: set(words(setting.schema)) for setting in SETTINGS}
    told = {
        source: {span for cell in row[1:] for span in spans(cell)} - {"filters"}
        for row in rows(section("Filters", "docs/guides/filters.md"))
        for source in spans(row[0])
    }
    assert told == {source: known[f"{source}.filters"] - {"filters"} for source in CREDENTIALS}


# Streams


def stream_rows() -> Iterator[list[str]]:
    """Yield the rows of the tables of streams on the pages of the sources."""
    for source in SOURCES:
        yield from rows(section("Streams", f"docs/sources/{source.name}.md"))


def test_every_stream_is_on_the_page_of_its_source_with_its_keys_and_no_other() -> None:
    told = [[spans(cell) for cell in row[:3]] for row in stream_rows()]
    assert told == [
        [
            [stream.name],
            list(stream.primary_keys),
            [stream.replication_key] if stream.replication_key else [],
        ]
        for stream in STREAMS
    ]


def test_the_page_sizes_in_the_documentation_are_those_of_the_streams() -> None:
    for row in stream_rows():
        size = re.search(r"pages of (\d+)", row[3])
        if size:
            assert int(size[1]) == SPECS[spans(row[0])[0]].traits.page_size
        elif row[3].startswith("as "):
            assert spans(row[3])[0] in SPECS


def test_the_streams_that_are_not_selected_by_default_are_those_in_the_documentation() -> None:
    unselected = {stream.name for stream in STREAMS if not stream.selected_by_default}
    assert unselected == {spans(r[0])[0] for r in stream_rows() if "not by default" in r[3]}
    readme = [row for row in rows(section("Streams")) if "not by default" in row[0]]
    assert unselected == {name for row in readme for name in spans(row[1])}


def test_every_stream_is_in_the_readme_once_with_its_replication() -> None:
    assert f"all {len(STREAMS)} are in" in README
    told = [(name, row[2]) for row in rows(section("Streams")) for name in spans(row[1])]
    assert sorted(told) == sorted(
        (stream.name, "incremental" if stream.replication_key else "full table")
        for stream in STREAMS
    )


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_the_reference_has_every_column_of_a_stream_and_no_other(stream: Stream) -> None:
    source = stream.name.partition("_")[0]
    facts, columns = section(stream.name, f"docs/reference/streams/{source}.md").split("| column")
    assert spans(facts.partition("Primary key")[2].partition("\n")[0]) == list(stream.primary_keys)
    told = [spans(row[0])[0] for row in rows(f"| column{columns}")]
    assert told == [
        name for name in stream.schema["properties"] if name not in {"account", "extra"}
    ]


@pytest.mark.parametrize("join", JOINS, ids=" ".join)
def test_the_tables_in_the_diagram_have_the_columns_that_join_them(
    join: tuple[str, str, str, str],
) -> None:
    one, _, other, columns = join
    assert one in SPECS
    assert set(columns.split(", ")) <= {column.name for column in SPECS[other].columns}


def test_the_kinds_of_custom_fields_in_the_guide_have_the_types_that_it_says() -> None:
    names = {"number": NUMBER, "boolean": BOOLEAN, "date-time": ISO_TIME}
    told = {
        kind: row[1]
        for row in rows(section("Custom fields of Kommo", "docs/guides/custom-fields.md"))
        for kind in spans(row[0])
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


@pytest.mark.parametrize("stream", SPECS.values(), ids=lambda stream: stream.name)
def test_the_description_of_a_column_says_what_it_is_of(
    stream: StreamSpec,
) -> None:
    for column in stream.columns:
        assert len(column.description.split()) > 2, column
        assert column.description.endswith("."), column
