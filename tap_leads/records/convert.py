"""Column types: each has one function that converts API values to values that targets load.

APIs do not always return the type that they document. A value that cannot be converted raises
MisfitError, and the row keeps it in `extra` instead of failing the sync.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, TypeAlias

from tap_leads.records.nul import ESCAPED, clean_json, clean_text, encode
from tap_leads.timestamps import from_text, from_unix_seconds, to_text

if TYPE_CHECKING:
    from collections.abc import Callable

Schema: TypeAlias = dict[str, Any]
"""A JSON schema."""

# Maximum digits before or after the decimal point: more overflow a database's float.
_MAX_DIGITS = 300
_INTEGERS = range(-(2**63), 2**63)
_ESCAPED = ESCAPED.encode()
_BACKSLASH = ord("\\")


class MisfitError(ValueError):
    """Raised if a value does not fit its column's type."""


def json_text(value: Any) -> str:
    """Return a value as JSON, without NUL and with the full precision of its numbers."""
    encoded = encode(value)
    # Searching for one byte is faster, and most values have no backslash.
    if _BACKSLASH in encoded and _ESCAPED in encoded:
        encoded = clean_json(value, encoded)
    return encoded.decode()


def text(value: Any) -> str:
    """Return a string without NUL, which databases reject; anything else as JSON."""
    if isinstance(value, str):
        return clean_text(value) if "\x00" in value or "\\" in value else value
    return json_text(value)


def integer(value: Any) -> int:
    """Return a signed 64-bit integer, also from a string or from 1.0."""
    if type(value) is int and value in _INTEGERS:
        return value
    if (isinstance(value, str) and re.fullmatch(r"-?\d{1,19}", value)) or (
        isinstance(value, (float, Decimal)) and math.isfinite(value) and value == int(value)
    ):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value not in _INTEGERS:
        raise MisfitError
    return value


def positive(value: Any) -> int | None:
    """Return an integer; None for 0 or less, which means "not set" (apis/kommo.md 14)."""
    whole = integer(value)
    return whole if whole > 0 else None


def number(value: Any) -> Decimal:
    """Return a finite number, exact and with a decimal point.

    A target reads `5` as an integer and may reject it in a number column.
    """
    # `Decimal` also accepts a list (sign, digits, exponent) and `1_000`.
    if isinstance(value, (bool, list)) or (isinstance(value, str) and "_" in value):
        raise MisfitError
    try:
        exact = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        raise MisfitError from None
    if not exact.is_finite() or abs(exact.adjusted()) > _MAX_DIGITS:
        raise MisfitError
    plain = f"{exact:f}"
    return Decimal(plain if "." in plain else f"{plain}.0")


def boolean(value: Any) -> bool:
    """Return True or False, also from 1 or 0."""
    if value not in {True, False}:
        raise MisfitError
    return bool(value)


def unix_time(value: Any) -> str | None:
    """Return Unix seconds or ISO 8601 as a UTC date-time; None for 0 (apis/kommo.md 14)."""
    if value == 0:
        return None
    moment = from_unix_seconds(value)
    return _date_time(from_text(value) if moment is None else moment)


def iso_time(value: Any) -> str:
    """Return an ISO 8601 date-time in UTC; one without an offset is read as UTC."""
    return _date_time(from_text(value))


def _date_time(moment: int | None) -> str:
    result = None if moment is None else to_text(moment)
    if result is None:
        raise MisfitError
    return result


@dataclass(frozen=True, slots=True)
class Type:
    """A column type.

    Attributes:
        schema: The JSON schema of a value.
        convert: Returns a value as the schema declares it; raises MisfitError, TypeError or
            ValueError if it does not fit. Never called with None.
        normalize: Returns the form of a text that is hashed, so that different spellings of one
            value have the same hash.
        members: For JSON text that repeats values of columns: `(value, redactor) -> value`, as in
            `tap_leads.records.columns.Nested`.
    """

    schema: Schema
    convert: Callable[[Any], Any]
    normalize: Callable[[str], str] = str.strip
    members: Callable[[Any, Any], Any] | None = None

    @property
    def name(self) -> str:
        """Return a short name: text, integer, number, boolean, date-time or date."""
        kind: str = self.schema.get("format") or self.schema["type"][-1]
        return "text" if kind == "string" else kind

    @property
    def holds_hash(self) -> bool:
        """Return True if a hash fits the schema."""
        return self.name == "text"


def _type(convert: Callable[[Any], Any], json_type: str, **keywords: str) -> Type:
    return Type({"type": ["null", json_type], **keywords}, convert)


TEXT = _type(text, "string")
EMAIL = replace(TEXT, normalize=lambda value: value.strip().lower())
PHONE = replace(TEXT, normalize=lambda value: "".join(filter(str.isdecimal, value)))
INTEGER = _type(integer, "integer")
POSITIVE = _type(positive, "integer")
NUMBER = _type(number, "number")
BOOLEAN = _type(boolean, "boolean")
UNIX_TIME = _type(unix_time, "string", format="date-time")
ISO_TIME = _type(iso_time, "string", format="date-time")
JSON = _type(json_text, "string")
