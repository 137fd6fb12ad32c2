"""Suggests the name that a user probably meant."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


HINT = "; did you mean "


def closest(name: str, known: Iterable[str]) -> list[str]:
    """Return the known name that resembles `name` most; an empty list if none resembles it."""
    return get_close_matches(name, [*known], 1)


def did_you_mean(names: Sequence[str]) -> str:
    """Return the end of an error message that suggests these names; empty if there are none."""
    return f"{HINT}{' or '.join(names)}?" if names else ""
