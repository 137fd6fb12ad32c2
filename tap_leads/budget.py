"""Requests per second of one account, shared by all that read it."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from dataclasses import dataclass

# A part of the budget is left unused: requests sent evenly still arrive a little unevenly, and
# the server must not count one too many in any second.
_MARGIN = 0.96
# The most that a request is thought to have been under way; the rest of a late answer's time the
# server took to make it.
_MOST_UNDER_WAY = 0.1
# After a refusal: the part of the rate that is gone on with, at the least; the part of what was
# sent in the second before it; and how much more is tried after some seconds without another.
_LEAST = 0.5
_PART = 0.7
_GROWTH, _GROWTH_SECONDS = 1.05, 10.0


@dataclass(slots=True)
class _Slot:
    """A request: when it left and when its answer began, on the monotonic clock."""

    left: float = math.inf
    answered: float = math.inf


class _Here(threading.local):
    """What a thread has to do with a budget: its last request, which it may not have made yet."""

    slot = _Slot(left=-math.inf)


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
        self._last: deque[_Slot] = deque(maxlen=max(1, int(per_second)))
        self._period = max(1.0, 1 / per_second)
        self._took: deque[float] = deque([math.inf], maxlen=20)
        self._here = _Here()

    def wait(self) -> float:
        """Wait until a request of this thread may leave; the seconds waited."""
        began = time.monotonic()
        self._here.slot = slot = _Slot()
        with self._changed:
            while (wait := self._seconds_to_wait()) > 0:
                self._changed.wait(wait)
            now = time.monotonic()
            interval = 1 / self._rate(now)
            # One that is a little late does not delay all that follow it.
            self._next = max(self._next, now - interval) + interval
            self._last.append(slot)
        return now - began

    def left(self) -> None:
        """Take note that this thread's request has left.

        It may do so later than it was allowed to: a connection had to be made, or the machine
        was busy. The second in which the server counts it begins only then.
        """
        slot = self._here.slot
        if slot.left == math.inf:
            with self._changed:
                slot.left = time.monotonic()
                self._changed.notify_all()

    def answered(self) -> None:
        """Take note that the answer to this thread's request has begun."""
        slot = self._here.slot
        with self._changed:
            slot.answered = time.monotonic()
            self._took.append(slot.answered - slot.left)
            self._changed.notify_all()

    def refused(self, wait: float) -> None:
        """This thread's last request was refused: let all wait that many seconds, then go slower.

        Requests that had left before the first refusal was known slow nothing down again.
        """
        left = self._here.slot.left
        with self._changed:
            now = time.monotonic()
            if left > self._slowed:
                rate = self._rate(now)
                recent = sum(0 <= left - slot.left < 1 for slot in self._last)
                self._lowered = max(rate * _LEAST, min(rate, recent) * _PART)
                self._slowed = now
            self._next = max(self._next, now + max(wait, self._period))

    def _rate(self, now: float) -> float:
        if self._lowered >= self._told:
            return self._told
        steps = (now - self._slowed) / _GROWTH_SECONDS
        return min(self._told, self._lowered * math.pow(_GROWTH, steps))

    def _seconds_to_wait(self) -> float:
        now = time.monotonic()
        wait = self._next - now
        if len(self._last) == self._last.maxlen:
            earliest = self._arrival_of(self._last[0], now) + self._period - now
            wait = max(wait, min(earliest, self._period))
        return wait

    def _arrival_of(self, slot: _Slot, now: float) -> float:
        """When a request reached the server, at the latest: later than others, if its answer is."""
        late = min(slot.answered, now) - slot.left - min(self._took)
        return slot.left + min(max(late, 0.0), _MOST_UNDER_WAY)
