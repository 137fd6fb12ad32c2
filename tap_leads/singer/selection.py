"""The selection of a catalog for one stream, and the form of its values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# The length of a column's breadcrumb in a catalog; nested properties have longer ones.
_COLUMN_DEPTH = 2


class Selection:
    """The columns that a catalog deselects.

    Attributes:
        hidden: All of them, including columns that the stream no longer has.
        deselected: Those that the stream has.
        has_deselected_parts: True if a part of a selected list or object is deselected.
    """

    def __init__(self, mask: Mapping[tuple[str, ...], bool], schema: Mapping[str, Any]) -> None:
        """Read the SDK's selection mask of a stream with this schema."""
        deselected = [path for path, selected in mask.items() if not selected]
        self.hidden = frozenset(path[1] for path in deselected if len(path) == _COLUMN_DEPTH)
        self.deselected = self.hidden & schema["properties"].keys()
        self.has_deselected_parts = any(
            len(path) > _COLUMN_DEPTH and path[1] not in self.hidden for path in deselected
        )


def value_form(config: Mapping[str, Any]) -> dict[str, bool]:
    """Return how the settings want lists and objects to be emitted."""
    flatten = config.get("flattening_enabled") and config.get("flattening_max_depth", 0) > 0
    return {"native": config.get("nested_values") == "native", "flatten": bool(flatten)}
