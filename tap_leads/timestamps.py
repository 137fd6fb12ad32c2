"""Moments as whole microseconds since 1970-01-01 UTC: exact, ordered, the same for every source."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import ROUND_FLOOR, Decimal
from typing import TypeAlias

Micros: TypeAlias = int
"""Microseconds since 1970-01-01 UTC, or a length of time in microseconds."""

MILLISECOND = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # isoformat() is faster without a zone
_MAX_DIGITS = 15
_SECONDS = re.compile(r"[0-9]{9,12}")
_MICROSECOND = timedelta(microseconds=1)


def from_datetime(value: datetime, zone: tzinfo = UTC) -> Micros:
    """Return the moment of a datetime; one without a zone is read in `zone`."""
    aware = value if value.tzinfo else value.replace(tzinfo=zone)
    return (aware - _EPOCH) // _MICROSECOND


def from_text(value: object, zone: tzinfo = UTC) -> Micros | None:
    """Return the moment of an ISO 8601 date or date-time, None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        return from_datetime(datetime.fromisoformat(value), zone)
    except (ValueError, OverflowError):
        return None


def from_unix_seconds(value: object) -> Micros | None:
    """Return the moment of a Unix time, rounded down to a microsecond; None for anything else.

    Text is a Unix time if it is an integer too long for an ISO 8601 date.
    """
    if isinstance(value, str) and _SECONDS.fullmatch(value):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value * SECOND
    if isinstance(value, Decimal) and value.is_finite() and value.adjusted() < _MAX_DIGITS:
        return int((value * SECOND).to_integral_value(ROUND_FLOOR))
    return None


def to_text(moment: Micros) -> str | None:
    """Return `YYYY-MM-DDTHH:MM:SS.ffffffZ`, None for a moment outside the years 1 to 9999.

    Every column has this one format of one length: bookmarks are compared as text.
    """
    try:
        value = _NAIVE_EPOCH + timedelta(microseconds=moment)
    except OverflowError:
        return None
    return f"{value.isoformat(timespec='microseconds')}Z"
