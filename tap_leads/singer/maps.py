"""Errors of stream maps: the expression of a user can fail on a value.

https://sdk.meltano.com/en/latest/stream_maps.html
"""

from __future__ import annotations

from tap_leads.errors import LeadsError


class MapError(LeadsError):
    """A stream map failed on a record; the message never contains the value."""


def map_error(error: Exception) -> MapError:
    """Return the error of a stream map, with the column and the kind of error."""
    column = _column_of(error)
    place = f"the expression for `{column}`" if column else "an expression"
    cause = error.__cause__ or error
    return MapError(
        f"stream_maps: {place} failed on a record ({type(cause).__name__}); if the column can be "
        "null, write `md5(email) if email else None`"
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
