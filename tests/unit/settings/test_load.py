"""Settings out of files, environment variables and defaults."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_leads.settings.errors import SettingsError
from tap_leads.settings.load import (
    from_environment,
    from_files,
    from_options,
    merge,
    tidy,
    with_defaults,
)
from tap_leads.settings.model import (
    boolean,
    integer,
    list_of,
    number,
    object_of,
    one_of,
    secret,
    text,
)

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "canary-4f1c"
SCHEMA = object_of(
    {
        "crm": object_of(
            {
                "token": secret("Token", "A token."),
                "rate": number("Rate", "A rate.", default=2),
                "filters": object_of({"value": object_of({})}),
                "oauth": object_of({"code": text("Code", "A code.")}),
                "with": {"type": ["array", "string"]},
                "accounts": list_of({"type": "object"}),
            }
        ),
        "concurrency": integer("Concurrency", "How many.", default=4),
        "mode": one_of("Mode", "How.", "text", "native"),
        "is_shared": boolean("Shared", "If shared.", default=True),
        "stream_maps": {"type": ["object", "null"]},
        "seed": {"oneOf": [{"type": "integer"}, {"type": "string"}]},
    }
)


def environment(**variables: str) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(f"TAP_{name}", value)
        return from_environment(SCHEMA, "TAP_")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder: a file `.env` is looked for."""
    monkeypatch.chdir(tmp_path)


def written(tmp_path: Path, content: str | bytes, name: str = "settings.json") -> str:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


# Files


def test_a_later_file_wins_over_an_earlier_one(tmp_path: Path) -> None:
    first = written(tmp_path, '{"a": 1, "b": {"c": 1}}', "1.json")
    second = written(tmp_path, '{"b": {"d": 2}}', "2.json")
    assert from_files([first, second]) == {"a": 1, "b": {"d": 2}}
    assert from_files([]) == {}


def test_the_environment_takes_precedence_over_files_wherever_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, '{"concurrency": 1, "crm": {"rate": 2}}')
    monkeypatch.setenv("TAP_CONCURRENCY", "4")
    for values in ([file, "ENV"], ["env", file]):
        found, is_read = from_options(values, SCHEMA, "TAP_")
        assert is_read
        assert found == {"concurrency": 4, "crm": {"rate": 2}}
    assert from_options([file], SCHEMA, "TAP_") == ({"concurrency": 1, "crm": {"rate": 2}}, False)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f'{{"kommo": {{"access_token": "{CANARY}"', "is not valid JSON (line 1)"),
        (f'{{\n"{CANARY}"\n}}', "is not valid JSON (line 3)"),
        (f'["{CANARY}"]', "must contain a JSON object"),
        (f'"{CANARY}"', "must contain a JSON object"),
        ("", "is not valid JSON (line 1)"),
        (b"\xff\xfe" + CANARY.encode(), "is not valid JSON"),
        ('{"rate": NaN}', "is not valid JSON"),
        ('{"rate": -Infinity}', "is not valid JSON"),
    ],
)
def test_a_file_that_is_no_json_object_is_refused_without_its_content(
    tmp_path: Path, content: str | bytes, said: str
) -> None:
    path = written(tmp_path, content)
    with pytest.raises(SettingsError) as caught:
        from_files([path])
    assert caught.value.lines == [f"the config file {path} {said}"]


@pytest.mark.parametrize("path", ["nowhere.json", "."])
def test_a_file_that_cannot_be_read_is_refused(path: str) -> None:
    with pytest.raises(SettingsError, match=f"cannot read the config file {path}: "):
        from_files([path])


@pytest.mark.parametrize("before", ["", "\n  "])
def test_settings_in_place_of_a_path_are_not_repeated(before: str) -> None:
    with pytest.raises(SettingsError) as caught:
        from_files([before + json.dumps({"token": CANARY})])
    message = "--config expects the path of a file or ENV, not the settings themselves"
    assert caught.value.lines == [message]


# The environment


