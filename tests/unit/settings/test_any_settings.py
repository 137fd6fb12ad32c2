"""Any JSON value for any setting is usable, or ends in one clear line: never in a traceback."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_leads.rest.clock import SystemClock
from tap_leads.settings.errors import SettingsError
from tap_leads.settings.load import from_environment, from_files, tidy, with_defaults
from tap_leads.settings.normalize import normalize, without_ignored
from tap_leads.settings.validate import validate
from tap_leads.sources import SOURCES
from tap_leads.tap import settings_schema

if TYPE_CHECKING:
    from pathlib import Path

    from hypothesis.strategies import SearchStrategy

    from tap_leads.settings.model import Config, Schema

SCHEMA = settings_schema(SOURCES)
OWN = [source.settings for source in SOURCES]
CREDENTIALS: dict[str, Config] = {
    "kommo": {"subdomain": "acme", "access_token": "abc"},
    "dashly": {"auth_token": "abc"},
    "octanist": {"api_key": "abc"},
}
OAUTH = {"client_id": "a", "client_secret": "b", "redirect_uri": "c", "code": "d"}

ODD_TEXTS = st.sampled_from(
    [
        "",
        " ",
        "~nobody-x/y",
        "a\0b",
        "\ud800",
        "x" * 5000,
        "2026-01-01",
        "9999-12-31T23:59:59-12:00",
    ]
)
NUMBERS = (
    st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from([4.0, 1e10, 1e300, -1.0, 1e-300, 2**70])
)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=5) | ODD_TEXTS,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


def values(schema: Schema) -> SearchStrategy[Any]:
    """Draw values for a setting: mostly of its type, and any others."""
    types = schema.get("type", "string")
    found: list[SearchStrategy[Any]] = [JSON]
    for kind in [types] if isinstance(types, str) else types:
        if "enum" in schema:
            found.append(st.sampled_from(schema["enum"]))
        elif kind == "object":
            found += [objects(schema)] * 3
        elif kind == "array":
            found.append(st.lists(values(schema.get("items", {})), max_size=2))
        elif kind in {"integer", "number"}:
            found.append(NUMBERS)
        elif kind == "string":
            found.append(st.text(max_size=8) | ODD_TEXTS)
    return st.one_of(found)


def objects(schema: Schema) -> SearchStrategy[Any]:
    properties = {name: values(kind) for name, kind in schema.get("properties", {}).items()}
    return st.fixed_dictionaries({}, optional=properties)


def used(config: Config) -> list[str]:
    """Use settings as a run does until its first request; return the lines of what is wrong."""
    settings = normalize(tidy(json.loads(json.dumps(config))), SCHEMA, OWN)
    errors = validate(settings, SCHEMA, OWN, {}, {})
    settings, _ = without_ignored(settings, OWN)
    if errors:
        assert all(line and "\n" not in line for line in errors)
        return errors
    complete = with_defaults(settings, SCHEMA)
    range(complete["concurrency"])
    for source in SOURCES:
        if source.name in settings:
            for _, label, own in source.settings.accounts(settings[source.name]):
                label.encode()
                source.auth(label, own, SystemClock())
                source.api(own)
                for stream in source.streams:
                    stream.bounds(own)
    return []


@given(objects(SCHEMA))
def test_any_settings_are_usable_or_refused_in_clear_lines(config: Config) -> None:
    used(config)


@pytest.mark.parametrize("source", sorted(CREDENTIALS))
@given(data=st.data())
def test_any_value_next_to_a_credential_is_usable_or_refused(
    source: str, data: st.DataObject
) -> None:
    schema = SCHEMA["properties"][source]
    name = data.draw(st.sampled_from(sorted(schema["properties"])))
    value = data.draw(values(schema["properties"][name]))
    used({source: {**CREDENTIALS[source], name: value}})


@given(data=st.data())
def test_any_value_in_oauth_is_usable_or_refused(data: st.DataObject) -> None:
    schema = SCHEMA["properties"]["kommo"]["properties"]["oauth"]
    name = data.draw(st.sampled_from(sorted(schema["properties"])))
    value = data.draw(values(schema["properties"][name]))
    used({"kommo": {"subdomain": "acme", "oauth": {**OAUTH, name: value}}})


@pytest.mark.parametrize(
    ("place", "value", "line"),
    [
        ("request_timeout", 1e10, "request_timeout: must be at most 3600"),
        ("concurrency", 4.5, "concurrency: must be an integer"),
        ("requests_per_second", 1e30, "kommo.requests_per_second: must be at most 10000"),
        ("requests_per_second", 1e-30, "kommo.requests_per_second: must be at least 0.001"),
        ("lookback_seconds", 1e30, "kommo.lookback_seconds: must be at most 315360000"),
        ("token_file", "~nobody-x/y", "kommo.oauth.token_file: must be the path of a file"),
        ("token_file", "a\0b", "kommo.oauth.token_file: must be the path of a file"),
        ("name", "\ud800", "kommo.name: must not contain half of a surrogate pair"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused(place: str, value: Any, line: str) -> None:
    own = {**CREDENTIALS["kommo"]}
    config: Config = {"kommo": own}
    if place == "token_file":
        del own["access_token"]
        own["oauth"] = {**OAUTH, place: value}
    elif place in SCHEMA["properties"]:
        config[place] = value
    else:
        own[place] = value
    assert used(config) == [line]


def test_a_whole_number_may_be_written_with_a_point() -> None:
    config = {"concurrency": 4.0, "kommo": {"filters": {"id": [7.0], "price": {"from": 1.5}}}}
    assert json.dumps(normalize(tidy(config), SCHEMA, OWN)) == (
        '{"concurrency": 4, "kommo": {"filters": {"id": [7], "price": {"from": 1.5}}}}'
    )


# The environment


NAMES = ("KOMMO", "KOMMO_OAUTH", "KOMMO_OAUTH_CODE", "KOMMO_ACCOUNTS", "KOMMO_FILTERS", "DASHLY",
         "DASHLY_APP_ID", "CONCURRENCY", "REQUEST_TIMEOUT", "HASH_FIELDS")  # fmt: skip
TEXTS = JSON.map(json.dumps) | st.text(st.characters(codec="ascii", exclude_characters="\0"))


@given(st.dictionaries(st.sampled_from(NAMES), TEXTS))
@example({"KOMMO": '{"oauth":"x"}', "KOMMO_OAUTH_CODE": "x"})
def test_any_variables_are_settings_or_refused(variables: dict[str, str]) -> None:
    prefixed = {f"TAP_LEADS_{name}": text for name, text in variables.items()}
    with patch.dict(os.environ, prefixed), suppress(SettingsError):
        used(from_environment(SCHEMA, "TAP_LEADS_"))


def test_the_variable_of_a_key_in_what_is_no_object_is_refused() -> None:
    variables = {"TAP_LEADS_KOMMO": '{"oauth":"x"}', "TAP_LEADS_KOMMO_OAUTH_CODE": "x"}
    with patch.dict(os.environ, variables), pytest.raises(SettingsError) as raised:
        from_environment(SCHEMA, "TAP_LEADS_")
    assert raised.value.lines == ["TAP_LEADS_KOMMO_OAUTH_CODE: kommo.oauth must be an object"]


def test_a_file_that_is_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"a":' * 100_000)
    with pytest.raises(SettingsError, match="is not valid JSON"):
        from_files([str(file)])
