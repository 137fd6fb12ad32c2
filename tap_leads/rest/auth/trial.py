"""Find out whether the API accepts the tokens that it issues."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

MAX_FAILED_RENEWALS = 3


@dataclass
class TokenTrial:
    """The access token of the last renewal, until the API accepts a request with it.

    An API can issue tokens and reject each of them, such as tokens of another account. The number
    of renewals is limited, because each one would succeed.

    Attributes:
        token: The token, or "" once a request with it was accepted.
        under_way: How many requests with it are under way, or wait to be sent.
        failed_renewals: Renewals in a row whose token was never seen to be accepted.
    """

    token: str = field(default="", repr=False)
    under_way: int = 0
    failed_renewals: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def start(self, token: str) -> None:
        """Put a new token on trial."""
        with self._lock:
            self.token = token
            self.under_way = 0

    def begin(self, token: str) -> None:
        """Record that a request with a token is about to be sent."""
        with self._lock:
            self.under_way += token == self.token

    def end(self, token: str, *, accepted: bool) -> None:
        """Record that a request with a token is over; `accepted` is False without a response."""
        with self._lock:
            self.under_way -= token == self.token
            if accepted:
                self.failed_renewals = 0
                self.token = "" if token == self.token else self.token

    def count_rejection(self, token: str) -> bool:
        """Count the rejection of a token; return True if another renewal would not help.

        It may help while other requests with the token are under way: the API may have accepted
        one of them before the token was revoked.
        """
        with self._lock:
            if token != self.token:
                return False
            self.failed_renewals += 1
            return self.under_way <= 0 or self.failed_renewals >= MAX_FAILED_RENEWALS
