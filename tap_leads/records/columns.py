"""Columns: the single declaration behind a stream's JSON schema and its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as default
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias

from typing_extensions import override

from tap_leads.records.convert import JSON, TEXT, MisfitError, Schema, Type
from tap_leads.records.nul import distinct_names, without_nul

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence


class Naming(Enum):
    """The relation between the keys of an object and the stream's columns."""

    OWN_FIELDS = "own fields"
    UNRELATED = "unrelated"


OWN_FIELDS = Naming.OWN_FIELDS
"""A key is the API's name of a column: hidden or hashed like that column, at any depth."""
UNRELATED = Naming.UNRELATED
"""Keys do not refer to columns."""

Members: TypeAlias = Naming | Callable[[Any, Any], Any]
"""How an object repeats values of columns: `OWN_FIELDS`, `UNRELATED`, or a function
`(value, redactor) -> value` that returns the object with its values removed or hashed."""


@dataclass(frozen=True, slots=True)
class Nested:
    """An object, or a list of objects.

    Attributes:
        fields: The declared fields.
        many: True for a list; a single object is converted to a list of one.
        rest: The type of all other fields of an open object; None if they are not declared.
        members: How the object repeats values of columns. Required with `rest`, so that no open
            object can bypass `hash_fields` and the catalog's selection.
    """

    fields: Mapping[str, Type | Nested]
    many: bool = True
    rest: Type | None = None
    members: Members | None = None

    def __post_init__(self) -> None:
        """Raise TypeError if an open object does not declare its `members`."""
        if self.rest is not None and self.members is None:
            raise TypeError("an open object must declare its `members`")

    @property
    def schema(self) -> Schema:
        """Return the JSON schema of the `native` form."""
        properties = {name: inner.schema for name, inner in self.fields.items()}
        one: Schema = {"type": ["null", "object"], "properties": properties}
        if self.rest is not None:
            one["additionalProperties"] = self.rest.schema
        return {"type": ["null", "array"], "items": one} if self.many else one

    @property
    def holds_hash(self) -> bool:
        """Return True if each item may be replaced by a hash."""
        return False

    def normalize(self, value: str) -> str:
        """Return the JSON text that is hashed."""
        return value.strip()

    def convert(self, value: Any) -> Any:
        """Return the `native` form; raise MisfitError if the value is not an object."""
        if not self.many:
            return self.convert_one(value)
        return [self.convert_one(item) for item in (value if isinstance(value, list) else [value])]

    def convert_one(self, value: Any) -> dict[str, Any] | None:
        """Return the `native` form of one object; None if the API returned an empty list."""
        if value is None or value == []:  # PHP encodes an empty object as [] (apis/kommo.md 41)
            return None
        if not isinstance(value, dict):
            raise MisfitError
        known = {
            name: None if (inner := value.get(name)) is None else kind.convert(inner)
            for name, kind in self.fields.items()
        }
        others = {name: inner for name, inner in value.items() if name not in known}
        if not others:
            return known
        convert = without_nul if self.rest is None else self.rest.convert
        values = (None if inner is None else convert(inner) for inner in others.values())
        return known | dict(zip(distinct_names(others, taken=known), values, strict=True))


@dataclass(frozen=True, slots=True)
class Texts(Nested):
    """A list of strings, which have no fields."""

    fields: Mapping[str, Type | Nested] = default(default_factory=dict)

    @property
    @override
    def schema(self) -> Schema:
        return {"type": ["null", "array"], "items": TEXT.schema}

    @property
    @override
    def holds_hash(self) -> bool:
        return True

    @override
    def convert(self, value: Any) -> list[str | None]:
        items = value if isinstance(value, list) else [value]
        return [None if item is None else TEXT.convert(item) for item in items]


@dataclass(frozen=True, slots=True)
class FlatObject(Nested):
    """An object that a mapper flattens: every row has all of its declared fields, and no others.

    Otherwise the keys of a flattened row would differ from those of its schema.
    """

    many: bool = False

    @classmethod
    def of(cls, kind: Type | Nested) -> Type | Nested:
        """Return the type to use for a value that a mapper flattens; lists are not flattened."""
        if isinstance(kind, Type) or kind.many:
            return kind
        if kind.rest is not None:
            return JSON  # the keys of an open object cannot be declared
        return cls({name: cls.of(inner) for name, inner in kind.fields.items()})

    @override
    def convert_one(self, value: Any) -> dict[str, Any]:
        sent = {} if value is None or value == [] else value
        if not isinstance(sent, dict):
            raise MisfitError
        return {
            name: kind.convert(inner)
            if (inner := sent.get(name)) is not None or isinstance(kind, FlatObject)
            else None
            for name, kind in self.fields.items()
        }

    def undeclared(self, value: Any) -> dict[str, Any]:
        """Return the undeclared fields of an object, at any depth."""
        found: dict[str, Any] = {}
        for name, inner in value.items() if isinstance(value, dict) else ():
            kind = self.fields.get(name)
            if kind is None:
                found[name] = inner
            elif isinstance(kind, FlatObject) and (others := kind.undeclared(inner)):
                found[name] = others
        return found


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Attributes:
        name: The name in the table.
        type: Its type; a nested one is emitted as JSON text unless `nested_values` is `native`.
        description: What it contains; part of the schema.
        api: The API's name of the field, if it differs; `a.b` is field `b` of object `a`.
        repeats: The column whose values this one repeats; it is hidden or hashed like that column.
    """

    name: str
    type: Type | Nested
    description: str
    api: str = ""
    repeats: str = ""

    @property
    def field(self) -> str:
        """Return the API's name of the field."""
        return self.api or self.name


def emitted_type(column: Column, *, native: bool, flatten: bool) -> Type | Nested:
    """Return the type of a column as it is emitted."""
    if isinstance(column.type, Nested) and not native:
        return JSON
    return FlatObject.of(column.type) if flatten else column.type


def build_schema(
    columns: Iterable[Column],
    primary_key: Sequence[str],
    *,
    native: bool,
    hashed: Collection[str] = (),
    flatten: bool = False,
) -> Schema:
    """Return the JSON schema of a stream: `account` first, `extra` last.

    Args:
        columns: All other columns.
        primary_key: Columns that are never null.
        native: True if lists and objects are emitted unchanged, False if as JSON text.
        hashed: Names of columns that are emitted as hashes.
        flatten: True if a mapper flattens the objects (`flattening_enabled`).
    """
    properties = {"account": _described(TEXT, "Label of the account that the record belongs to.")}
    for column in columns:
        emitted = emitted_type(column, native=native, flatten=flatten)
        kind = TEXT if column.name in hashed else emitted
        api = f" API: `{column.api}`." if column.api else ""
        properties[column.name] = _described(kind, column.description + api)
    properties["extra"] = _described(
        TEXT, "Fields without a column, and values that did not fit their column's type, as JSON."
    )
    for key in primary_key:
        properties[key]["type"] = properties[key]["type"][-1]
    return {"type": "object", "properties": properties}


def _described(kind: Type | Nested, description: str) -> Schema:
    return {**kind.schema, "description": description}
