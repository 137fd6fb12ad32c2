"""Accounts: one set of credentials of a source each, with its own address, clock and budget."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from tap_leads import instants
from tap_leads.budget import Budget
from tap_leads.errors import AnswerError
from tap_leads.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

    from tap_leads.auth import Auth

# Refusals in a row after which asking on would only bring a block.
_MAX_REFUSALS = 20


@dataclass(slots=True)
class Clock:
    """The clock of an account's server, as its `Date` headers tell it; until then, our own."""

    ahead: int = 0
    """By how much the server's clock is before ours, in microseconds."""

    def now(self) -> int:
        """The instant that the server's clock shows."""
        return time.time_ns() // 1000 + self.ahead

    def learn(self, response: requests.Response) -> None:
        """Set the clock by the `Date` of an answer that has just come."""
        try:
            moment = parsedate_to_datetime(response.headers["Date"])
        except (KeyError, ValueError):
            return
        self.ahead = instants.of_datetime(moment) - time.time_ns() // 1000


@dataclass(slots=True)
class Account:
    """An account: the label in the `account` column, its settings and what its requests share."""

    label: str
    settings: Mapping[str, Any]
    auth: Auth | None = None
    """The account's tokens, where they are more than a setting."""
    budget: Budget = field(init=False)
    transport: Transport = field(init=False)
    clock: Clock = field(default_factory=Clock)
    closed: AnswerError | None = None
    """Why no stream may ask this account for anything any more."""
    has_answered: bool = False
    """Whether it has answered any request as it should."""
    _refusals: int = 0

    def __post_init__(self) -> None:
        """Give the account its budget."""
        self.budget = Budget(self.settings["requests_per_second"])
        self.transport = Transport(self.budget)

    def refused(self) -> None:
        """Take note of a 429.

        Raises:
            AnswerError: there were too many in a row.
        """
        self._refusals += 1
        if self._refusals >= _MAX_REFUSALS:
            raise AnswerError(
                f"the API refused {self._refusals} requests in a row (429); the tap stops before "
                "it is blocked; try later, with a lower `requests_per_second`",
                closes=True,
            )

    def answered(self) -> None:
        """Take note of an answer that was no 429."""
        self._refusals = 0

    @property
    def lookback(self) -> int:
        """How far before the bookmark a run begins, in microseconds."""
        return int(self.settings["lookback_seconds"]) * instants.SECOND

    @property
    def filters(self) -> Mapping[str, Any]:
        """What the user narrows the leads down to."""
        filters: Mapping[str, Any] = self.settings.get("filters", {})
        return filters
