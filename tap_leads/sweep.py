"""One pass over leads that keep changing, in the order of their replication key.

Paging by position loses leads when the list changes between two pages. A sweep is anchored by
value: it asks for the leads from a moment on, moves that moment to the last lead it got, and asks
again for the first page. Only leads that share one moment (or have none) are read by position,
and those with a proof that none slipped through.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from tap_leads.errors import IncompleteError, PagingError
from tap_leads.pagination import PositionPaginator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_leads.pagination import Page, Paginator, Record

    Part: TypeAlias = Mapping[str, Any]
    Cut: TypeAlias = Sequence[Part]

# How often a set that does not hold still is read before the tap says that it cannot be sure.
MAX_PASSES = 30
# Reads in a row that must add nothing, where nothing else can prove that no lead is missing.
QUIET_PASSES = 2
# Pages to go back in a row for a row that moved; more says that the order itself does not hold.
MAX_REWINDS = 3


@dataclass(frozen=True, slots=True)
class Query:
    """What to ask a source for, in absolute moments: it is put into the API's words when sent.

    `low` and `high` are inclusive instants. `keyless` asks for leads without a replication key,
    `whole` for an order that holds still while a set is read by position, `newest` for the
    lead changed last, `unbounded` for everything at once where the source ignores bounds.
    """

    low: int | None = None
    high: int | None = None
    keyless: bool = False
    whole: bool = False
    newest: bool = False
    unbounded: bool = False
    parts: tuple[Part, ...] = ()


class Source(Protocol):
    """What a sweep has to know of one account of a source."""

    tick: int
    """The finest step of the filter's bounds, in microseconds."""
    slack: int
    """How far before the lower bound a row may lie, in microseconds."""
    has_keyless: bool
    """Whether a lead can lack the replication key."""
    reach: int | None
    """How many rows of one query can be reached at all."""
    cuts: Sequence[Cut]
    """Ways to cut a set into parts that are smaller and together the whole."""

    def ask(self, query: Query, token: Any = None, *, rows_expected: bool = False) -> Page:
        """Send one request; the first page of `query` without a token."""

    def key(self, record: Record) -> int | None:
        """The replication key of a row as it came."""

    def now(self) -> int:
        """The source's own clock."""

    def positions(self, query: Query) -> PositionPaginator[Any]:
        """Walk `query` by position, with pages that overlap."""

    def plain(self) -> Paginator[Any]:
        """Walk everything as the source's documentation says."""


class FilterIgnoredError(Exception):
    """The source hands on rows that were not asked for, or in another order."""


@dataclass(slots=True)
class _Pass:
    """One read of a set: how many rows it should have, and which were seen since it began."""

    total: int | None = None
    last_total: int | None = None
    gap: bool = False
    cut_off: bool = False
    added: int = 0
    ids: dict[Any, int] = field(default_factory=dict)

    def note(self, page: Page) -> None:
        """Remember the rows of a page in the order in which they came."""
        for record in page.records:
            self.ids.setdefault(record["id"], len(self.ids))

    def is_followed_by(self, page: Page) -> bool:
        """Whether a page begins with a row seen before, and repeats such rows in their order."""
        places = [self.ids.get(record["id"]) for record in page.records]
        known = [place for place in places if place is not None]
        return bool(known) and places[0] is not None and known == sorted(known)

    def proves_itself(self) -> bool:
        """No row slipped through: pages overlapped, and no fewer rows came than are declared."""
        return not self.gap and (self.last_total is None or len(self.ids) >= self.last_total)


