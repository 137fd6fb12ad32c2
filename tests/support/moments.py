"""Moments as sources have them, and as records do."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from jsonschema import FormatChecker

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValueError)
def is_a_moment(value: object) -> bool:
    """The one form of a date-time that every target reads alike."""
    return not isinstance(value, str) or (
        MOMENT.fullmatch(value) is not None and datetime.fromisoformat(value).tzinfo is not None
    )


def moment(value: str | float | None, zone: str = "") -> str | None:
    """A moment as the source has it, in the records' form; 0 is none."""
    if not value:
        return None
    if isinstance(value, str):
        at = datetime.fromisoformat(value + zone)
    else:
        at = datetime.fromtimestamp(value, UTC)
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
