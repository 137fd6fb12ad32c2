"""Requests per second, shared by everything that requests one API."""

from __future__ import annotations

import math
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tap_leads.rest.clock import Clock

# A part of the rate that is left unused: requests that are sent evenly arrive a little unevenly,
# and the server must not count one too many in any second. Where a late request is followed by
# punctual ones, the second it counts in is made longer instead.
_USED = 0.96
_LONG_SECOND = 1.03
# The most seconds by which a request is assumed to have reached the server late; any further
# delay of an answer is the server's own. Setting up a connection can take longer.
_MAX_DELAY = 0.15
_MAX_CONNECT_DELAY = 1.0
# After a 429 the rate falls to `SLOWDOWN_FACTOR` of what was sent in the second before it, and
# not below `MIN_RATE_FACTOR` of the rate. It then grows by `GROWTH` every `GROWTH_SECONDS`.
MIN_RATE_FACTOR = 0.5
SLOWDOWN_FACTOR = 0.7
GROWTH, GROWTH_SECONDS = 1.05, 10.0
# Answers that the usual time of an answer is taken from.
_SAMPLES = 20


@dataclass(slots=True)
class Slot:
    """A request's place under the rate limit.

    Attributes:
        acquired: When the request was allowed to be sent, on the limiter's monotonic clock.
        waited: Seconds that it waited for that.
        answered: When its response began.
        max_delay: The most seconds by which it may have reached the server late.
    """

    acquired: float
    waited: float
    answered: float = math.inf
    max_delay: float = _MAX_DELAY


class RateLimiter:
    """Spaces requests evenly, at most `per_second` (more than 0) in any second.

    The second is the server's: a request that arrives late counts from its arrival, which is
    estimated from the time of its answer. A server that allows less returns 429; then
    `slow_down` lowers the rate, and it grows back. Threads and accounts may share a limiter.
    """

    def __init__(self, per_second: float, clock: Clock) -> None:
        self._clock = clock
        self._full_rate = self._lowered_rate = per_second * _USED
        self._slowed_at = -math.inf
        self._is_slowed = False
        self._next = -math.inf
        self._recent: deque[Slot] = deque(maxlen=max(1, int(per_second)))
        self._period = max(1.0, 1 / per_second)
        self._durations: deque[float] = deque(maxlen=_SAMPLES)
        self._usual = 0.0
        self._lock = threading.Lock()
        # One thread at a time waits for its moment, the others for that thread.
        self._turn = threading.Lock()

    def acquire(self) -> Slot:
        """Wait until a request may be sent, and return its slot."""
        began = self._clock.monotonic()
        with self._turn:
            while True:
                with self._lock:
                    now = self._clock.monotonic()
                    earliest = self._next
                    if len(self._recent) == self._recent.maxlen:
                        # The first of a second's requests has to be a second ago at the server.
                        first = self._recent[0]
                        delay = min(first.answered, now) - first.acquired - self._usual
                        arrived = first.acquired + min(max(delay, 0.0), first.max_delay)
                        earliest = max(earliest, arrived + self._period * _LONG_SECOND)
                    if earliest <= now:
                        interval = 1 / (self._rate(now) if self._is_slowed else self._full_rate)
                        # A request that is a little late does not delay all that follow it.
                        self._next = max(self._next, now - interval) + interval
                        slot = Slot(now, now - began)
                        self._recent.append(slot)
                        return slot
                self._clock.sleep(earliest - now)

    def record_answer(self, slot: Slot, *, new_connection: bool) -> None:
        """Record that a response has begun; a connection may have been set up for it before."""
        with self._lock:
            slot.answered = self._clock.monotonic()
            if new_connection:
                slot.max_delay = _MAX_CONNECT_DELAY
            else:
                self._durations.append(slot.answered - slot.acquired)
                self._usual = min(self._durations)

    def slow_down(self, slot: Slot, wait: float) -> None:
        """Pause all requests for `wait` seconds, then lower the rate: the API returned 429.

        Requests that were sent before the last slowdown do not lower the rate again.
        """
        with self._lock:
            now = self._clock.monotonic()
            if slot.acquired > self._slowed_at:
                rate = self._rate(now) if self._is_slowed else self._full_rate
                recent = sum(0 <= slot.acquired - other.acquired < 1 for other in self._recent)
                self._lowered_rate = max(
                    rate * MIN_RATE_FACTOR, min(rate, recent) * SLOWDOWN_FACTOR
                )
                self._slowed_at, self._is_slowed = now, True
            self._next = max(self._next, now + max(wait, self._period))

    def _rate(self, now: float) -> float:
        steps = (now - self._slowed_at) / GROWTH_SECONDS
        rate = min(self._full_rate, self._lowered_rate * math.pow(GROWTH, steps))
        self._is_slowed = rate < self._full_rate
        return rate
