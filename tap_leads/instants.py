"""Moments as whole microseconds since 1970-01-01 UTC: exact, ordered, the same for every source."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

MILLISECOND = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # in UTC, of which texts are made faster
_MICROSECOND = timedelta(microseconds=1)


def of_datetime(value: datetime, zone: tzinfo = UTC) -> int:
    """The instant of a datetime; one without a zone is read in `zone`."""
    aware = value if value.tzinfo else value.replace(tzinfo=zone)
    return (aware - _EPOCH) // _MICROSECOND


def of_text(value: object, zone: tzinfo = UTC) -> int | None:
    """The instant of an ISO 8601 date or date-time, None where it is not one."""
    if not isinstance(value, str):
        return None
    try:
        return of_datetime(datetime.fromisoformat(value), zone)
    except (ValueError, OverflowError):
        return None


def of_seconds(value: object) -> int | None:
    """The instant of a Unix time in whole seconds, None where it is not one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value * SECOND
    return None


def text(instant: int) -> str | None:
    """`YYYY-MM-DDTHH:MM:SS.ffffffZ`, None for a moment outside the years 1 to 9999.

    One format of one length for every column: bookmarks are compared as text.
    """
    try:
        moment = _NAIVE_EPOCH + timedelta(microseconds=instant)
    except OverflowError:
        return None
    return f"{moment.isoformat(timespec='microseconds')}Z"
