"""Splits a result set that is too large to page through, or whose order is unstable."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_leads.replication.model import Query, Split
    from tap_leads.timestamps import Micros


def split(
    query: Query, splits: Sequence[Split], step: Micros, cursors: Sequence[Micros]
) -> list[tuple[Query, Sequence[Split]]]:
    """Return the parts of a set, each with its remaining splits; empty if nothing splits the set.

    A set is split in two by time as long as a bound can separate the halves, then by filters. Rows
    in unstable order lie close together: the set is split at the median of the `cursors` where
    they were seen. Without such cursors it is halved.
    """
    if query.after is not None and query.until is not None:
        steps = (query.until - query.after) // step + 1
        if steps > 1:
            middle = query.after + steps // 2 * step
            # Rows far past `until` changed and left the set. Rows before `after` may come with
            # every request.
            seen = sorted(cursor for cursor in cursors if cursor <= query.until + 2 * step)
            if seen:
                median = seen[len(seen) // 2]
                median -= (median - query.after) % step
                middle = min(max(median, query.after + step), query.after + (steps - 1) * step)
            halves = replace(query, until=middle - 1), replace(query, after=middle)
            return [(half, splits) for half in halves]
    if not splits:
        return []
    return [(replace(query, filters=(*query.filters, part)), splits[1:]) for part in splits[0]]
