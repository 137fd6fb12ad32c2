"""Where settings come from: files, the environment, and the defaults of their schema."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_leads.checks import article
from tap_leads.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_leads.settings import Config, Schema


def from_files(paths: Iterable[str]) -> Config:
    """The settings of these JSON files, later ones over earlier ones.

    Raises:
        SettingsError: a file is missing, is not JSON, or is not an object.
    """
    config: Config = {}
    for path in paths:
        config |= _read_file(path)
    return config


def _read_file(path: str) -> Config:
    """The JSON object in a file; a SettingsError, without the content, where there is none."""
    if path.lstrip().startswith("{"):
        raise SettingsError(["--config takes the path of a file, or ENV, and not settings"])
    try:
        content = _read_json(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"the config file {path} cannot be read: {error.strerror}"
        raise SettingsError([msg]) from None
    except ValueError as error:
        place = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        msg = f"the config file {path} is not JSON{place}"
        raise SettingsError([msg]) from None
    if not isinstance(content, dict):
        msg = f"the config file {path} must hold a JSON object"
        raise SettingsError([msg])
    return content


def _read_json(content: str) -> Any:
    """A JSON text; a ValueError where it is none, as with NaN, which Python would take."""
    return json.loads(content, parse_constant=int)


def from_environment(schema: Schema, prefix: str) -> Config:
    """The settings in variables such as `TAP_LEADS_KOMMO_ACCESS_TOKEN`, or in a file `.env`.

    Meltano names a nested setting that way. A whole object is given as JSON, and the variable of
    a key in it wins.
    """
    from dotenv import dotenv_values, find_dotenv  # noqa: PLC0415  # few runs read the environment

    variables = {**dotenv_values(find_dotenv(usecwd=True)), **os.environ}
    config: Config = {}
    errors: list[str] = []
    for path, kind in _settings(schema):
        variable = prefix + "_".join(path).upper()
        value = variables.get(variable)
        if value is None:
            continue
        try:
            parsed = _parsed(value, _kinds(kind))
        except (KeyError, ValueError):
            errors.append(f"{variable}: must be {article(_kinds(kind))}, written as JSON")
            continue
        place = config
        for key in path[:-1]:
            place = place.setdefault(key, {})
        place[path[-1]] = parsed
    if errors:
        raise SettingsError(errors)
    return config


def _settings(
    schema: Schema, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Schema]]:
    """Every setting that a variable can hold, an object before the keys in it."""
    for name, kind in schema["properties"].items():
        here = (*path, name)
        yield here, kind
        if "properties" in kind and name != "filters":
            yield from _settings(kind, here)


def _kinds(schema: Schema) -> list[str]:
    kinds = schema.get("type", "string")
    return [kind for kind in ([kinds] if isinstance(kinds, str) else kinds) if kind != "null"]


_PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "integer": int,
    "number": (int, float),
}


_BOOLEANS = dict.fromkeys(("true", "1", "yes", "on"), True) | dict.fromkeys(
    ("false", "0", "no", "off"), False
)


def _parsed(value: str, kinds: list[str]) -> Any:
    """The value of a variable; a ValueError where it is of none of these kinds."""
    if kinds == ["boolean"]:
        return _BOOLEANS[value.lower()]
    try:
        parsed = _read_json(value)
    except ValueError:
        parsed = value
    for kind in kinds:
        if kind == "string":
            return value
        if isinstance(parsed, _PYTHON_TYPES[kind]) and not isinstance(parsed, bool):
            return parsed
    raise ValueError


def merge(below: Config, above: Config) -> Config:
    """Settings from two places, key by key, `above` winning."""
    both = {
        key: merge(below[key], value)
        if isinstance(below.get(key), dict) and isinstance(value, dict)
        else value
        for key, value in above.items()
    }
    return below | both


def with_defaults(config: Config, schema: Schema) -> Config:
    """Settings, with the defaults of their schema where they say nothing."""
    properties = schema["properties"].items()
    return {name: kind["default"] for name, kind in properties if "default" in kind} | config


def tidy(config: Any) -> Any:
    """The settings less those given as null: Meltano and people mean by it that they are not set.

    A filter may be named as the API writes it: `{"value[gte]": 1}` is `{"value": {"gte": 1}}`.
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
            # In a stream map null is not the same as nothing: it drops what it is given for.
            result = merge(result, {key: value if key == "stream_maps" else tidy(value)})
    return result
