"""Privacy: removes values that the catalog deselects and hashes those in `hash_fields`.

One object does both, because a value may occur in several places of a record: in its column, in
columns that repeat it, inside objects, and in `extra`.
"""

from __future__ import annotations

import hmac
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tap_leads.records.columns import OWN_FIELDS, UNRELATED, Column, Nested
from tap_leads.records.convert import TEXT, Type, json_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping


def hashed_columns(stream: str, hash_fields: Iterable[str]) -> frozenset[str]:
    """Return the columns of a stream that `hash_fields` names: `email` or `stream.email`."""
    names = (name.rpartition(".") for name in hash_fields)
    return frozenset(column for prefix, _, column in names if prefix in {"", stream})


class Redactor:
    """Removes values that the catalog deselects, and hashes those that `hash_fields` names.

    A hash depends only on the value, the column's type and the key: it is the same in every
    source, whatever else is hidden.

    Attributes:
        hidden: Columns that the catalog deselects, including those that the stream no longer has.
        hashed: Columns that are emitted as HMAC-SHA256 in hex.
        is_active: True if anything is hidden or hashed.
    """

    __slots__ = ("_by_field", "_columns", "_key", "_sources", "hashed", "hidden", "is_active")

    def __init__(
        self,
        columns: Iterable[Column] = (),
        *,
        hidden: Collection[str] = (),
        hashed: Collection[str] = (),
        key: str = "",
    ) -> None:
        """Redact the columns of a stream; `key` is the HMAC key."""
        self.hidden = frozenset(hidden)
        self.hashed = frozenset(hashed)
        self.is_active = bool(hidden or hashed)
        self._key = key.encode()
        self._columns: Mapping[str, Column] = {column.name: column for column in columns}
        self._sources = {name: tuple(self._sources_of(name)) for name in self._columns}
        # A column that the stream no longer has is matched by its name.
        names = self._columns.keys() | self.hidden | self.hashed
        self._by_field = {
            self._field_of(name): name
            for name in sorted(names)
            if self.is_hidden(name) or self.is_hashed(name)
        }

    def is_hidden(self, column: str) -> bool:
        """Return True if a column, or the one it repeats, is hidden."""
        return not self.hidden.isdisjoint(self._sources.get(column, (column,)))

    def is_hashed(self, column: str) -> bool:
        """Return True if a column, or the one it repeats, is hashed."""
        return not self.hashed.isdisjoint(self._sources.get(column, (column,)))

    def concerns(self, column: Column) -> bool:
        """Return True if `redact` may change a value of the column."""
        if not self.is_active:
            return False
        prefix = f"{column.field}."
        return (
            self.is_hidden(column.name)
            or self.is_hashed(column.name)
            or _has_members(column.type)
            or any(field.startswith(prefix) for field in self._by_field)
        )

    def redact(self, column: str, value: Any) -> Any:
        """Return a value of a column: None if hidden, its hash if hashed, else the value.

        A column that repeats a hashed one gets the hash of each item, or None if its type cannot
        hold a hash. Members of an object are removed or hashed in the same way.
        """
        if value is None or not self.is_active:
            return value
        if self.is_hidden(column):
            return None
        kind = self._type_of(column)
        if column in self.hashed:
            return self._hash(kind, value)
        if self.is_hashed(column) and not callable(kind.members):
            source = next(name for name in self._sources[column] if name in self.hashed)
            return self._hash_items(source, value) if kind.holds_hash else None
        return self._redact_inside(value, kind, f"{self._field_of(column)}.", own=False)

    def redact_unknown(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return fields without a column, redacted by the API's names of columns."""
        return self._redact_object(fields, {}, "", own=True)

    def _hash(self, kind: Type | Nested, value: Any) -> str | None:
        """Return the HMAC-SHA256 in hex; None for a text that is empty after normalization."""
        # A misfit must not be raw in `extra`. MisfitError is a ValueError.
        with suppress(TypeError, ValueError):
            value = kind.convert(value)
        normal = kind.normalize(value if isinstance(value, str) else json_text(value))
        return hmac.digest(self._key, normal.encode(), "sha256").hex() if normal else None

    def _hash_items(self, column: str, value: Any) -> Any:
        """Return the hash of a value, or of each item of a list, as `column` would have it."""
        kind = self._type_of(column)
        if not isinstance(value, list):
            return self._hash(kind, value)
        hashes = (self._hash(kind, item) for item in value if item is not None)
        return [each for each in hashes if each is not None] or None

    def _redact_inside(
        self, value: Any, kind: Type | Nested | None, prefix: str, *, own: bool
    ) -> Any:
        """Return a value with its members redacted.

        Args:
            value: Any value of a field.
            kind: The declared type, if there is one.
            prefix: The API's name of the field, followed by a dot.
            own: True if keys are the API's names of columns.
        """
        members = kind.members if kind else None
        if callable(members):
            value = members(value, self)
        kinds = kind.fields if isinstance(kind, Nested) else {}
        return self._walk(value, kinds, prefix, own=own or members is OWN_FIELDS)

    def _walk(
        self, value: Any, kinds: Mapping[str, Type | Nested], prefix: str, *, own: bool
    ) -> Any:
        if isinstance(value, list):
            return [self._walk(item, kinds, prefix, own=own) for item in value]
        if isinstance(value, dict):
            return self._redact_object(value, kinds, prefix, own=own)
        return value

    def _redact_object(
        self,
        value: Mapping[str, Any],
        kinds: Mapping[str, Type | Nested],
        prefix: str,
        *,
        own: bool,
    ) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, inner in value.items():
            name = key.replace("\x00", "")  # targets get the key without NUL
            field = prefix + name
            column = self._by_field.get(field) or (self._by_field.get(name) if own else None)
            if column is None:
                result[key] = self._redact_inside(inner, kinds.get(name), f"{field}.", own=own)
            elif not self.is_hidden(column):
                result[key] = self.redact(column, inner)
        return result

    def _sources_of(self, name: str) -> Iterator[str]:
        """Yield a column, then the column it repeats, and so on."""
        found: list[str] = []
        while name and name not in found:
            yield name
            found.append(name)
            name = self._columns[name].repeats if name in self._columns else ""

    def _field_of(self, column: str) -> str:
        return self._columns[column].field if column in self._columns else column

    def _type_of(self, column: str) -> Type | Nested:
        return self._columns[column].type if column in self._columns else TEXT


def _has_members(kind: Type | Nested) -> bool:
    """Return True if values of the type may repeat values of columns."""
    inner = kind.fields.values() if isinstance(kind, Nested) else ()
    return kind.members not in {None, UNRELATED} or any(map(_has_members, inner))
