"""What is wrong with settings: one line for each thing, with its name and never its value."""

from __future__ import annotations

import difflib
import ipaddress
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator

from tap_leads import instants
from tap_leads.pagination import origin_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jsonschema import ValidationError

    from tap_leads.settings import Config, Schema


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
        yield f"{_dotted(path)}: must be {article(wanted)}"
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


def article(kinds: str | list[str]) -> str:
    """JSON types as a person names them: a list or a string."""
    names = {"array": "a list", "object": "an object", "integer": "a whole number"}
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return " or ".join(names.get(kind, f"a {kind}") for kind in kinds)


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