@pytest.mark.parametrize(
    ("variables", "settings"),
    [
        ({"CRM_TOKEN": "0042"}, {"crm": {"token": "0042"}}),
        ({"CRM_RATE": "1.5"}, {"crm": {"rate": 1.5}}),
        ({"CRM_OAUTH_CODE": "c"}, {"crm": {"oauth": {"code": "c"}}}),
        ({"CONCURRENCY": "2"}, {"concurrency": 2}),
        ({"IS_SHARED": "No"}, {"is_shared": False}),
        ({"IS_SHARED": "1"}, {"is_shared": True}),
        ({"CRM_WITH": "a,b"}, {"crm": {"with": "a,b"}}),
        ({"CRM_WITH": '["a"]'}, {"crm": {"with": ["a"]}}),
        ({"CRM_ACCOUNTS": '[{"name": "a"}]'}, {"crm": {"accounts": [{"name": "a"}]}}),
        ({"CRM_FILTERS": '{"value": {}}'}, {"crm": {"filters": {"value": {}}}}),
        ({"CRM_FILTERS_VALUE": "{}"}, {}),
        (
            {"CRM": '{"token": "a", "rate": 1}', "CRM_TOKEN": "b"},
            {"crm": {"token": "b", "rate": 1}},
        ),
        ({"STREAM_MAPS": '{"a": null}'}, {"stream_maps": {"a": None}}),
        ({"SEED": "7"}, {"seed": "7"}),
    ],
)
def test_a_variable_is_a_setting(variables: dict[str, str], settings: Any) -> None:
    assert environment(**variables) == settings


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("CONCURRENCY", f"{CANARY} four", "an integer"),
        ("CONCURRENCY", "4.5", "an integer"),
        ("CONCURRENCY", "true", "an integer"),
        ("CRM", CANARY, "an object"),
        ("CRM", f'{{"token": "{CANARY}"', "an object"),
        ("CRM", f'["{CANARY}"]', "an object"),
        ("CRM_RATE", "fast", "a number"),
        ("CRM_RATE", "true", "a number"),
        ("CRM_RATE", "NaN", "a number"),
        ("CRM_FILTERS", CANARY, "an object"),
        ("CRM_ACCOUNTS", f'{{"name": "{CANARY}"}}', "a list"),
        ("IS_SHARED", CANARY, "a boolean"),
        ("STREAM_MAPS", f"[{CANARY}]", "an object"),
    ],
)
def test_a_variable_of_another_type_is_refused_by_its_name(
    name: str, value: str, kind: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        environment(**{name: value})
    assert caught.value.lines == [f"TAP_{name}: must be {kind}, in JSON syntax"]


def test_all_variables_that_are_wrong_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        environment(CONCURRENCY="x", IS_SHARED="x")
    assert len(caught.value.lines) == 2


def test_the_environment_wins_over_a_file_named_dot_env(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TAP_CRM_TOKEN=theirs\nTAP_CONCURRENCY=2\n")
    assert environment(CRM_TOKEN="ours") == {"crm": {"token": "ours"}, "concurrency": 2}


# Both together


def test_settings_are_merged_key_by_key() -> None:
    below = {"a": {"x": 1, "y": {"z": 1}}, "b": 1, "c": {"d": 1}}
    above = {"a": {"y": {"w": 2}}, "b": 2, "c": 3}
    assert merge(below, above) == {"a": {"x": 1, "y": {"z": 1, "w": 2}}, "b": 2, "c": 3}
    assert below["a"] == {"x": 1, "y": {"z": 1}}


def test_defaults_fill_in_what_is_not_set() -> None:
    assert with_defaults({"concurrency": 1}, SCHEMA) == {
        "concurrency": 1,
        "mode": "text",
        "is_shared": True,
    }


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"a": None, "b": {"c": None, "d": [{"e": None}]}}, {"b": {"d": [{}]}}),
        ({"value[gte]": 1, "value[lt]": 2}, {"value": {"gte": 1, "lt": 2}}),
        ({"value": {"gte": 1}, "value[lt]": 2}, {"value": {"gte": 1, "lt": 2}}),
        ({"value[gte": 1}, {"value[gte": 1}),
        ({"ids[][from]": 1}, {"ids": {"][from": 1}}),
        ({"stream_maps": {"a": None}}, {"stream_maps": {"a": None}}),
        ({"stream_maps": None}, {}),
    ],
)
def test_null_is_not_set_and_a_filter_may_be_written_as_in_a_url(given: Any, kept: Any) -> None:
    assert tidy(given) == kept
