"""The sandbox's clock."""

from __future__ import annotations

import time


class Clock:
    """The clock of the four APIs, in epoch seconds. It can be moved and frozen.

    Args:
        start: The initial time; the clock runs from there. Default: the real time.
    """

    def __init__(self, start: float | None = None) -> None:
        self._offset = 0.0 if start is None else start - time.time()
        self._frozen: float | None = None

    def now(self) -> float:
        """Return the time in epoch seconds."""
        return time.time() + self._offset if self._frozen is None else self._frozen

    def advance(self, seconds: float) -> None:
        """Move the clock forward; a frozen clock stays frozen."""
        if self._frozen is None:
            self._offset += seconds
        else:
            self._frozen += seconds

    def freeze(self, at: float | None = None) -> None:
        """Stop the clock, at the given time or at the current one."""
        self._frozen = self.now() if at is None else at

    def run(self) -> None:
        """Restart a frozen clock from the time it shows."""
        if self._frozen is not None:
            self._offset = self._frozen - time.time()
            self._frozen = None
