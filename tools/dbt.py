"""The generated parts of the dbt package: a view of each stream, its description, and sources."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tap_leads.records.columns import Nested
from tap_leads.records.convert import JSON
from tap_leads.sources import SOURCES
from tools.plugin import dump
from tools.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_leads.records.columns import Column
    from tap_leads.sources.base import Source, StreamSpec

FOLDER = "dbt/models/staging"
STREAMS_MACRO = "dbt/macros/streams.sql"
NOTICE = "Generated from the tap's declarations by `make docs`."

ACCOUNT = "Label of the account that the record belongs to."
EXTRA = "Fields without a column, and values that did not fit their column's type, as JSON."
LOADED_AT = "When the target loaded the row, if the target records that; UTC."
DELETIONS = {
    "kommo_leads": "kommo_deleted_leads",
    "kommo_contacts": "kommo_deleted_contacts",
    "kommo_companies": "kommo_deleted_companies",
}
"""Streams whose deleted rows another stream lists."""
MARKS = {
    "is_deleted": "True if the record was deleted or merged into another, and not restored.",
    "deleted_at": "When the record was deleted, if it is; UTC.",
    "merged_into": "ID of the record that this one was merged into, if any.",
}
"""Columns that mark the deleted rows of those streams."""


def files() -> dict[str, str]:
    """Return the content of each generated file of the package, by path."""
    found = {STREAMS_MACRO: _streams_macro()}
    for source in SOURCES:
        folder = f"{FOLDER}/{source.name}"
        found[f"{folder}/_sources.yml"] = _yaml({"version": 2, "sources": [_source(source)]})
        for stream in source.streams:
            name = f"{folder}/stg_{stream.name}"
            found[f"{name}.sql"] = _view(source, stream)
            found[f"{name}.yml"] = _yaml({"version": 2, "models": [_model(stream)]})
    return found


def present() -> list[str]:
    """Return the paths of the files in the generated folder, also of streams that are gone."""
    return [path.as_posix() for path in sorted(Path(FOLDER).rglob("stg_*"))]


def columns_of(stream: StreamSpec) -> dict[str, tuple[str, str]]:
    """Return the type and the description of each column of a stream's view."""
    found = {"account": ("text", ACCOUNT)}
    found |= {column.name: (type_of(column), column.description) for column in stream.columns}
    found["extra"] = ("json", EXTRA)
    return found


def type_of(column: Column) -> str:
    """Return the type of a column in the words of the package's macros."""
    if isinstance(column.type, Nested) or column.type == JSON:
        return "json"
    return {"date-time": "timestamp"}.get(column.type.name, column.type.name)


def _deletions(stream: StreamSpec) -> str | None:
    """Return the stream that lists the deleted rows of a stream, if the tap has it."""
    return next((name for name in [DELETIONS.get(stream.name)] if name in STREAMS), None)


def _view(source: Source, stream: StreamSpec) -> str:
    deletions = _deletions(stream)
    columns = {name: kind for name, (kind, _) in columns_of(stream).items()}
    macro = "stage"
    tables = [f"source('{source.name}', '{stream.name}')"]
    if deletions:
        macro = "stage_with_deletions"
        tables.append(f"ref('stg_{deletions}')")
        columns = {name: kind for name, kind in columns.items() if name not in MARKS}
    listed = "".join(f"        '{name}': '{kind}',\n" for name, kind in columns.items())
    given = "".join(f"    {table},\n" for table in tables)
    return f"-- {NOTICE}\n{{{{ tap_leads.{macro}(\n{given}    {{\n{listed}    }},\n) }}}}\n"


def _model(stream: StreamSpec) -> dict[str, object]:
    described = {name: text for name, (_, text) in columns_of(stream).items()}
    if _deletions(stream):
        described |= MARKS
    described["loaded_at"] = LOADED_AT
    types = {name: kind for name, (kind, _) in columns_of(stream).items()}
    utc = {name for name, kind in types.items() if kind == "timestamp"}
    columns = [
        {"name": name, "description": text.removesuffix(".") + "; UTC." if name in utc else text}
        for name, text in described.items()
    ]
    return {
        "name": f"stg_{stream.name}",
        "description": f"The rows of `{stream.name}`; key: {', '.join(stream.primary_key)}.",
        "data_tests": [{"unique_key": {"arguments": {"columns": list(stream.primary_key)}}}],
        "columns": columns,
    }


def _source(source: Source) -> dict[str, object]:
    return {
        "name": source.name,
        "description": f"Tables that tap-leads loads from {source.name}.",
        "database": "{{ var('leads_database') or target.database }}",
        "schema": f"{{{{ var('leads_schemas', {{}}).get('{source.name}', var('leads_schema')) }}}}",
        "tables": [{"name": stream.name} for stream in source.streams],
    }


def _streams_macro() -> str:
    lines = "".join(_stream_line(source, s) for source in SOURCES for s in source.streams)
    return (
        f"{{# {NOTICE} #}}\n"
        "{#- The source of each stream, its key, and the column with its newest date. -#}\n"
        f"{{% macro streams() %}}\n{{{{ return({{\n{lines}}}) }}}}\n{{% endmacro %}}\n"
    )


def _stream_line(source: Source, stream: StreamSpec) -> str:
    key = ", ".join(f"'{name}'" for name in stream.primary_key)
    newest = next(iter(_newest(stream)), None)
    at = f"'{newest}'" if newest else "none"
    return f"    '{stream.name}': {{'source': '{source.name}', 'key': [{key}], 'newest': {at}}},\n"


def _newest(stream: StreamSpec) -> Iterator[str]:
    """Yield the columns that date a row, the best one first."""
    if stream.replication_key:
        yield stream.replication_key.column
    dates = {column.name for column in stream.columns if type_of(column) == "timestamp"}
    yield from (name for name in ("updated_at", "deleted_at", "created_at") if name in dates)


def _yaml(content: dict[str, object]) -> str:
    return f"# {NOTICE}\n{dump(content)}"
