"""The sandbox's now: real time by default, moved or stopped at will."""

from __future__ import annotations

import time


class Clock:
    """Epoch seconds that the four APIs live by.

    Args:
        start: The moment the clock shows at first; it runs on from there. Default: real time.
    """

    def __init__(self, start: float | None = None) -> None:
        self._offset = 0.0 if start is None else start - time.time()
        self._frozen: float | None = None

    def now(self) -> float:
        """The moment, in epoch seconds."""
        return time.time() + self._offset if self._frozen is None else self._frozen

    def advance(self, seconds: float) -> None:
        """Move the clock; a frozen clock stays frozen."""
        if self._frozen is None:
            self._offset += seconds
        else:
            self._frozen += seconds

    def freeze(self, at: float | None = None) -> None:
        """Stop the clock, at a given moment or at the present one."""
        self._frozen = self.now() if at is None else at

    def run(self) -> None:
        """Let a frozen clock run on from where it stands."""
        if self._frozen is not None:
            self._offset = self._frozen - time.time()
            self._frozen = None
