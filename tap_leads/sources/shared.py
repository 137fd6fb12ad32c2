"""Data that several streams of an account use in one run."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_leads.replication.model import Page
    from tap_leads.rest.client import Response


class SharedData:
    """Keeps data of an account for all of its streams, until the run ends; thread-safe.

    Attributes:
        values: Values that one stream sets for a later one, by name.
    """

    def __init__(self) -> None:
        """Start with no data."""
        self.values: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._responses: dict[str, Response] = {}
        self._empty: set[str] = set()

    def page(
        self,
        key: str,
        parse: Callable[[Response], Page],
        send: Callable[[Callable[[Response], Page]], Page],
    ) -> Page:
        """Return the page in the response of `key`, which is requested once in a run.

        `send` requests it. It gets the function that parses its response, and returns the page. A
        page that is empty for the first time is not kept: it may be wrong, and is then requested
        again (apis/kommo.md 5). If it is empty again, it is kept.
        """
        with self._lock:
            lock = self._locks[key]
        with lock:
            kept = self._responses.get(key)
            if kept is not None:
                return parse(kept)

            def keep(response: Response) -> Page:
                page = parse(response)
                if page.rows or key in self._empty:
                    self._responses[key] = response
                else:
                    self._empty.add(key)
                return page

            return send(keep)
