"""Clocks: the machine's, which tests replace, and the server's."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Protocol

from tap_leads.timestamps import SECOND, from_datetime

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_leads.timestamps import Micros


class Clock(Protocol):
    """The machine's clock."""

    def time(self) -> float:
        """Return Unix time in seconds."""

    def monotonic(self) -> float:
        """Return seconds that never go back, from an arbitrary start."""

    def sleep(self, seconds: float) -> None:
        """Suspend the calling thread."""


class SystemClock:
    """The real clock."""

    def time(self) -> float:
        """Return Unix time in seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds that never go back, from an arbitrary start."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Suspend the calling thread."""
        time.sleep(seconds)


class ServerClock:
    """The clock of an account's server, learned from `Date` headers; until then, the machine's.

    Attributes:
        offset: Server clock minus the machine's clock, in microseconds.
    """

    def __init__(self, clock: Clock) -> None:
        self.offset: Micros = 0
        self._clock = clock

    def now(self) -> Micros:
        """Return the server's time."""
        return self._local() + self.offset

    def learn(self, headers: Mapping[str, str]) -> None:
        """Set the clock by the `Date` header of a response that has just arrived."""
        try:
            moment = parsedate_to_datetime(headers["Date"])
        except (KeyError, ValueError):
            return
        self.offset = from_datetime(moment) - self._local()

    def _local(self) -> Micros:
        return int(self._clock.time() * SECOND)
