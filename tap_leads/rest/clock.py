"""Clocks: the machine's, which tests replace, and the server's."""

from __future__ import annotations

import time
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Protocol

from tap_leads.timestamps import SECOND

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

    sleep = staticmethod(time.sleep)
    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)


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
        return int(self._clock.time() * SECOND) + self.offset

    def learn(self, headers: Mapping[str, str]) -> None:
        """Set the clock by the `Date` header of a response that has just arrived."""
        try:
            moment = parsedate_to_datetime(headers["Date"])
        except (KeyError, ValueError):
            return
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        self.offset = int(aware.timestamp() * SECOND) - int(self._clock.time() * SECOND)
