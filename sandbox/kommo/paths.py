"""The paths of Kommo's tables."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

from sandbox.kommo.query import Test

if TYPE_CHECKING:
    from sandbox.kommo.table import Table

Scope = tuple[Hashable, Test]
"""A test that every row of a list passes, with a key that identifies it."""
_SCOPED = frozenset({"statuses", "elements", "messages"})
"""Tables whose rows are served below the row that they belong to."""
_BELOW = {("catalogs", "elements"): "catalog_id", ("talks", "messages"): "talk_id"}
"""The field of a row that has the ID in its path."""
_WITH_NOTES = frozenset({"leads", "contacts", "companies"})


def table_of(
    tables: Mapping[str, Table], parts: list[str]
) -> tuple[Table, Scope | None, Any] | None:
    """Return the table of a path, the scope of its rows, and the ID of a single row.

    Args:
        tables: The tables by path.
        parts: The segments of the path below `/api/v4`.
    """
    match parts:
        case ["leads", "pipelines", number, "statuses", *rest] if number.isdigit():
            row_id = (int(number), int(rest[0])) if rest and rest[0].isdigit() else None
            return tables["statuses"], _belongs("pipeline_id", number), row_id
        case [head, number, part, *rest] if (head, part) in _BELOW and number.isdigit():
            row_id = _id(rest[0]) if rest else None
            return tables[part], _belongs(_BELOW[head, part], number), row_id
        case [entity, number, "notes", *rest] if entity in _WITH_NOTES and number.isdigit():
            row_id = _id(rest[0]) if rest else None
            return tables[f"{entity}/notes"], _belongs("entity_id", number), row_id
    path = "/".join(parts)
    if path in tables and path not in _SCOPED:
        return tables[path], None, None
    path = "/".join(parts[:-1])
    if path in tables and path not in _SCOPED:
        return tables[path], None, _id(parts[-1])
    return None


def _belongs(name: str, number: str) -> Scope:
    owner = int(number)
    return (name, owner), lambda row: row[name] == owner


def _id(text: str) -> Any:
    return int(text) if text.isdigit() else text
