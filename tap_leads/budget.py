"""Requests per second of one account, shared by all that read it."""

from __future__ import annotations

import math
import threading
import time
from collections import deque

# A part of the budget is left unused: requests sent evenly still arrive a little unevenly, and
# the server must not count one too many in any second.
_MARGIN = 0.96
# After a refusal: the part of the rate that is gone on with, at the least; the part of what was
# sent in the second before it; and how much more is tried after some seconds without another.
_LEAST = 0.5
_PART = 0.7
_GROWTH, _GROWTH_SECONDS = 1.05, 10.0


class Budget:
    """Lets requests leave evenly, so that the server sees at most `per_second` in any one second.

    A server that allows less says so by refusing: then all wait, and go on slower.
    """

    def __init__(self, per_second: float) -> None:
        """Allow `per_second` requests (more than 0) in any one second."""
        self._told = self._lowered = per_second * _MARGIN
        self._slowed = -math.inf
        self._changed = threading.Condition()
        self._next = 0.0
        # When the last requests left; infinity while one is about to.
        self._left: deque[list[float]] = deque(maxlen=max(1, int(per_second)))
        self._period = max(1.0, 1 / per_second)
        self._here = threading.local()

    def wait(self) -> float:
        """Wait until a request of this thread may leave; the seconds waited."""
        began = time.monotonic()
        self._here.left = left = [math.inf]
        with self._changed:
            while (wait := self._seconds_to_wait()) > 0:
                self._changed.wait(wait)
            now = time.monotonic()
            interval = 1 / self._rate(now)
            # One that is a little late does not delay all that follow it.
            self._next = max(self._next, now - interval) + interval
            self._left.append(left)
        return now - began

    def left(self) -> float:
        """Take note that this thread's request has left; the moment (monotonic) at which it did.

        It may do so later than it was allowed to: a connection had to be made, or the machine
        was busy. The second in which the server counts it begins only then.
        """
        left: list[float] = self._here.left
        if left[0] == math.inf:
            left[0] = time.monotonic()
            with self._changed:
                self._changed.notify_all()
        return left[0]

    def refused(self, wait: float) -> None:
        """This thread's last request was refused: let all wait that many seconds, then go slower.

        Requests that had left before the first refusal was known slow nothing down again.
        """
        with self._changed:
            now = time.monotonic()
            if (sent := self._here.left[0]) > self._slowed:
                rate = self._rate(now)
                recent = sum(0 <= sent - left < 1 for (left,) in self._left)
                self._lowered = max(rate * _LEAST, min(rate, recent) * _PART)
                self._slowed = now
            self._next = max(self._next, now + wait)

    def _rate(self, now: float) -> float:
        if self._lowered >= self._told:
            return self._told
        steps = (now - self._slowed) / _GROWTH_SECONDS
        return min(self._told, self._lowered * _GROWTH**steps)

    def _seconds_to_wait(self) -> float:
        now = time.monotonic()
        wait = self._next - now
        if len(self._left) == self._left.maxlen:
            earliest = self._left[0][0] + self._period - now
            wait = max(wait, min(earliest, self._period))
        return wait
