"""Stream maps: expressions of users, which may fail on a value.

https://sdk.meltano.com/en/latest/stream_maps.html
"""

from __future__ import annotations

from tap_leads.errors import LeadsError


class MapError(LeadsError):
    """A stream map that failed on a record; the message never holds the value."""


def map_error(error: Exception) -> MapError:
    """Return the failure of a stream map, with the column and the kind of error."""
    column = _column_of(error)
    place = f"the expression for `{column}`" if column else "an expression"
    cause = error.__cause__ or error
    return MapError(
        f"stream_maps: {place} failed on a record ({type(cause).__name__}). A column may be null: "
        "write `md5(email) if email else None`"
    )


def _column_of(error: BaseException) -> str:
    """Return the column whose expression was evaluated, as the SDK's frames name it."""
    trace, column = error.__traceback__, ""
    while trace:
        names = trace.tb_frame.f_locals
        if "property_name" in names:
            column = names["property_name"] or "__filter__"
        trace = trace.tb_next
    return column
