"""The bookmark of one account of a stream: where a run starts, and how far it has come."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tap_leads.replication.model import Bounds, Order, Query
from tap_leads.timestamps import DAY, from_text, to_text

if TYPE_CHECKING:
    from tap_leads.sources.collection import AccountReader
    from tap_leads.timestamps import Micros


class Bookmark:
    """Keeps `replication_key_value` in the state of an account; it never moves back.

    Attributes:
        moment: Up to where all rows are written. It is set after each record, which must cost
            next to nothing, and gets into the state by `save`.
    """

    __slots__ = ("_key", "_state", "moment")

    def __init__(self, state: dict[str, Any], key: str | None) -> None:
        """Keep the bookmark of `key` in `state`; without a key there is none to keep."""
        self._state = state
        self._key = key
        self.moment: Micros | None = None

    @property
    def value(self) -> str:
        """Return the bookmark in the state, empty if there is none."""
        return str(self._state.get("replication_key_value", "")) if self._key else ""

    def bounds(self, reader: AccountReader, user: Bounds, start_date: Micros | None) -> Bounds:
        """Return what to read: the user's bounds, `start_date`, and the bookmark less lookback."""
        start = self._start(reader)
        if start is not None:
            start -= reader.lookback
        lows = (user.after, start_date, start)
        return replace(user, after=max((low for low in lows if low is not None), default=None))

    def _start(self, reader: AccountReader) -> Micros | None:
        """Return the moment of the bookmark in the state; None without one that can be used."""
        if self._key is None or self._state.get("replication_key_value") is None:
            return None
        moment = from_text(self._state["replication_key_value"])
        collection = reader.collection()
        if moment is not None and moment > collection.now() + DAY:
            # The machine's clock may be the wrong one: learn the server's.
            collection.fetch(Query(order=Order.NEWEST))
        if moment is not None and moment <= collection.now() + DAY:
            return moment
        reader.warn(
            "the bookmark is not a date-time, or lies in the future; it is dropped, and every "
            "lead is read again"
        )
        del self._state["replication_key_value"]
        return None

    def save(self) -> None:
        """Put into the state up to where rows are written."""
        if self.moment is None or self._key is None:
            return
        value = to_text(self.moment)
        if value is not None and value > self._state.get("replication_key_value", ""):
            self._state["replication_key"] = self._key
            self._state["replication_key_value"] = value
