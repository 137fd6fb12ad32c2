"""Small lists of an account, read while its first stream is already complete."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Prefetch:
    """Starts the small lists of an account at once, as soon as one stream of it is complete.

    Each of them needs a request or two, and would wait for the network alone otherwise. An
    account that fails is not asked for them in vain.
    """

    def __init__(self) -> None:
        """Start with no lists."""
        self._starts: list[Callable[[str], None]] = []

    def add(self, start: Callable[[str], None]) -> None:
        """Add a list: `start` receives the label of an account, and may be called again."""
        self._starts.append(start)

    def start(self, account: str) -> None:
        """Start the lists of an account that are not read yet."""
        for start in self._starts:
            start(account)
