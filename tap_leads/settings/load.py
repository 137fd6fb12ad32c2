"""Loads settings from files, environment variables, and the defaults of their schema."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_leads.errors import Code
from tap_leads.settings.coerce import BOOLEANS
from tap_leads.settings.errors import SettingsError
from tap_leads.settings.schema import type_names, types_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tap_leads.settings.schema import Config, Schema


def from_files(paths: Iterable[str]) -> Config:
    """Return the settings of these JSON files; a key of a later file replaces an earlier one.

    Raises:
        SettingsError: A file is missing, is not JSON, or does not contain an object.
    """
    config: Config = {}
    for path in paths:
        config |= _read_file(path)
    return config


def from_options(values: Sequence[str], schema: Schema, prefix: str) -> tuple[Config, bool]:
    """Return the settings of all `--config` options, and whether they include the environment.

    The value `ENV` stands for the environment, which takes precedence over files.
    """
    files = [path for path in values if path.upper() != "ENV"]
    config = from_files(files)
    if is_read := len(files) < len(values):
        config = merge(config, from_environment(schema, prefix))
    return config, is_read


def _read_file(path: str) -> Config:
    """Return the JSON object in a file; otherwise raise SettingsError, without its content."""
    if path.lstrip().startswith("{"):
        raise SettingsError(
            ["--config expects the path of a file or ENV, not the settings themselves"],
            Code.CONFIG_FILE,
        )
    try:
        content = parse_json(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"cannot read the config file {path}: {error.strerror}"
        raise SettingsError([msg], Code.CONFIG_FILE) from None
    except (ValueError, RecursionError) as error:
        place = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        msg = f"the config file {path} is not valid JSON{place}"
        raise SettingsError([msg], Code.CONFIG_FILE) from None
    if not isinstance(content, dict):
        msg = f"the config file {path} must contain a JSON object"
        raise SettingsError([msg], Code.CONFIG_FILE)
    return content


def parse_json(content: str) -> Any:
    """Return the value of a JSON text; raise ValueError for NaN too, which Python accepts."""
    return json.loads(content, parse_constant=int)


def environment() -> dict[str, str]:
    """Return the variables of the environment and of a file `.env`; an empty one is not set."""
    from dotenv import dotenv_values, find_dotenv  # noqa: PLC0415  # most runs do not need it

    found: dict[str, str] = {}
    for variables in (dotenv_values(find_dotenv(usecwd=True)), os.environ):
        found |= {name: value for name, value in variables.items() if value}
    return found


def from_environment(schema: Schema, prefix: str) -> Config:
    """Return the settings in variables such as `TAP_LEADS_CONCURRENCY`, or in a file `.env`.

    The names of a nested setting are joined by `_`, as in Meltano. An object can be given as JSON;
    the variable of one of its keys takes precedence.

    Raises:
        SettingsError: The value of a variable has the wrong type.
    """
    variables = environment()
    names = {prefix + "_".join(path).upper(): (path, kind) for path, kind in settings_in(schema)}
    found = ((name, *names[name], variables[name]) for name in names if name in variables)
    config, errors = from_texts(found)
    if errors:
        raise SettingsError(errors)
    return config


def from_texts(
    texts: Iterable[tuple[str, tuple[str, ...], Schema, str]],
) -> tuple[Config, list[str]]:
    """Return the settings in texts, and a line for each text that has the wrong type.

    Args:
        texts: For each text, what messages call it, and the path, schema and value of the setting.
    """
    config: Config = {}
    errors: list[str] = []
    for name, path, kind, value in texts:
        try:
            parsed = _parse(value, types_of(kind))
        except (KeyError, ValueError):
            errors.append(f"{name}: must be {type_names(types_of(kind))}, in JSON syntax")
            continue
        place = config
        for depth, key in enumerate(path[:-1], 1):
            inner = place.setdefault(key, {})
            if not isinstance(inner, dict):  # inside the JSON of another text
                errors.append(f"{name}: {'.'.join(path[:depth])} must be an object")
                break
            place = inner
        else:
            place[path[-1]] = parsed
    return config, errors


def settings_in(
    schema: Schema, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Schema]]:
    """Yield every setting that a variable can set, an object before its keys."""
    for name, kind in schema["properties"].items():
        here = (*path, name)
        yield here, kind
        if "properties" in kind and name != "filters":
            yield from settings_in(kind, here)


_PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "integer": int,
    "number": (int, float),
}


def _parse(value: str, types: list[str]) -> Any:
    """Return the value of a variable; raise KeyError or ValueError if its type is wrong."""
    if types == ["boolean"]:
        return BOOLEANS[value.lower()]
    try:
        parsed = parse_json(value)
    except (ValueError, RecursionError):
        parsed = value
    for each in types or ["string"]:
        if each == "string":
            return value
        if isinstance(parsed, _PYTHON_TYPES[each]) and not isinstance(parsed, bool):
            return parsed
    raise ValueError


def merge(below: Config, above: Config) -> Config:
    """Return two sets of settings, merged key by key; `above` takes precedence."""
    both = {
        key: merge(below[key], value)
        if isinstance(below.get(key), dict) and isinstance(value, dict)
        else value
        for key, value in above.items()
    }
    return below | both


def with_defaults(config: Config, schema: Schema) -> Config:
    """Return settings, with the defaults of their schema for those that are not set."""
    properties = schema["properties"].items()
    return {name: kind["default"] for name, kind in properties if "default" in kind} | config


def tidy(config: Any) -> Any:
    """Return settings without nulls, which mean "not set".

    A filter may be written as in a URL: `{"value[gte]": 1}` becomes `{"value": {"gte": 1}}`.
    """
    if isinstance(config, list):
        return [tidy(item) for item in config]
    if not isinstance(config, dict):
        return config
    result: Config = {}
    for key, value in config.items():
        name, bracket, inner = key.partition("[")
        if bracket and inner.endswith("]"):
            result = merge(result, {name: {inner[:-1]: tidy(value)}})
        elif value is not None:
            # In a stream map, null is a value: it removes a property or a stream.
            result = merge(result, {key: value if key == "stream_maps" else tidy(value)})
    return result
