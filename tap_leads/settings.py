"""Settings: their schema, where they come from, and one line for each thing wrong with them."""

from __future__ import annotations

import difflib
import ipaddress
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from dotenv import dotenv_values, find_dotenv
from jsonschema import Draft202012Validator

from tap_leads import instants
from tap_leads.errors import SettingsError
from tap_leads.pagination import origin_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jsonschema import ValidationError

Schema: TypeAlias = dict[str, Any]
Config: TypeAlias = dict[str, Any]


def text(title: str, description: str, **keywords: Any) -> Schema:
    """The schema of a setting that is a string."""
    return {"type": "string", "title": title, "description": description, **keywords}


def secret(title: str, description: str) -> Schema:
    """The schema of a setting that no log and no message may show, and that a header can carry."""
    form = r"^[!-~]*$(?!\n)"
    return text(title, description, minLength=1, pattern=form, secret=True, writeOnly=True)


def number(title: str, description: str, **keywords: Any) -> Schema:
    """The schema of a setting that is a number."""
    return {"type": "number", "title": title, "description": description, **keywords}


def integer(title: str, description: str, **keywords: Any) -> Schema:
    """The schema of a setting that is a whole number."""
    return {"type": "integer", "title": title, "description": description, **keywords}


def one_of(title: str, description: str, *choices: str) -> Schema:
    """The schema of a setting with a few choices, of which the first is the default."""
    return text(title, description, enum=[*choices], default=choices[0])


def object_of(properties: Mapping[str, Schema], **keywords: Any) -> Schema:
    """The schema of an object that has these keys and no others."""
    return {
        "type": "object",
        "properties": {**properties},
        "additionalProperties": False,
        **keywords,
    }


def list_of(items: Schema, **keywords: Any) -> Schema:
    """The schema of a list."""
    return {"type": "array", "items": items, **keywords}


class Defaults(NamedTuple):
    """What a source has where the user says nothing."""

    api_url: str
    name: str
    requests_per_second: float
    lookback_seconds: int


def source(
    title: str,
    description: str,
    own: Mapping[str, Schema],
    *,
    filters: Schema,
    defaults: Defaults,
) -> Schema:
    """The settings object of a source: its own settings, those of every source, and `accounts`."""
    common = {
        "name": text(
            "Account name",
            f"The label of the account in the `account` column and in the state. {defaults.name}",
            minLength=1,
        ),
        **own,
        "filters": {**filters, "title": "Filters"},
        "requests_per_second": number(
            "Requests per second",
            "How many requests the tap may send for an account in any one second, over all its "
            "streams.",
            default=defaults.requests_per_second,
            exclusiveMinimum=0,
        ),
        "lookback_seconds": integer(
            "Lookback",
            "How many seconds before its bookmark a run begins: leads that the API shows late "
            "are not lost, and the newest ones come again.",
            default=defaults.lookback_seconds,
            minimum=0,
        ),
        "api_url": text(
            "API address",
            "Another address of the API: https, or http on a loopback address. The credential "
            f"goes there. Default: {defaults.api_url}.",
            format="uri",
        ),
    }
    accounts = list_of(
        object_of(common),
        title="Accounts",
        description="Several accounts of the source: objects with a `name` each, and the keys in "
        "which they differ from those beside `accounts`.",
        minItems=1,
    )
    return object_of({**common, "accounts": accounts}, title=title, description=description)


def top_level(sources: Mapping[str, Schema]) -> Schema:
    """The schema of all settings."""
    return object_of(
        {
            "start_date": text(
                "Start date",
                "Leads that last changed before this date or date-time (UTC unless it says "
                "otherwise) are left out. Default: every lead.",
                format="date-time",
                examples=["2026-01-01", "2026-01-01T00:00:00Z"],
            ),
            **sources,
            "nested_values": one_of(
                "Nested values",
                "`text`: lists and objects as JSON text, which every target keeps. `native`: "
                "lists and objects; in Postgres they are jsonb.",
                "text",
                "native",
            ),
            "concurrency": integer(
                "Concurrency",
                "How many windows of an account are read at once, under the one budget of "
                "`requests_per_second`. Without effect as yet: one is read after the other.",
                default=4,
                minimum=1,
                maximum=32,
            ),
            "request_timeout": number(
                "Request timeout",
                "Seconds that one request may take in all.",
                default=60,
                exclusiveMinimum=0,
            ),
            "user_agent": text(
                "User agent",
                "How the tap names itself to the APIs. Default: tap-leads and its version.",
                minLength=1,
            ),
        }
    )


# Where settings come from


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
            errors.append(f"{variable}: must be {_article(_kinds(kind))}, written as JSON")
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


# What is wrong with them


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


def check(config: Config, schema: Schema, sources: Iterable[str]) -> list[str]:
    """One line for each thing wrong, with the name of its setting and never its value."""
    errors = [line for e in Draft202012Validator(schema).iter_errors(config) for line in _lines(e)]
    start_date = config.get("start_date")
    if isinstance(start_date, str) and instants.of_text(start_date) is None:
        errors.append("start_date: must be a date or date-time such as 2026-01-01T00:00:00Z")
    if not any(name in config for name in sources):
        errors.append(f"no source is configured: set one of {', '.join(sources)}")
    return sorted(set(errors))


_SAID: dict[str, str] = {
    "enum": "must be one of {}",
    "minimum": "must be {} or more",
    "maximum": "must be {} or less",
    "exclusiveMinimum": "must be more than {}",
    "minLength": "must not be empty",
    "minItems": "must not be empty",
    "minProperties": "must not be empty",
}


def _lines(error: ValidationError) -> Iterator[str]:
    """What is wrong, without the value: it may be a secret in the wrong place."""
    path = list(error.absolute_path)
    wanted: Any = error.validator_value
    schema: Any = error.schema
    given: Any = error.instance
    if error.validator == "additionalProperties":
        for name in sorted(set(given) - set(schema["properties"])):
            close = difflib.get_close_matches(name, schema["properties"], 1)
            hint = f"; did you mean {_dotted([*path, close[0]])}?" if close else ""
            yield f"{_dotted([*path, name])}: there is no such setting{hint}"
    elif error.validator == "required":
        for name in sorted(set(wanted) - set(given)):
            yield f"{_dotted([*path, name])}: must be set"
    elif error.validator == "type":
        yield f"{_dotted(path)}: must be {_article(wanted)}"
    else:
        values = ", ".join(map(str, wanted)) if isinstance(wanted, list) else wanted
        said = _SAID.get(str(error.validator), "is not of the form that the documentation names")
        yield f"{_dotted(path)}: {said.format(values)}"


def _dotted(path: Iterable[str | int]) -> str:
    """The name of a setting as Meltano writes it: `kommo.accounts[0].access_token`."""
    name = ""
    for part in path:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else part
    return name or "the settings"


def _article(kinds: str | list[str]) -> str:
    names = {"array": "a list", "object": "an object", "integer": "a whole number"}
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return " or ".join(names.get(kind, f"a {kind}") for kind in kinds)


# Where a credential may go


def api_url_error(url: str) -> str | None:
    """Why a credential must not be sent to this address, None where it may."""
    try:
        parts = urlsplit(url)
        scheme, host, port = origin_of(url)
    except ValueError:
        return "must be a URL"
    plain = not re.search(r"[^!-~]|[?#\\]", url)
    if port == -1 or not host or parts.username is not None or not plain:
        return "must be a plain URL, without a user, query or fragment"
    if scheme == "https" or (scheme == "http" and _is_loopback(host)):
        return None
    return "must be https, or http on a loopback address: the credential goes there"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
