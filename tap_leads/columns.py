"""Columns: what a value of the API becomes in a record that every Singer target loads.

A stream declares its columns once; its JSON schema and the shape of its records both come from
that list. A value that does not fit its column's type is null there and kept in `extra`, together
with the fields that the list does not know: nothing that the API sends is lost.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from typing_extensions import override

from tap_leads import instants

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

Schema: TypeAlias = dict[str, Any]
Shape: TypeAlias = "Callable[[str, Mapping[str, Any]], dict[str, Any]]"
"""An account's label, and a record by the API's names of its fields, as a row."""

# The digits before or behind the point that a number may have: a database's float has fewer.
_DIGITS = 300
_INTEGERS = range(-(2**63), 2**63)
_encoder = msgspec.json.Encoder(decimal_format="number")


class MisfitError(ValueError):
    """A value is not of its column's type."""


def json_text(value: Any) -> str:
    """A value as JSON, numbers as exact as they came."""
    return _encoder.encode(value).decode()


def text(value: Any) -> str:
    """Itself if it is a string, less the NUL that databases refuse; else its JSON."""
    if isinstance(value, str):
        return value.replace("\x00", "") if "\x00" in value else value
    return json_text(value)


def integer(value: Any) -> int:
    """A whole number within 63 bits, also where it came as a text or as 1.0."""
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
    """A whole number of which 0 (or less) means that it is not set."""
    return whole if (whole := integer(value)) > 0 else None


def number(value: Any) -> Decimal:
    """A finite number, exact, and with a decimal point.

    A target takes `5` for a whole number, and one of the 16 refuses those among others.
    """
    if isinstance(value, bool) or (isinstance(value, str) and "_" in value):
        raise MisfitError
    try:
        exact = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        raise MisfitError from None
    if not exact.is_finite() or abs(exact.adjusted()) > _DIGITS:
        raise MisfitError
    plain = f"{exact:f}"
    return Decimal(plain if "." in plain else f"{plain}.0")


def boolean(value: Any) -> bool:
    """True or false, also as 1 or 0."""
    if value not in {True, False}:
        raise MisfitError
    return bool(value)


def unix_time(value: Any) -> str | None:
    """Unix seconds as a UTC date-time; 0 means that it is not set. ISO 8601 is taken too."""
    if value == 0:
        return None
    instant = instants.of_seconds(value)
    return _moment(instants.of_text(value) if instant is None else instant)


def iso_time(value: Any) -> str:
    """An ISO 8601 date-time as UTC, which it is read in where it names no offset."""
    return _moment(instants.of_text(value))


def _moment(instant: int | None) -> str:
    result = None if instant is None else instants.text(instant)
    if result is None:
        raise MisfitError
    return result


@dataclass(frozen=True, slots=True)
class Type:
    """A column type: its JSON schema, how a value is put into it, and what it is hashed as."""

    schema: Schema
    put: Callable[[Any], Any]
    normal: Callable[[str], str] = str.strip


def _type(put: Callable[[Any], Any], json_type: str, **keywords: str) -> Type:
    return Type({"type": ["null", json_type], **keywords}, put)


TEXT = _type(text, "string")
EMAIL = replace(TEXT, normal=lambda value: value.strip().lower())
PHONE = replace(TEXT, normal=lambda value: "".join(filter(str.isdecimal, value)))
INTEGER = _type(integer, "integer")
POSITIVE = _type(positive, "integer")
NUMBER = _type(number, "number")
BOOLEAN = _type(boolean, "boolean")
UNIX_TIME = _type(unix_time, "string", format="date-time")
ISO_TIME = _type(iso_time, "string", format="date-time")


