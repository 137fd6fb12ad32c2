"""Settings, filters and streams in the README are those of the tap, and none is missing."""

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
from tests.support.pages import PAGES, README, fences, rows, section, spans
from tests.support.settings import CREDENTIALS
from tools.settings import own_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SETTINGS = own_settings()
NAMES = {setting.name for setting in SETTINGS}
CHOICES = {choice for setting in SETTINGS for choice in setting.schema.get("enum", ())}
SPECS = {stream.name: stream for source in SOURCES for stream in source.streams}
STREAMS = TapLeads(validate_config=False).discover_streams()
YAML_READER = YAML(typ="safe")


# Settings


def test_every_setting_is_in_the_table_and_no_other() -> None:
    table = README.partition("<!-- settings:begin -->")[2].partition("<!-- settings:end -->")[0]
    assert {name for row in rows(table) for name in spans(row[0])} == NAMES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_setting_that_is_named_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    sources = "|".join(CREDENTIALS)
    for span in spans(text):
        if re.fullmatch(rf"({sources})\.[a-z_]+", span):
            assert span in NAMES | CHOICES
    variables = {setting.variable for setting in SETTINGS} | {"TAP_LEADS__SELECT"}
    assert set(re.findall(r"\bTAP_LEADS_[A-Z_]*[A-Z]", text)) <= variables


def examples() -> Iterator[dict[str, Any]]:
    """Yield the settings in the README's examples."""
    for block in fences(README, "yaml"):
        content = YAML_READER.load(block)
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
    """Yield every key and every choice in a part of the settings."""
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
    """Yield the rows of the table of streams."""
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


def test_the_streams_that_are_not_selected_by_default_are_those_in_the_readme() -> None:
    unselected = {stream.name for stream in STREAMS if not stream.selected_by_default}
    assert unselected == {spans(r[0])[0] for r in stream_rows() if "not by default" in r[3]}


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