class Sweep:
    """The walk over one account's leads.

    `ceiling` is the source's clock when the sweep began: a bookmark behind it would hide all that
    changes until then. `bookmark` is the moment up to which every lead was taken by the caller.
    """

    def __init__(self, source: Source) -> None:
        """Prepare to read `source`."""
        self._source = source
        self.ceiling: int | None = None
        self.bookmark: int | None = None
        self._end: int | None = None
        # What was handed on near the cursor: bounds are inclusive, so it comes again.
        self._emitted: dict[Any, int | None] = {}
        self._anchors: frozenset[Any] = frozenset()
        # How far bounds are widened because the source takes them for exclusive; None: unknown.
        self._margin: int | None = None

    def records(self, low: int | None, high: int | None = None) -> Iterator[Record]:
        """Every lead with a key from `low` to `high` in the order of its key, then those without.

        Raises:
            IncompleteError: leads are there that could not be reached.
            FilterIgnoredError: the source ignores the bounds or the order.
        """
        yield from self._keyed(low, high)
        if self._source.has_keyless:
            self._emitted.clear()
            yield from self._whole(Query(keyless=True, whole=True), self._source.cuts)

    def everything(self, low: int | None, high: int | None = None) -> Iterator[Record]:
        """The same leads by plain paging, in no order, where bounds cannot be had.

        The bookmark moves when all is read: before, any lead may still be to come.
        """
        self._emitted.clear()
        self.ceiling = self._source.now() if self.ceiling is None else self.ceiling
        newest = self.bookmark
        for record in self._whole(Query(unbounded=True), ()):
            key = self._source.key(record)
            if _within(key, low, high):
                yield record
                newest = self._bounded(key, newest)
        self.bookmark = newest

    def _keyed(self, low: int | None, high: int | None) -> Iterator[Record]:
        tick = span = self._source.tick
        cursor = None if low is None else low - low % tick
        while True:
            page = self._page_from(cursor, high)
            keys = self._checked_keys(page.records, cursor)
            for record in self._fresh(page.records, low, high):
                yield record
                self.bookmark = self._bounded(self._source.key(record), self.bookmark)
            if not page.more:
                return
            if not keys:
                raise PagingError("an empty page says that more leads follow")
            last = keys[-1] - keys[-1] % tick
            if cursor is None or last > cursor:
                cursor, span = last, tick
            else:
                block = Query(low=cursor, high=cursor + span - 1, whole=True)
                yield from self._whole(block, self._source.cuts)
                cursor, span = cursor + span, span * 2
            if (high is not None and cursor > high) or self._is_past_end(cursor):
                return
            self._forget(cursor)
            rows = zip(page.records, keys, strict=True)
            self._anchors = frozenset(record["id"] for record, key in rows if key >= cursor)

    def _page_from(self, cursor: int | None, high: int | None) -> Page:
        """The first page from `cursor` on, and among it the row that the cursor stands on.

        Where that row does not come back it was changed meanwhile, or the source takes the bound
        for an exclusive one: from one step earlier its ties come in either case.
        """
        query = Query(low=cursor, high=high)
        page = self._ask(query)
        if self.ceiling is None:
            self.ceiling = self._source.now()
        if cursor is None or not self._anchors:
            believable = page.records or page.total is not None
            return page if believable else self._ask(query)
        if self._came_back(page):
            self._margin = self._margin or 0
            return page
        page = self._ask(replace(query, low=cursor - self._source.tick), rows_expected=True)
        if self._came_back(page):
            self._margin = self._source.tick
        return page

    @property
    def _nearby(self) -> int:
        """How far before the cursor a row may come."""
        return 2 * self._source.tick + self._source.slack

    def _came_back(self, page: Page) -> bool:
        return not self._anchors.isdisjoint(record["id"] for record in page.records)

    def _ask(self, query: Query, token: Any = None, *, rows_expected: bool = False) -> Page:
        """Send one request, its bounds widened where they may be exclusive."""
        margin = self._margin
        if margin is None:
            margin = self._source.tick if query.whole else 0
        if margin:
            low = None if query.low is None else query.low - margin
            high = None if query.high is None else query.high + margin
            query = replace(query, low=low, high=high)
        return self._source.ask(query, token, rows_expected=rows_expected)

    def _checked_keys(self, records: Sequence[Record], cursor: int | None) -> list[int]:
        """The keys of a page, which must lie behind the cursor and rise."""
        keys: list[int] = []
        least = None if cursor is None else cursor - self._nearby
        for record in records:
            key = self._source.key(record)
            if key is None or (least is not None and key < least):
                raise FilterIgnoredError
            keys.append(key)
            least = key
        return keys

    def _is_past_end(self, cursor: int) -> bool:
        """Whether what follows was changed after the sweep began and belongs to the next one.

        The clock says so, and the newest lead at the time the clock was reached: where data are
        dated ahead of the clock, that lead is the only end there is.
        """
        if self.ceiling is None or cursor <= self.ceiling:
            return False
        if self._end is None:
            newest = self._ask(Query(newest=True, low=self.ceiling)).records
            keys = [key for key in map(self._source.key, newest) if key is not None]
            self._end = max([self.ceiling, *keys])
        return cursor > self._end

    def _bounded(self, key: int | None, bookmark: int | None) -> int | None:
        """The bookmark after a lead with `key` was taken."""
        if key is None or (self.ceiling is not None and key > self.ceiling):
            return bookmark
        return key if bookmark is None else max(bookmark, key)

    def _fresh(
        self, records: Sequence[Record], low: int | None, high: int | None
    ) -> Iterator[Record]:
        """The rows within the bounds that were not handed on as they are now."""
        for record in records:
            key = self._source.key(record)
            if not _within(key, low, high):
                continue
            if self._emitted.get(record["id"], _NEVER) != key:
                self._emitted[record["id"]] = key
                yield record

    def _forget(self, cursor: int) -> None:
        """Drop what cannot come again."""
        edge = cursor - self._nearby
        self._emitted = {i: k for i, k in self._emitted.items() if k is not None and k >= edge}

    def _whole(self, query: Query, cuts: Sequence[Cut]) -> Iterator[Record]:
        """A set of leads that only position can tell apart, until it is sure that none is missing.

        One pass whose pages overlapped is such a proof. Where the order of ties does not hold
        still there is none: then the set is cut into parts, at best into parts of one page, and
        what cannot be cut is read until the rows seen are as many as the source declares.
        """
        passes: list[_Pass] = []
        parts = self._parts(query, cuts)
        while len(passes) < MAX_PASSES:
            current = _Pass()
            passes.append(current)
            for page in self._walk(query, current):
                if query.keyless and any(self._source.key(row) is not None for row in page.records):
                    raise FilterIgnoredError
                before = len(passes[0].ids)
                for one in passes:
                    one.note(page)
                current.added += len(passes[0].ids) - before
                yield from self._fresh(page.records, query.low, query.high)
                if parts and self._is_beyond_reach(current):
                    break
            else:
                if self._is_complete(passes):
                    return
            if parts:
                for part, further in parts:
                    yield from self._whole(part, further)
                return
            if current.cut_off or self._is_beyond_reach(current):
                break
        raise IncompleteError(self._missing(passes))

    def _parts(self, query: Query, cuts: Sequence[Cut]) -> list[tuple[Query, Sequence[Cut]]]:
        """Cut a set in two by time while a bound can tell the halves apart, then by `cuts`."""
        if query.low is not None and query.high is not None:
            ticks = (query.high - query.low) // self._source.tick + 1
            if ticks > 1:
                middle = query.low + ticks // 2 * self._source.tick
                halves = replace(query, high=middle - 1), replace(query, low=middle)
                return [(half, cuts) for half in halves]
        if not cuts:
            return []
        return [(replace(query, parts=(*query.parts, part)), cuts[1:]) for part in cuts[0]]

    def _walk(self, query: Query, current: _Pass) -> Iterator[Page]:
        """The pages of one pass; a page that does not overlap the one before is looked for."""
        paginator = self._source.plain() if query.unbounded else self._source.positions(query)
        positions = paginator if isinstance(paginator, PositionPaginator) else None
        current.gap = positions is None
        rewinds = lost_at = 0
        while not paginator.finished:
            page = self._ask(query, paginator.current_value)
            current.last_total = page.total
            if current.total is None:
                current.total = page.total
            if positions and positions.start and not current.gap:
                if current.is_followed_by(page):
                    rewinds = rewinds if positions.start < lost_at else 0
                elif rewinds < MAX_REWINDS:
                    rewinds, lost_at = rewinds + 1, positions.start
                    positions.rewind()
                    continue
                else:
                    current.gap = True
            yield page
            if positions and self._is_cut_off(positions, page):
                current.cut_off = True
                return
            paginator.advance(page)

    def _is_cut_off(self, positions: PositionPaginator[Any], page: Page) -> bool:
        """Whether more is there but cannot be paged to: beyond the reach, or on no page."""
        if not page.records:
            return page.more or positions.start > 0
        reach = self._source.reach
        return page.more and reach is not None and positions.start + len(page.records) >= reach

    def _is_beyond_reach(self, current: _Pass) -> bool:
        """Whether a set is as large as can be reached, or larger: a total may be capped there."""
        return self._source.reach is not None and (current.total or 0) >= self._source.reach

    def _is_complete(self, passes: Sequence[_Pass]) -> bool:
        """Whether no lead of a set can be missing after these passes."""
        if passes[-1].cut_off or self._is_beyond_reach(passes[-1]):
            return False
        if passes[-1].proves_itself():
            return True
        if any(one.total is not None and len(one.ids) >= one.total for one in passes):
            return True
        quiet = passes[-QUIET_PASSES:]
        return (
            passes[-1].total is None
            and len(passes) > QUIET_PASSES
            and not any(one.added for one in quiet)
        )

    def _missing(self, passes: Sequence[_Pass]) -> str:
        """What could not be reached, counted where the source declares a total."""
        missing = max((passes[-1].total or 0) - len(passes[0].ids), 1)
        if passes[-1].cut_off or self._is_beyond_reach(passes[-1]):
            return (
                f"the API lets nobody page beyond the first {len(passes[0].ids):,} leads of one "
                f"query, and at least {missing:,} more are there; narrower `filters` reach them"
            )
        return (
            f"{missing:,} leads at least could not be told from others with the same moment: the "
            "order in which the API lists them keeps changing"
        )


_NEVER = object()


def _within(key: int | None, low: int | None, high: int | None) -> bool:
    """Whether a key lies within inclusive bounds; a lead without one is outside of none."""
    return key is None or ((low is None or key >= low) and (high is None or key <= high))
