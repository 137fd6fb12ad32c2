"""Requests per second of one account, shared by all that read it."""

from __future__ import annotations

import threading
import time

# A part of the budget is left unused: requests sent evenly still arrive a little unevenly, and
# the server must not count one too many in any second.
_MARGIN = 0.95


class Budget:
    """Spaces requests evenly, so that the server sees at most `per_second` in any one second."""

    def __init__(self, per_second: float) -> None:
        """Allow `per_second` requests (more than 0) a second."""
        self._interval = 1 / (per_second * _MARGIN)
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> float:
        """Wait for the next free moment and take it; the seconds waited."""
        with self._lock:
            now = time.monotonic()
            moment = max(now, self._next)
            self._next = moment + self._interval
        if moment > now:
            time.sleep(moment - now)
        return moment - now