def _clean(value: Any) -> Any:
    """A value as it came, less the NUL in any of its texts."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {text(name): _clean(inner) for name, inner in value.items()}
    return value


@dataclass(frozen=True, slots=True)
class Nested:
    """An object, or a list of objects, with these fields; `rest` is the type of any other."""

    fields: Mapping[str, Type | Nested]
    many: bool = True
    rest: Type | None = None

    @property
    def schema(self) -> Schema:
        """The JSON schema of the `native` form."""
        properties = {name: field.schema for name, field in self.fields.items()}
        one: Schema = {"type": ["null", "object"], "properties": properties}
        if self.rest is not None:
            one["additionalProperties"] = self.rest.schema
        return {"type": ["null", "array"], "items": one} if self.many else one

    def put(self, value: Any) -> Any:
        """The `native` form of a value; one object where a list is declared is a list of one."""
        if not self.many:
            return self._one(value)
        return [self._one(item) for item in (value if isinstance(value, list) else [value])]

    def _one(self, value: Any) -> dict[str, Any] | None:
        if value is None or value == []:  # PHP writes an empty object as an empty list
            return None
        if not isinstance(value, dict):
            raise MisfitError
        known = {
            name: None if (inner := value.get(name)) is None else field.put(inner)
            for name, field in self.fields.items()
        }
        others = {name: _clean(inner) for name, inner in value.items() if name not in known}
        if self.rest is not None:
            others = {k: None if v is None else self.rest.put(v) for k, v in others.items()}
        return known | others


@dataclass(frozen=True, slots=True)
class Texts(Nested):
    """A list of texts, which have no fields."""

    @property
    @override
    def schema(self) -> Schema:
        return {"type": ["null", "array"], "items": TEXT.schema}

    @override
    def put(self, value: Any) -> list[str]:
        return [TEXT.put(item) for item in value]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, its type, what it says, and the API's own name where that differs."""

    name: str
    type: Type | Nested
    description: str
    api: str = ""

    @property
    def field(self) -> str:
        """The API's own name."""
        return self.api or self.name


class Table:
    """The columns of a stream, `account` first and `extra` last: its schema and its rows."""

    def __init__(
        self,
        columns: Sequence[Column],
        keys: Sequence[str],
        *,
        native: bool,
        instead: Mapping[str, Type] | None = None,
    ) -> None:
        """Put nested values into lists and objects where `native`, else into JSON text.

        `instead` has the types of columns that are to have another than their own.
        """
        properties = {
            "account": _schema(TEXT, "The label of the account that the lead comes from.")
        }
        self._puts: list[tuple[str, str, Callable[[Any], Any]]] = []
        for column in columns:
            as_text = isinstance(column.type, Nested) and not native
            kind = Type(TEXT.schema, json_text) if as_text else column.type
            kind = (instead or {}).get(column.name, kind)
            api = f" API: `{column.api}`." if column.api else ""
            properties[column.name] = _schema(kind, column.description + api)
            self._puts.append((column.name, column.field, kind.put))
        properties["extra"] = _schema(
            TEXT, "What the API sent and no column here has, or does not fit its type, as JSON."
        )
        for key in keys:
            properties[key]["type"] = properties[key]["type"][-1]
        self.schema: Schema = {"type": "object", "properties": properties}

    def shape(self, deselected: Collection[str] = ()) -> Shape:
        """How a record becomes a row: every column in order but those that are deselected."""
        fields = frozenset(field for _, field, _ in self._puts)

        def row(account: str, record: Mapping[str, Any]) -> dict[str, Any]:
            row: dict[str, Any] = {"account": account}
            unknown = record.keys() - fields
            extra = {name: record[name] for name in record if name in unknown} if unknown else {}
            for name, field, put in puts:
                value = record.get(field)
                if value is not None:
                    try:
                        value = put(value)
                    except (MisfitError, TypeError, ValueError):
                        extra[field] = value
                        value = None
                row[name] = value
            if has_extra:
                row["extra"] = json_text(extra) if extra else None
            return row

        puts = [put for put in self._puts if put[0] not in deselected]
        has_extra = "extra" not in deselected
        return row


def _schema(kind: Type | Nested, description: str) -> Schema:
    return {**kind.schema, "description": description}
