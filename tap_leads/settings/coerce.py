"""Converts values of settings that are given in another type or form.

Environment variables and many schedulers pass numbers as text, YAML turns an unquoted ID into a
number, and pasted tokens come with white space or `Bearer `.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from tap_leads.settings.schema import is_credential, types_of

if TYPE_CHECKING:
    from tap_leads.settings.schema import Schema

BOOLEANS = dict.fromkeys(("true", "1", "yes", "on"), True) | dict.fromkeys(
    ("false", "0", "no", "off"), False
)
_BEARER = re.compile(r"\Abearer(\s+|\Z)", re.IGNORECASE)
# Meltano's kind `date_iso8601` accepts a date with an offset; Python does not.
_DATE_WITH_OFFSET = re.compile(r"\A(\d{4}-\d\d-\d\d)(Z|[+-]\d\d:\d\d)\Z")


def coerce(value: Any, schema: Schema, *, is_filter: bool = False) -> Any:
    """Return a value in the type of its setting; unchanged if it cannot be converted.

    A setting with an empty text is left out, as Meltano passes one for an empty variable. A filter
    is not: more would match without it.
    """
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        return {
            name: coerce(each, properties.get(name, {}), is_filter=is_filter or name == "filters")
            for name, each in value.items()
            if each != "" or is_filter or name not in properties
        }
    if isinstance(value, list):
        # No number in a list stands for text: lists of text have names of columns or types.
        items = schema.get("items", {})
        return [
            each if isinstance(each, int) else coerce(each, items, is_filter=is_filter)
            for each in value
        ]
    types = types_of(schema)
    if isinstance(value, str):
        return _normal_text(value, schema) if "string" in types else _from_text(value, types)
    if isinstance(value, float) and value.is_integer() and "integer" in types:
        return int(value)
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    if is_integer and "string" in types and not {"integer", "number"} & {*types}:
        # A secret may have lost its leading zeros, so it is refused.
        return value if schema.get("secret") else str(value)
    return value


def _normal_text(value: str, schema: Schema) -> str:
    if is_credential(schema):
        return _BEARER.sub("", value.strip())
    if schema.get("format") == "date-time":
        return _DATE_WITH_OFFSET.sub(r"\1T00:00:00\2", value.strip())
    return value


def _from_text(value: str, types: list[str]) -> Any:
    """Return the boolean or number in a text; the text itself if there is none."""
    if "boolean" in types:
        return BOOLEANS.get(value.strip().lower(), value)
    try:
        number = json.loads(value, parse_constant=int)
    except ValueError:
        return value
    if isinstance(number, float) and number.is_integer() and "integer" in types:
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int | float):
        return value
    is_wanted = "number" in types or ("integer" in types and isinstance(number, int))
    return number if is_wanted and math.isfinite(number) else value
