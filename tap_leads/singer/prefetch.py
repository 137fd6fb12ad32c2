"""Prefetching: reads small lists of an account before their turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Prefetch:
    """Starts the small lists of an account together, as soon as one of its streams is complete.

    Each list needs a request or two; read one by one, they would mostly wait for the network. An
    account whose streams all fail costs no extra requests.
    """

    def __init__(self) -> None:
        """Start with no lists."""
        self._starts: list[Callable[[str], None]] = []

    def add(self, start: Callable[[str], None]) -> None:
        """Add a list: `start` receives the label of an account, and may be called again."""
        self._starts.append(start)

    def start(self, account: str) -> None:
        """Start the lists of an account whose turn has not come yet."""
        for start in self._starts:
            start(account)
