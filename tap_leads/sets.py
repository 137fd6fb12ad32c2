"""Sets of leads that only position can tell apart: those of one moment, those without any.

A set is read by pages that overlap. Where that proves that no lead slipped through, one pass is
enough; where the order of the leads does not hold still, the set is cut into parts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tap_leads.errors import IncompleteError
from tap_leads.query import FilterIgnoredError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tap_leads.pagination import Page, Paginator, PositionPaginator, Record
    from tap_leads.query import Cut, Query, Reader

# How often a set that does not hold still is read before the tap says that it cannot be sure.
MAX_PASSES = 30
# Reads in a row that must add nothing, where nothing else can prove that no lead is missing.
QUIET_PASSES = 2
# Pages to go back in a row for a row that moved; more says that the order itself does not hold.
MAX_REWINDS = 3
# Pages in a row of one pass that may add nothing; a source that goes on has no end.
MAX_IDLE_PAGES = 20


@dataclass(slots=True)
class _Pass:
    """One read of a set: how many rows it should have, and which were seen since it began."""

    total: int | None = None
    last_total: int | None = None
    gap: bool = False
    cut_off: bool = False
    added: int = 0
    ids: dict[Any, int] = field(default_factory=dict)
    keys: list[int] = field(default_factory=list)

    def note_total(self, total: int | None) -> None:
        """Remember how many rows the source says that the set has."""
        self.last_total = total
        if self.total is None:
            self.total = total

    def note(self, ids: Sequence[Any]) -> None:
        """Remember the rows of a page in the order in which they came."""
        for each in ids:
            self.ids.setdefault(each, len(self.ids))

    def is_followed_by(self, ids: Sequence[Any]) -> bool:
        """Whether a page begins with a row seen before, and repeats such rows in their order."""
        places = [self.ids.get(each) for each in ids]
        known = [place for place in places if place is not None]
        return bool(known) and places[0] is not None and known == sorted(known)

    def proves_itself(self) -> bool:
        """No row slipped through: pages overlapped, and no fewer rows came than are declared."""
        return not self.gap and (self.last_total is None or len(self.ids) >= self.last_total)


class SetReader:
    """Reads a set until it is sure that none of its leads is missing."""

    def __init__(
        self,
        source: Reader,
        ask: Callable[[Query, Paginator[Any]], Page],
        fresh: Callable[
            [Sequence[Record], Sequence[int | None]], Sequence[tuple[Record, int | None]]
        ],
    ) -> None:
        """Ask by `ask`, and hand on of each page what `fresh` lets through."""
        self._source = source
        self._ask = ask
        self._fresh = fresh
        # Whether pages lack rows, so that only the source's own links lead on.
        self._by_links = False

    def read(self, query: Query, cuts: Sequence[Cut]) -> Iterator[Sequence[Record]]:
        """A set of leads that only position can tell apart, until it is sure that none is missing.

        One pass whose pages overlapped is such a proof. Where the order of ties does not hold
        still there is none: then the set is cut into parts, at best into parts of one page, and
        what cannot be cut is read until the rows seen are as many as the source declares.
        """
        passes: list[_Pass] = []
        can_be_cut = bool(self._parts(query, cuts, _Pass()))
        while len(passes) < MAX_PASSES:
            current = _Pass()
            passes.append(current)
            for page in self._walk(query, current):
                before = len(passes[0].ids)
                ids = self._ids_of(page)
                for one in passes:
                    one.note(ids)
                current.added += len(passes[0].ids) - before
                keys = [self._source.key(record) for record in page.records]
                current.keys += [key for key in keys if key is not None]
                yield self._rows_of(page, keys, query)
                is_unproven = current.gap and current.total is None
                if can_be_cut and (is_unproven or self._is_beyond_reach(current)):
                    break
            else:
                if self._is_complete(passes):
                    return
            if can_be_cut:
                for part, further in self._parts(query, cuts, current):
                    yield from self.read(part, further)
                return
            if current.cut_off or self._is_beyond_reach(current):
                break
        raise IncompleteError(self._missing(passes))

    def _ids_of(self, page: Page) -> list[Any]:
        return [self._source.identity(record) for record in page.records]

    def _rows_of(self, page: Page, keys: Sequence[int | None], query: Query) -> list[Record]:
        """The rows of a page, whose keys are these, that are of the set and not handed on yet."""
        if query.keyless and any(key is not None for key in keys):
            raise FilterIgnoredError
        inside = [
            (record, key)
            for record, key in zip(page.records, keys, strict=True)
            if key is None
            or (
                (query.low is None or key >= query.low)
                and (query.high is None or key <= query.high)
            )
        ]
        fresh = self._fresh([record for record, _ in inside], [key for _, key in inside])
        return [record for record, _ in fresh]

    def _parts(
        self, query: Query, cuts: Sequence[Cut], seen: _Pass
    ) -> list[tuple[Query, Sequence[Cut]]]:
        """Cut a set in two by time while a bound can tell the halves apart, then by `cuts`.

        Rows whose order does not hold still lie close together: where they were seen is the cut.
        A set that is too large is halved.
        """
        if query.low is not None and query.high is not None:
            tick = self._source.tick
            ticks = (query.high - query.low) // tick + 1
            if ticks > 1:
                middle = query.low + ticks // 2 * tick
                if seen.gap and seen.keys:
                    median = sorted(seen.keys)[len(seen.keys) // 2]
                    median -= (median - query.low) % tick
                    middle = min(max(median, query.low + tick), query.low + (ticks - 1) * tick)
                halves = replace(query, high=middle - 1), replace(query, low=middle)
                return [(half, cuts) for half in halves]
        if not cuts:
            return []
        return [(replace(query, parts=(*query.parts, part)), cuts[1:]) for part in cuts[0]]

    def _walk(self, query: Query, current: _Pass) -> Iterator[Page]:
        """The pages of one pass; a page that does not overlap the one before is looked for."""
        paginator: Paginator[Any]
        positions: PositionPaginator[Any] | None
        paginator = positions = self._source.positions(query)
        if self._by_links:
            paginator, positions = self._source.links(), None
        rewinds = lost_at = idle = 0
        while not paginator.finished:
            page = self._ask_surely(query, paginator)
            current.note_total(page.total)
            if positions is None:
                current.gap = paginator.count > 0  # pages of links do not overlap
            elif page.next_url and positions.is_astray(page):
                self._by_links = True
                paginator, positions = self._source.links(), None
                continue
            elif positions.start and not current.gap:
                if current.is_followed_by(self._ids_of(page)):
                    rewinds = rewinds if positions.start < lost_at else 0
                elif rewinds < MAX_REWINDS:
                    rewinds, lost_at = rewinds + 1, positions.start
                    positions.rewind()
                    continue
                else:
                    current.gap = True
            seen = len(current.ids)
            yield page
            idle = 0 if len(current.ids) > seen else idle + 1
            if idle > MAX_IDLE_PAGES or (
                positions is not None and self._is_cut_off(positions, page, seen)
            ):
                current.cut_off = True
                return
            paginator.advance(page)

    def _ask_surely(self, query: Query, paginator: Paginator[Any]) -> Page:
        """The page that answers; an empty one may be a wrong one, and is asked for again."""
        page = self._ask(query, paginator)
        return page if page.records or page.more else self._ask(query, paginator)

    def _is_cut_off(self, positions: PositionPaginator[Any], page: Page, seen: int) -> bool:
        """Whether more is there but cannot be paged to: beyond the reach, or on no page.

        An empty page is the end where it begins behind the rows seen, and not among them; or
        where the set has become so small meanwhile, which another pass will prove.
        """
        if not page.records:
            is_smaller = page.total is not None and page.total <= positions.start
            return page.more or (positions.start < seen and not is_smaller)
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
                f"the API lets nobody page beyond the first {len(passes[0].ids):,} rows of one "
                f"query, and at least {missing:,} more are there; narrower `filters` reach them"
            )
        return (
            f"{missing:,} records at least could not be read: the order in which the API lists "
            "those of one moment keeps changing, or it counts more than it lists"
        )
