"""Figures about the requests that an API has received."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.core.wire import Request


def most_per_second(requests: Iterable[Request]) -> int:
    """Return the largest number of requests that arrived within one second."""
    times = sorted(request.at for request in requests)
    most, first = 0, 0
    for last, at in enumerate(times):
        while at - times[first] >= 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most


def most_under_way(requests: Iterable[Request]) -> int:
    """Return the largest number of requests that were in progress at the same time."""
    steps = [
        step
        for request in requests
        for step in ((request.at, 1), (request.answered or math.inf, -1))
    ]
    # Sorting puts an answer before a request of the same instant: they did not overlap.
    return max(accumulate((step for _, step in sorted(steps)), initial=0))
