"""Prefetching: reads small lists of an account before their turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_leads.rest.client import AccountClient
    from tap_leads.sources.base import Account

T = TypeVar("T")

MAX_AHEAD = 16
"""The maximum number of lists that are read ahead: each takes a thread, and memory for pages."""


class Prefetch(Generic[T]):
    """Starts small lists in the order of their turns, once a stream of their account is complete.

    Each list needs a request or two; read one by one, they would mostly wait for the network. An
    account whose streams all fail costs no extra requests.
    """

    def __init__(self) -> None:
        """Start with no lists."""
        self._waiting: dict[tuple[str, str], tuple[Account, Callable[[Account], T | None]]] = {}
        self._started: dict[tuple[str, str], T] = {}
        self._ready: set[AccountClient] = set()

    def add(
        self, stream: str, accounts: Iterable[Account], start: Callable[[Account], T | None]
    ) -> None:
        """Add a stream's list of each account; `start` returns None for a list that is not read."""
        for account in accounts:
            self._waiting[stream, account.label] = account, start

    def complete(self, account: Account) -> None:
        """Record that a stream of an account is complete: its lists may start."""
        self._ready.add(account.client)
        self._fill()

    def take(self, stream: str, account: Account) -> T | None:
        """Return what `start` returned for a list whose turn it is; None if it has not started."""
        list_ = stream, account.label
        self._waiting.pop(list_, None)
        started = self._started.pop(list_, None)
        self._fill()
        return started

    def _fill(self) -> None:
        """Start the lists whose turn is next."""
        while len(self._started) < MAX_AHEAD:
            ready = (key for key, (who, _) in self._waiting.items() if who.client in self._ready)
            if (key := next(ready, None)) is None:
                return
            account, start = self._waiting.pop(key)
            if (started := start(account)) is not None:
                self._started[key] = started
