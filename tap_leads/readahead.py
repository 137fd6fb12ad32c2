"""Jobs that threads work on at once, and whose results are handed on in the order of the jobs."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")

# Results that may wait to be handed on, for each thread: they are all that is held in memory.
_ROOM = 8
# Results that the job whose turn it is may have waiting, however many wait of the others.
_TURN = 2


@dataclass(slots=True, eq=False)
class _Job(Generic[T]):
    results: deque[T] = field(default_factory=deque)
    error: Exception | None = None
    done: bool = False


class _StoppedError(Exception):
    """Nobody waits for results any more."""


class ReadAhead(Generic[T]):
    """The results of `jobs`, one job's after the other's, from up to `threads` of them at once.

    `jobs` is advanced by the threads, one at a time: what it does to find the next job is done
    while others are worked on. Jobs are begun in their order and only while there is room, so
    memory does not grow with their number.
    """

    def __init__(self, jobs: Iterable[Iterator[T]], threads: int) -> None:
        """Prepare to work; nothing is begun yet."""
        self._jobs = iter(jobs)
        self._threads = threads
        self._taking = threading.Lock()
        self._changed = threading.Condition()
        self._begun: deque[_Job[T]] = deque()
        self._all_begun = False
        self._started = False
        self._stopped = False

    def start(self) -> None:
        """Begin to work, if it is not begun yet."""
        if not self._started:
            self._started = True
            for _ in range(self._threads):
                threading.Thread(target=self._work, daemon=True).start()

    def results(self, heartbeat: float) -> Iterator[T | None]:
        """The results in order; None whenever none came for `heartbeat` seconds.

        What a job raises is raised here when its turn has come, and ends the others.
        """
        self.start()
        try:
            while True:
                with self._changed:
                    if not self._changed.wait_for(self._is_next_known, heartbeat):
                        result = None
                    elif not self._begun:
                        return
                    elif (job := self._begun[0]).results:
                        result = job.results.popleft()
                    else:
                        self._begun.popleft()
                        if job.error:
                            raise job.error
                        self._changed.notify_all()
                        continue
                    self._changed.notify_all()
                yield result
        finally:
            with self._changed:
                self._stopped = True
                self._changed.notify_all()

    def _is_next_known(self) -> bool:
        if self._begun:
            return bool(self._begun[0].results) or self._begun[0].done
        return self._all_begun

    def _work(self) -> None:
        while begun := self._begin_next():
            job, results = begun
            try:
                for result in results:
                    self._hand_on(job, result)
            except _StoppedError:
                return
            except Exception as error:  # noqa: BLE001  # it is raised where it is waited for
                job.error = error
            self._finish(job)

    def _begin_next(self) -> tuple[_Job[T], Iterator[T]] | None:
        with self._taking:
            with self._changed:
                self._changed.wait_for(lambda: self._stopped or self._all_begun or self._has_room())
                if self._stopped or self._all_begun:
                    return None
            job: _Job[T] = _Job()
            results: Iterator[T] | None = None
            try:
                results = next(self._jobs, None)
            except Exception as error:  # noqa: BLE001  # as above
                job.error, job.done = error, True
            with self._changed:
                self._all_begun = results is None
                if results is not None or job.error:
                    self._begun.append(job)
                self._changed.notify_all()
        return (job, results) if results is not None else None

    def _has_room(self) -> bool:
        waiting = sum(max(1, len(job.results)) for job in self._begun)
        return waiting < _ROOM * self._threads

    def _hand_on(self, job: _Job[T], result: T) -> None:
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    self._stopped
                    or self._has_room()
                    or (self._begun[0] is job and len(job.results) < _TURN)
                )
            )
            if self._stopped:
                raise _StoppedError
            job.results.append(result)
            self._changed.notify_all()

    def _finish(self, job: _Job[T]) -> None:
        with self._changed:
            job.done = True
            self._changed.notify_all()
