"""The selection of a given catalog, which may be older than the tap, or made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from singer_sdk.singerlib import Metadata, Schema

from tap_leads.errors import Code, coded, printable
from tap_leads.settings.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from singer_sdk.singerlib import Catalog, CatalogEntry

# The maximum number of columns or streams that a message names.
_NAMED = 5

# PostgreSQL's limit less the columns that targets add, such as `_sdc_extracted_at`.
_MOST_COLUMNS = 1_600 - 10

# The length of a column's breadcrumb in a catalog; nested properties have longer ones.
_COLUMN_DEPTH = 2


class Selection:
    """The columns that a catalog deselects.

    Attributes:
        hidden: All of them, including columns that the stream no longer has.
        deselected: Those that the stream has.
        width: The number of columns that remain.
        has_deselected_parts: True if a part of a selected list or object is deselected.
    """

    def __init__(self, mask: Mapping[tuple[str, ...], bool], schema: Mapping[str, Any]) -> None:
        """Read the SDK's selection mask of a stream with this schema."""
        deselected = [path for path, selected in mask.items() if not selected]
        self.hidden = frozenset(path[1] for path in deselected if len(path) == _COLUMN_DEPTH)
        self.deselected = self.hidden & schema["properties"].keys()
        self.width = len(schema["properties"]) - len(self.deselected)
        self.has_deselected_parts = any(
            len(path) > _COLUMN_DEPTH and path[1] not in self.hidden for path in deselected
        )


def value_form(config: Mapping[str, Any]) -> dict[str, bool]:
    """Return how the settings want lists and objects to be emitted."""
    flatten = config.get("flattening_enabled") and config.get("flattening_max_depth", 0) > 0
    return {"native": config.get("nested_values") == "native", "flatten": bool(flatten)}


def reconcile(
    entry: CatalogEntry, schema: dict[str, Any], primary_key: Sequence[str], cursor: str | None
) -> list[str]:
    """Give the entry of a catalog the columns and keys of the stream, and keep its selection.

    A column that it does not list, such as a new custom field, is selected only if it selects
    everything that it lists: an allow-list stays one. A catalog that lists nothing but what it
    deselects is no allow-list.

    Returns:
        The columns whose schema differs from the stream's.
    """
    given = entry.schema.to_dict().get("properties", {})
    # Schemas are compared in the form that the SDK's class gives them.
    own = Schema.from_dict(schema)
    columns = own.to_dict()["properties"]
    changed = [
        name for name in columns if name in given and _bare(given[name]) != _bare(columns[name])
    ]
    selected = entry.metadata.resolve_selection()
    listed = given.keys() | {path[1] for path in selected if path}
    selects_some = any(selected["properties", name] for name in listed)
    if selects_some and not all(selected[path] for path in selected if path):
        for name in columns.keys() - listed - {*primary_key, cursor}:
            available = Metadata.InclusionType.AVAILABLE
            entry.metadata["properties", name] = Metadata(inclusion=available, selected=False)
    entry.schema, entry.key_properties, entry.replication_key = own, list(primary_key), cursor
    return changed


def _bare(schema: Any) -> Any:
    """Return a schema without texts, and with types in one order."""
    if isinstance(schema, list):
        return [_bare(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    bare = {
        name: _bare(each) for name, each in schema.items() if name not in {"title", "description"}
    }
    types = bare.get("type")
    return {**bare, "type": sorted(types)} if isinstance(types, list) else bare


class CheckedStream(Protocol):
    """The part of a stream that `check_selection` uses."""

    name: str
    changed_columns: list[str]

    @property
    def selected(self) -> bool:
        """True if the stream is selected."""

    @property
    def selection(self) -> Selection:
        """The columns that the catalog deselects."""


def check_selection(
    catalog: Catalog | None, known: Collection[str], streams: Collection[CheckedStream]
) -> Iterator[str]:
    """Yield warnings about what a run selects.

    Args:
        catalog: The catalog, if one was given.
        known: The names of the streams of all sources.
        streams: The streams of the configured sources.

    Raises:
        SettingsError: The catalog selects no stream.
    """
    selected = [stream for stream in streams if stream.selected]
    if catalog is not None:
        changed = {stream.name: stream.changed_columns for stream in selected}
        yield from _check_catalog(catalog, known, [stream.name for stream in streams], changed)
    for stream in selected:
        if stream.selection.width > _MOST_COLUMNS:
            line = (
                f"{stream.name} has {stream.selection.width:,} columns, and a table of PostgreSQL "
                "can have 1,600 with those that the target adds. Sync each account into its own "
                "schema, set `custom_fields` to `json`, or deselect columns"
            )
            yield coded(line, Code.TOO_MANY_COLUMNS)


def _check_catalog(
    catalog: Catalog,
    known: Collection[str],
    streams: Collection[str],
    selected: Mapping[str, Sequence[str]],
) -> Iterator[str]:
    """Yield warnings about a catalog.

    `streams` are the names of the configured sources' streams; `selected` has, for each selected
    stream, the columns whose schema the catalog changes.
    """
    if not selected:
        listed = [f"{name} (deselected)" if name in streams else name for name in catalog]
        msg = (
            f"no stream is selected. The catalog lists {_shortened(listed) or 'no streams'}. The "
            f"tap has {_shortened(list(streams))}. Select streams: with Meltano in `select` or "
            "`TAP_LEADS__SELECT`, otherwise in the catalog, which --discover creates."
        )
        raise SettingsError([msg], Code.NOTHING_SELECTED)
    if unknown := sorted(catalog.keys() - set(known)):
        line = (
            "the catalog lists streams that the tap does not have: "
            f"{printable(', '.join(unknown))}; create a new catalog with --discover"
        )
        yield coded(line, Code.UNKNOWN_STREAM)
    changed = [f"{name}.{column}" for name, columns in selected.items() for column in columns]
    if changed:
        line = (
            f"the catalog changes the schema of {_shortened(changed)}; the tap emits its own "
            "schema. To change a column, use stream_maps; if the catalog is old, create a new one "
            "with --discover"
        )
        yield coded(line, Code.CHANGED_SCHEMA)


def _shortened(names: Sequence[str]) -> str:
    """Return the names as a list, the first of them if there are many."""
    others = len(names) - _NAMED
    more = f" and {others} more" if others > 0 else ""
    return f"{printable(', '.join(names[:_NAMED]))}{more}"
