"""Splits a result set that is too large to page through, or whose order is unstable."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from tap_leads.timestamps import MINUTE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from tap_leads.replication.model import Query, Split
    from tap_leads.timestamps import Micros

# How far ahead of the server's clock rows are dated that are not changes made during the read.
_AHEAD = MINUTE


def split(
    query: Query, splits: Sequence[Split], step: Micros, cursors: Sequence[Micros]
) -> list[tuple[Query, Sequence[Split]]]:
    """Return the parts of a set, each with its remaining splits; empty if nothing splits the set.

    A set is split in two by time as long as a bound can separate the halves, then by filters. Rows
    in unstable order lie close together: the set is split at the median of the `cursors` where
    they were seen. Without such cursors it is halved.
    """
    if spans_steps(query, step) and (middle := _middle(query, step, cursors)) is not None:
        halves = replace(query, until=middle - 1), replace(query, after=middle)
        return [(half, splits) for half in halves]
    if not splits:
        return []
    return [(replace(query, filters=(*query.filters, part)), splits[1:]) for part in splits[0]]


def without_new_rows(
    query: Query, started: Micros, now: Micros, step: Micros
) -> tuple[Query, Query]:
    """Return the two parts of a set that do not grow during a read that began at `started`.

    The first has the rows up to then. The second has those dated ahead of the server's clock,
    whose dates no later run may ever reach. The rows in between change now; the next run reads
    them.
    """
    end = next_step(started, step)
    if query.until is not None:
        end = min(next_step(query.until, step), end)
    return replace(query, until=end - 1), replace(query, after=next_step(now + _AHEAD, step))


def next_step(moment: Micros, step: Micros) -> Micros:
    """Return the next moment that the API's filter can distinguish from this one."""
    return moment - moment % step + step


def _middle(query: Query, step: Micros, cursors: Sequence[Micros]) -> Micros | None:
    """Return where to split a range of time in two; None if a bound and all cursors are missing."""
    after, until = query.after, query.until
    # Rows far past `until` changed and left the set. Rows before `after` may come with every
    # request.
    seen = sorted(cursor for cursor in cursors if until is None or cursor <= until + 2 * step)
    if not seen:
        if after is None or until is None:
            return None
        return after + ((until - after) // step + 1) // 2 * step
    median = seen[len(seen) // 2]
    median -= (median - (after or 0)) % step
    if after is not None:
        median = max(median, after + step)
    return median if until is None else min(median, until - (until - (after or 0)) % step)


def spans_steps(query: Query, step: Micros) -> bool:
    """Return True if a set is a range of time that further bounds can divide."""
    after, until = query.after, query.until
    if query.cursor != "set":
        return False
    return after is None or until is None or until // step > after // step


def windows(
    query: Query, step: Micros, cursors: Collection[Micros], rows: int, limit: int
) -> list[Query]:
    """Return ranges of time that together are a set of `rows` rows, each of at most `limit` rows.

    `cursors` are those of the rows that were seen, each row once: a sample of the set. More rows
    of one step than `limit` are a range of their own. Returns one range if the sample does not
    show where to divide the set.
    """
    counts = Counter(cursor // step for cursor in cursors)
    limit = max(limit * len(cursors) // rows, 1) if rows > len(cursors) else limit
    return parts_at(query, [start * step for start in _starts(counts, limit)])


def parts_at(query: Query, starts: Sequence[Micros]) -> list[Query]:
    """Return the parts of a set, split where `starts` lie within its bounds."""
    after, until = query.after, query.until
    starts = [
        start
        for start in starts
        if (after is None or start > after) and (until is None or start <= until)
    ]
    ends = [*(start - 1 for start in starts), query.until]
    return [
        replace(query, after=start, until=end)
        for start, end in zip([query.after, *starts], ends, strict=True)
    ]


def _starts(counts: Counter[Micros], limit: int) -> Iterator[Micros]:
    """Yield the steps at which a range must begin so that none has more than `limit` rows."""
    inside, start = 0, None
    for moment in sorted(counts):
        if inside + counts[moment] > limit and moment != start:
            yield moment
            inside = 0
        inside += counts[moment]
        if inside > limit:
            inside, start = 0, moment + 1
            yield start
