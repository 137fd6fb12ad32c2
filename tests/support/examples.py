"""How many examples a property test runs."""

from __future__ import annotations

from hypothesis import settings


def examples(number: int) -> settings:
    """Return settings with this many examples, or fewer where the profile has fewer than 100."""
    return settings(max_examples=max(1, number * settings().max_examples // 100))
