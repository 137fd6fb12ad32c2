"""Stream maps: the schema of their setting, and the errors of their expressions.

https://sdk.meltano.com/en/latest/stream_maps.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_leads.errors import Code, LeadsError

if TYPE_CHECKING:
    from collections.abc import Mapping


def correct_schema(properties: dict[str, Any]) -> None:
    """Make `stream_maps` any object, and remove `faker_config`, in the schema of all settings.

    The SDK's schema for `stream_maps` is invalid ("null" in place of a schema), and the SDK's
    mapper reports an error in a map better than a schema could. Faker is not installed.
    """
    properties.pop("faker_config", None)
    maps = properties["stream_maps"]
    texts = {key: maps[key] for key in ("title", "description")}
    properties["stream_maps"] = {"type": ["object", "null"], **texts}


class MapError(LeadsError):
    """A stream map failed on a record; the message never contains the value."""

    code = Code.STREAM_MAP


def map_error(error: Exception, record: Mapping[str, Any]) -> MapError:
    """Return the error of a stream map on a record, with the column and the kind of error."""
    column = _column_of(error)
    place = f"the expression for `{column}`" if column else "an expression"
    cause = error.__cause__ or error
    name = column if column in record else "x"
    return MapError(
        f"stream_maps: {place} failed on a record ({type(cause).__name__}); if a column in it can "
        f"be null, guard it: `md5({name}) if {name} else None`"
    )


def _column_of(error: BaseException) -> str:
    """Return the column whose expression failed, from the SDK's stack frames."""
    trace, column = error.__traceback__, ""
    while trace:
        names = trace.tb_frame.f_locals
        if "property_name" in names:
            column = names["property_name"] or "__filter__"
        trace = trace.tb_next
    return column
