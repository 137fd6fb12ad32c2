"""The line about a stream map that failed on a record."""

from __future__ import annotations

import pytest

from tap_leads.singer.stream_maps import MapError, map_error

RECORD = {"email": None, "id": 1}


def failing(property_name: str) -> MapError:
    """Return the error of an expression that fails as in the SDK, in a frame with its property."""
    try:
        int(property_name)
    except ValueError as error:
        return map_error(error, RECORD)
    raise AssertionError


@pytest.mark.parametrize(
    ("column", "guard"),
    [("email", "`md5(email) if email else None`"), ("new", "`md5(x) if x else None`")],
)
def test_the_guard_against_null_has_the_name_of_the_column_if_the_record_has_it(
    column: str, guard: str
) -> None:
    assert str(failing(column)) == (
        f"stream_maps: the expression for `{column}` failed on a record (ValueError); if a "
        f"column in it can be null, guard it: {guard} [stream-map]"
    )
