"""Choosing the rows of a page, with the faults that pages can have."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sandbox.core.wire import RejectedError, html_reply

if TYPE_CHECKING:
    import random

    from sandbox.core.options import Options
    from sandbox.core.store import Entry


def page_of(entries: list[Entry], start: int, stop: int, rng: random.Random | None) -> list[Any]:
    """Return the IDs at positions `start` to `stop` of a sorted list.

    Args:
        entries: The list.
        start: The first position.
        stop: The position after the last.
        rng: Shuffles entries with equal keys. Default: they keep their order.
    """
    if rng is None or start >= len(entries):
        return [lead_id for _, lead_id in entries[start:stop]]
    stop = min(stop, len(entries))
    first, last = start, stop
    while first > 0 and entries[first - 1][0] == entries[start][0]:
        first -= 1
    while last < len(entries) and entries[last][0] == entries[stop - 1][0]:
        last += 1
    ids: list[Any] = []
    for _, same in groupby(entries[first:last], key=itemgetter(0)):
        group = [lead_id for _, lead_id in same]
        if len(group) > 1:
            rng.shuffle(group)
        ids += group
    return ids[start - first : stop - first]


def ends_early(options: Options, *, beyond_first: bool) -> bool:
    """Return True if this page must be empty although the list goes on; count it."""
    if beyond_first and options.empty_early > 0:
        options.empty_early -= 1
        return True
    return False


def reject_heavy(options: Options, limit: int) -> None:
    """Reject a page that is too large for the server.

    Raises:
        RejectedError: The limit exceeds `gateway_timeout_above`.
    """
    above = options.gateway_timeout_above
    if above is not None and limit > above:
        raise RejectedError(html_reply(504))
