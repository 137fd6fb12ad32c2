"""Timestamps of sources, and in records."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from jsonschema import FormatChecker

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValueError)
def is_a_moment(value: object) -> bool:
    """True if a date-time has the one form that all targets read alike."""
    return not isinstance(value, str) or (
        MOMENT.fullmatch(value) is not None and datetime.fromisoformat(value).tzinfo is not None
    )


def moment(value: str | float | None, zone: str = "") -> str | None:
    """Return a timestamp of a source as in a record; 0 is none."""
    if not value:
        return None
    if isinstance(value, str):
        at = datetime.fromisoformat(value + zone)
    else:
        at = datetime.fromtimestamp(value, UTC)
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
