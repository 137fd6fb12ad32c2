"""The bookmark of one account of a stream: where a run starts, and how far it got."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tap_leads.errors import Code
from tap_leads.replication.model import Bounds, Order, Query
from tap_leads.timestamps import DAY, from_text, to_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_leads.replication.model import AccountLists, Chunk
    from tap_leads.timestamps import Micros


def moments_in(state: Mapping[str, Any], stream: str) -> list[Micros]:
    """Return the bookmarks of a stream in the state of the tap, of all accounts."""
    partitions = state.get("bookmarks", {}).get(stream, {}).get("partitions", [])
    moments = [from_text(each.get("replication_key_value")) for each in partitions]
    return [moment for moment in moments if moment is not None]


def count_new(state: Mapping[str, Any], streams: Mapping[str, Sequence[Mapping[str, Any]]]) -> int:
    """Return how many streams have an account without an entry in the state of the tap.

    `streams` has the partitions of each stream: an account each.
    """
    entries = state.get("bookmarks", {})

    def known(stream: str) -> set[Any]:
        partitions = entries.get(stream, {}).get("partitions", [])
        return {each.get("context", {}).get("account") for each in partitions}

    return sum(
        not known(name).issuperset(each["account"] for each in partitions)
        for name, partitions in streams.items()
    )


class Bookmark:
    """Keeps `replication_key_value` in the state of an account; it never moves back.

    Attributes:
        moment: The replication key up to which all rows are written. It is a plain attribute,
            because it is set after each record; `save` writes it to the state.
    """

    __slots__ = ("_key", "_state", "moment")

    def __init__(self, state: dict[str, Any], key: str | None) -> None:
        """Keep the bookmark of `key` in `state`; if `key` is None, keep none."""
        self._state = state
        self._key = key
        self.moment: Micros | None = None

    @property
    def value(self) -> str:
        """Return the bookmark in the state, empty if there is none."""
        return str(self._state.get("replication_key_value") or "") if self._key else ""

    def bounds(
        self,
        account: AccountLists,
        user: Bounds,
        start_date: Micros | None = None,
        end_date: Micros | None = None,
    ) -> Bounds:
        """Return the user's bounds, narrowed to what the bookmark and the dates leave to read.

        They start at `start_date`, or the bookmark minus lookback if later, and end at `end_date`.
        """
        start = self._start(account)
        if start is not None:
            # Records can be listed late (apis/kommo.md 21, apis/dashly.md 19).
            start -= account.lookback
        dates = [low for low in (user.after, start_date) if low is not None]
        lows = dates if start is None else [*dates, start]
        highs = [high for high in (user.until, end_date) if high is not None]
        return replace(
            user,
            after=max(lows, default=None),
            until=min(highs, default=None),
            start=max(dates, default=None),
        )

    def _start(self, account: AccountLists) -> Micros | None:
        """Return the moment of the bookmark in the state; None if there is no usable one."""
        if self._key is None or self._state.get("replication_key_value") is None:
            return None
        moment = from_text(self._state["replication_key_value"])
        collection = account.collection()
        if moment is not None and moment > collection.now() + DAY:
            # The local clock may be wrong: learn the server's (apis/kommo.md 24).
            collection.fetch(Query(order=Order.NEWEST))
        if moment is not None and moment <= collection.now() + DAY:
            # Bookmarks are compared as text, so another form of a date would never be passed.
            self._state["replication_key_value"] = to_text(moment)
            return moment
        account.warn(
            "the bookmark is not a date-time or is in the future; discarding it and syncing all "
            "records again",
            Code.BOOKMARK_DISCARDED,
        )
        del self._state["replication_key_value"]
        return None

    def finish(self, chunk: Chunk) -> None:
        """Write a chunk's bookmark and values to the state, once all its rows are written."""
        self._state.update(chunk.kept or {})
        self.moment = chunk.watermark
        self.save()

    def save(self) -> None:
        """Write `moment` to the state, unless the state is further."""
        if self.moment is None or self._key is None:
            return
        value = to_text(self.moment)
        if value is not None and value > self.value:
            self._state["replication_key"] = self._key
            self._state["replication_key_value"] = value
