"""Validates settings: one line per error, with the name of the setting and never its value."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator

from tap_leads.errors import CONTROL_CHARACTER, printable
from tap_leads.settings.oauth import token_file_errors
from tap_leads.settings.schema import type_names
from tap_leads.settings.suggest import closest, did_you_mean
from tap_leads.timestamps import from_text
from tap_leads.urls import origin_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from jsonschema import ValidationError

    from tap_leads.settings.model import SourceSettings
    from tap_leads.settings.schema import Config, Schema


def validate(
    config: Config,
    schema: Schema,
    sources: Sequence[SourceSettings],
    columns: Mapping[str, Collection[str]],
    dynamic: Mapping[str, str],
) -> list[str]:
    """Return one line per error, with the name of the setting and never its value.

    Checks that the schema cannot express run only if the settings are valid by the schema.

    Args:
        config: All settings after `tidy` and `normalize`, without defaults.
        schema: The schema of all settings.
        sources: The settings of every source.
        columns: The columns of each stream that may be hashed.
        dynamic: For streams with columns that are known only at run time, a regular expression
            that matches the whole name of such a column.
    """
    errors = [line for e in Draft202012Validator(schema).iter_errors(config) for line in _lines(e)]
    errors += _text_errors(config, ())
    errors += _date_errors(config)
    configured = [each for each in sources if each.is_configured(config)]
    is_mistyped = errors and any(each.name in config for each in sources)
    if not configured and not is_mistyped:
        names = ", ".join(each.name for each in sources)
        errors.append(f"no source is configured; add the settings of at least one of {names}")
    if errors:
        return sorted(set(errors))
    for each in configured:
        errors += _source_errors(each, config[each.name])
    return [*errors, *_hash_errors(config, columns, dynamic)]


def _date_errors(config: Config) -> Iterator[str]:
    moments = {}
    for name in ("start_date", "end_date"):
        if isinstance(config.get(name), str):
            moments[name] = from_text(config[name])
            if moments[name] is None:
                yield f"{name}: must be an ISO 8601 date or date-time, such as 2026-01-01T00:00:00Z"
    start, end = moments.get("start_date"), moments.get("end_date")
    if start is not None and end is not None and end < start:
        yield "end_date: must not be before `start_date`"


_MESSAGES: dict[str, str] = {
    "enum": "must be one of {}",
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be greater than {}",
    "minLength": "must not be empty",
    "minItems": "must not be empty",
    "minProperties": "must not be empty",
}


def _lines(error: ValidationError) -> Iterator[str]:
    """Yield the lines of a schema error, without the value, which may be a misplaced secret."""
    path = list(error.absolute_path)
    wanted: Any = error.validator_value
    schema: Any = error.schema
    given: Any = error.instance
    if error.validator == "additionalProperties":
        for name in sorted(set(given) - set(schema["properties"])):
            close = closest(name, schema["properties"])
            meant = [_dotted([*path, each]) for each in close] or _one_level_down(name, schema)
            hint = did_you_mean(meant)
            yield f"{_dotted([*path, name])}: unknown setting{hint}"
    elif error.validator == "required":
        for name in sorted(set(wanted) - set(given)):
            yield f"{_dotted([*path, name])}: is required"
    elif error.validator == "type":
        yield f"{_dotted(path)}: must be {type_names(wanted)}"
    elif error.validator == "pattern":
        yield f"{_dotted(path)}: {_format_error(schema)}"
    else:
        values = ", ".join(map(str, wanted)) if isinstance(wanted, list) else wanted
        message = _MESSAGES.get(str(error.validator), "is invalid")
        yield f"{_dotted(path)}: {message.format(values)}"


def _one_level_down(name: str, schema: Schema) -> list[str]:
    """Return the settings of this name in the objects of a schema."""
    inner = ((key, part.get("properties", {})) for key, part in schema["properties"].items())
    return [f"{key}.{name}" for key, properties in inner if name in properties]


def _text_errors(value: Any, path: tuple[str | int, ...]) -> Iterator[str]:
    """Yield an error for each text that cannot be encoded, and so neither sent nor written."""
    if isinstance(value, str) and re.search("[\ud800-\udfff]", value):
        yield f"{_dotted(path)}: must not contain half of a surrogate pair"
    elif isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _text_errors(part, (*path, key))


def _format_error(schema: Schema) -> str:
    """Return what is wrong with a value; a description says in its first sentence what is right."""
    if schema.get("secret"):
        return "has an invalid format, such as a space, a line break or `Bearer ` in a token"
    expected = schema["description"].partition(". ")[0].rstrip(".")
    return f"has an invalid format; expected: {expected}"


def _dotted(path: Iterable[str | int]) -> str:
    """Return the name of a setting in Meltano's format: `kommo.accounts[0].access_token`."""
    name = ""
    for part in path:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else part
    return printable(name)


def _source_errors(source: SourceSettings, config: Config) -> list[str]:
    """Return the errors in a source's settings that its schema cannot express."""
    if "accounts" in config and "name" in config:
        what = "cannot be combined with a list of accounts; give each account its own `name`"
        return [f"{source.name}.name: {what}"]
    errors: list[str] = []
    accounts = source.accounts(config)
    for where, _, settings in accounts:
        url = settings.get("api_url")
        if url is not None and (error := api_url_error(url)):
            errors.append(f"{where}.api_url: {error}")
        if CONTROL_CHARACTER.search(str(settings.get("name", ""))):
            errors.append(f"{where}.name: must not contain line breaks or control characters")
        errors += [f"{where}.{name}: {what}" for name, what in source.problems(settings)]
    owners: dict[str, str] = {}
    for where, label, _ in accounts:
        owner = owners.setdefault(label, where)
        if owner != where:
            errors.append(f"{where}: has the name of {owner}, {label}; give each a unique `name`")
    return [*errors, *token_file_errors((where, settings) for where, _, settings in accounts)]


def _hash_errors(
    config: Config, columns: Mapping[str, Collection[str]], dynamic: Mapping[str, str]
) -> Iterator[str]:
    """Yield the errors in `hash_fields`."""
    known = {name for names in columns.values() for name in names}
    known |= {f"{stream}.{name}" for stream, names in columns.items() for name in names}
    for index, name in enumerate(config.get("hash_fields", ())):
        if name not in known and not _is_dynamic(name, dynamic):
            hint = did_you_mean(closest(name, known))
            yield f"hash_fields[{index}]: unknown column, or a key, which cannot be hashed{hint}"
    if config.get("hash_fields") and "hash_key" not in config:
        yield "hash_key: is required with `hash_fields`"


def _is_dynamic(name: str, dynamic: Mapping[str, str]) -> bool:
    """Return True if a column in `hash_fields` may be discovered at run time."""
    stream, _, column = name.rpartition(".")
    patterns = dynamic.values() if not stream else [dynamic[stream]] if stream in dynamic else []
    return any(re.fullmatch(pattern, column) for pattern in patterns)


def api_url_error(url: str) -> str | None:
    """Return why a credential must not be sent to a URL; None if it may be sent."""
    try:
        parts = urlsplit(url)
        scheme, host, _ = origin_of(url)
    except ValueError:
        return "must be a URL"
    plain = not re.search(r"[^!-~]|[?#\\]", url)
    if not host or parts.username is not None or not plain:
        return "must be a plain URL, without a username, query or fragment"
    if scheme == "https" or (scheme == "http" and _is_loopback(host)):
        return None
    return "must be https, or http on a loopback address, because the credential is sent there"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
