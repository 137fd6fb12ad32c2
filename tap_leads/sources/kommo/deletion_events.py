"""Events of deletions, restores and merges since the previous run (apis/kommo.md 29 to 32).

https://developers.kommo.com/reference/events-list
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_leads.replication.behavior import ServerBehavior
from tap_leads.replication.full_table import rows_of
from tap_leads.replication.model import Order, Query
from tap_leads.replication.pagination import PageNumber
from tap_leads.replication.time_slices import TimeSlices, read_all
from tap_leads.sources.base import StreamSpec
from tap_leads.sources.kommo.api import CREATED_AT, UNSORTED
from tap_leads.sources.kommo.events import event_params, is_of
from tap_leads.timestamps import SECOND, from_text, to_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_leads.replication.model import AccountLists, Collection, Record, Row
    from tap_leads.timestamps import Micros

_STATE = "deletions"
# The API accepts at most ten IDs in this filter.
_IDS = 10


class DeletionEvents:
    """The events of one entity that the previous run did not read, or that may have changed since.

    The state keeps `since`, the moment from which events may be new. If the events since then fill
    more than a page, the state also keeps their number: one request shows if it is still the same.

    Attributes:
        known_until: Records that reached the recycle bin before this moment were emitted by an
            earlier run; None if there was none.
        is_settled: False if another run must read the same events again.
    """

    def __init__(self, account: AccountLists, entity: str) -> None:
        """Start from the state of the previous run; sends nothing."""
        types = (f"{entity}_deleted", f"{entity}_restored", "entity_merged")
        self._types, self._entity = types, entity
        self._lookback = account.lookback
        self._collection: Collection = account.collection(_events(entity, types))
        self._before: Mapping[str, Any] = account.kept.get(_STATE) or {}
        self._since = from_text(self._before.get("since"))
        self._after: dict[str, Any] | None = None
        self.known_until = self._since
        self.is_settled = True

    @property
    def kept(self) -> dict[str, Any] | None:
        """Return what to keep in the state once all rows are emitted; None to leave it."""
        if self._after is None:
            return None
        after = self._after if self.is_settled else {**self._after, "events": None}
        return {_STATE: {name: value for name, value in after.items() if value is not None}}

    def read(self) -> list[Record]:
        """Return the events, oldest first, with those that earlier runs read where needed."""
        if self._since is not None and self._is_unchanged(self._since):
            return []
        behavior = ServerBehavior(self._collection.traits)
        rows = [*read_all(self._collection, Query(after=self._since), behavior)]
        started = self._collection.now() if behavior.settled is None else behavior.settled
        if rows:
            self._after = self._next(rows, started - self._lookback)
        events = self._own(rows)
        if self._since is not None:
            is_whole = any((row.cursor or 0) < self._since for row in rows)
            earlier = None if is_whole else self._earlier(events)
            if earlier is None:  # the API ignores filters: all events are there
                self.known_until = None
                events = events if is_whole else self._own(read_all(self._collection))
            else:
                events |= earlier
        return sorted(events.values(), key=lambda event: (event["created_at"], event["id"]))

    def _own(self, rows: Iterable[Row]) -> dict[Any, Record]:
        return {row.id: row.record for row in rows if is_of(self._types, row.record, self._entity)}

    def _next(self, rows: Iterable[Row], since: Micros) -> dict[str, Any]:
        """Return the state for the next run, which begins at a second without an event.

        The API may include or exclude events of that second, so their number must not matter.
        """
        seconds = [(row.cursor or 0) // SECOND for row in rows]
        taken, start = set(seconds), since // SECOND
        while start in taken:
            start -= 1
        count = sum(second > start for second in seconds)
        is_long = count > self._collection.traits.page_size
        return {"since": to_text(start * SECOND), "events": count if is_long else None}

    def _is_unchanged(self, since: Micros) -> bool:
        """Return True if there are as many events as the previous run read."""
        count = self._before.get("events")
        if not isinstance(count, int) or count < 1:
            return False
        at = PageNumber.at(count - 1, self._collection.traits.page_size)
        page = self._collection.fetch(Query(after=since, order=Order.STABLE), at)
        if (
            page.has_more
            or (page.at or at) != at
            or at.start + len(page.rows) != count
            or any((row.cursor or 0) < since for row in page.rows)
        ):
            return False
        self.known_until = since + self._lookback
        now = self._collection.now() - self._lookback
        if now > self.known_until + self._lookback:  # none of them can be new
            self._after = {"since": to_text(now - now % SECOND), "events": None}
        return True

    def _earlier(self, events: Mapping[Any, Record]) -> dict[Any, Record] | None:
        """Return the events of records that were deleted before `events`, and restored now.

        Returns None if the API ignores the filter.
        """
        first: dict[int, Record] = {}
        for event in events.values():
            known = first.setdefault(event["entity_id"], event)
            if (event["created_at"], event["id"]) < (known["created_at"], known["id"]):
                first[event["entity_id"]] = event
        restored = f"{self._entity}_restored"
        ids = sorted(each for each, event in first.items() if event["type"] == restored)
        found: dict[Any, Record] = {}
        for some in (ids[at : at + _IDS] for at in range(0, len(ids), _IDS)):
            rows = rows_of(self._collection, Query(filters=({"filter[entity_id][]": some},)))
            for row in rows:
                if row.record["entity_id"] not in some:
                    return None
                found |= self._own([row])
        return found


def _events(entity: str, types: tuple[str, ...]) -> StreamSpec:
    return StreamSpec(
        name="kommo_deletion_events",
        path="/events",
        columns=(),
        replication_key=CREATED_AT,
        strategy=TimeSlices(),
        traits=UNSORTED,
        params=event_params(types, entity),
    )
