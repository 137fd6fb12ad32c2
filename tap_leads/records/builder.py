"""Builds Singer records, in a form that every target can load, from the fields of API records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_leads.records.columns import FlatObject, emitted_type
from tap_leads.records.convert import json_text
from tap_leads.records.privacy import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tap_leads.records.columns import Column, Nested
    from tap_leads.records.convert import Type


class RecordBuilder:
    """Converts fields to records: `account` first, `extra` last, every column in each record.

    A value that does not fit its column's type is null in that column and kept in `extra`, together
    with fields that have no column. Nothing that the API returned is lost, and `extra` contains no
    deselected value and no raw value of a hashed column.
    """

    __slots__ = ("_converters", "_fields", "_flat", "_has_extra", "_redactor", "_sensitive")

    def __init__(
        self,
        columns: Sequence[Column],
        redactor: Redactor | None = None,
        *,
        native: bool,
        flatten: bool = False,
    ) -> None:
        """Build records with these columns, without those that are hidden.

        Args:
            columns: All columns except `account` and `extra`.
            redactor: Removes and hashes values; None to do neither.
            native: True to emit lists and objects unchanged, False to emit JSON text.
            flatten: True if a mapper flattens the objects (`flattening_enabled`).
        """
        self._redactor = redactor or Redactor()
        self._fields = frozenset(column.field for column in columns)
        self._has_extra = "extra" not in self._redactor.hidden
        self._sensitive = {c.field: c.name for c in columns if self._redactor.concerns(c)}
        shown = [
            (column, emitted_type(column, native=native, flatten=flatten))
            for column in columns
            if column.name not in self._redactor.hidden
        ]
        self._converters = tuple((c.name, c.field, self._converter(c, kind)) for c, kind in shown)
        self._flat = tuple(
            (column.name, column.field, kind)
            for column, kind in shown
            if isinstance(kind, FlatObject) and column.name not in self._redactor.hashed
        )

    def __call__(self, account: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the record of an account; `fields` are keyed by the API's names."""
        record: dict[str, Any] = {"account": account}
        extra = {} if fields.keys() <= self._fields else self._unknown(fields)
        get = fields.get
        for name, field, convert in self._converters:
            value = get(field)
            if value is not None:
                try:
                    value = convert(value)
                except (TypeError, ValueError):  # MisfitError is a ValueError
                    extra[field] = self._redacted(field, value)
                    value = None
            record[name] = value
        if self._flat:
            self._complete(record, fields, extra)
        if self._has_extra:
            record["extra"] = json_text(extra) if extra else None
        return record

    def _unknown(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields that have no column, in the order in which the API returned them."""
        unknown = {name: value for name, value in fields.items() if name not in self._fields}
        return self._redactor.redact_unknown(unknown) if self._redactor.is_active else unknown

    def _complete(
        self, record: dict[str, Any], fields: Mapping[str, Any], extra: dict[str, Any]
    ) -> None:
        """Add all declared fields to each flattened object, and undeclared ones to `extra`."""
        for name, field, kind in self._flat:
            if record[name] is None:
                record[name] = kind.convert_one(None)
            elif others := kind.undeclared(self._redacted(field, fields[field])):
                extra[field] = others

    def _redacted(self, field: str, value: Any) -> Any:
        """Return a value that does not fit its column, redacted for `extra`."""
        name = self._sensitive.get(field)
        return value if name is None else self._redactor.redact(name, value)

    def _converter(self, column: Column, kind: Type | Nested) -> Callable[[Any], Any]:
        """Return a function that redacts the values of a column if needed, then converts them."""
        convert = kind.convert
        if not self._redactor.concerns(column):
            return convert
        name, redact = column.name, self._redactor.redact
        is_hash = name in self._redactor.hashed

        def redact_and_convert(value: Any) -> Any:
            value = redact(name, value)
            return value if value is None or is_hash else convert(value)

        return redact_and_convert
