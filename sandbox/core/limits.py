"""The rate limit of an API, and the block of clients that ignore it."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.core.options import Options

_SECOND, _MINUTE = 1.0, 60.0


class RateLimit:
    """Counts the requests of the last second and the rejections of the last minute.

    Several APIs can share it, as if their clients had one IP address.
    """

    def __init__(self) -> None:
        self.blocked = False
        """True after `block_after` rejections within a minute."""
        self._admitted: deque[float] = deque()
        self._rejected: deque[float] = deque()
        self._lock = threading.Lock()

    def admits(self, at: float, options: Options) -> bool:
        """Count a request that arrived at that time; return False if it exceeds the limit."""
        if options.rate_limit is None:
            return True
        with self._lock:
            return self._count(at, options.rate_limit, options.block_after)

    def _count(self, at: float, most: float, block_after: int | None) -> bool:
        while self._admitted and at - self._admitted[0] >= _SECOND:
            self._admitted.popleft()
        if len(self._admitted) < most:
            self._admitted.append(at)
            return True
        while self._rejected and at - self._rejected[0] >= _MINUTE:
            self._rejected.popleft()
        self._rejected.append(at)
        self.blocked = block_after is not None and len(self._rejected) >= block_after
        return False

    def unblock(self) -> None:
        """Forget the rejections."""
        self.blocked = False
        self._rejected.clear()
