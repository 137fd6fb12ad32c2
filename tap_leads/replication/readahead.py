"""Jobs that several workers read at once, and whose results are emitted in their order."""

from __future__ import annotations

import threading
from queue import Empty, Queue
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")

POLL_SECONDS = 1.0
"""Seconds after which a wait for results is interrupted, to report progress."""
# Results that may wait of each job, and jobs that may wait for each worker: memory is bounded.
_BUFFERED_RESULTS = 8
_BUFFERED_JOBS = 1


class _Failure:
    """The end of a job: with the error that it ended with, if any."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error


_Results: TypeAlias = "Queue[T | _Failure]"
_DONE: Final = _Failure()


class ReadAhead(Generic[T]):
    """The results of `jobs`, one job's after the other's, from up to `workers` of them at once.

    `jobs` is advanced by the workers, one at a time: the requests that find the next job are made
    while others are worked on. Jobs are started in their order and only while there is room, so
    memory does not grow with their number.
    """

    def __init__(self, jobs: Iterable[Iterator[T]], workers: int) -> None:
        """Prepare to work; nothing is started yet."""
        self._jobs = iter(jobs)
        self._workers = workers
        # One is taken at a time by whoever consumes the results; None follows the last one.
        self._started: Queue[_Results[T] | None] = Queue(_BUFFERED_JOBS * workers)
        self._taking = threading.Lock()
        self._all_started = False
        self._stopped = threading.Event()

    def start(self) -> None:
        """Start to work, if that has not happened yet."""
        workers, self._workers = self._workers, 0
        for _ in range(workers):
            # Not an executor's: those are joined at exit, which would wait for the network.
            threading.Thread(target=self._work, daemon=True).start()

    def results(self, heartbeat: float) -> Iterator[T | None]:
        """Yield the results in order; None whenever none came for `heartbeat` seconds.

        An error of a job is raised here when its turn has come, and ends the others.
        """
        self.start()
        job: _Results[T] | None = None
        try:
            while True:
                try:
                    if job is None:
                        job = self._started.get(timeout=heartbeat)
                        if job is None:
                            return
                    result = job.get(timeout=heartbeat)
                except Empty:
                    yield None
                    continue
                if not isinstance(result, _Failure):
                    yield result
                elif result.error:
                    raise result.error
                else:
                    job = None
        finally:
            self._stop(job)

    def _work(self) -> None:
        while begun := self._start_next():
            job, results = begun
            end = _DONE
            try:
                for result in job:
                    results.put(result)
                    if self._stopped.is_set():
                        return
            except Exception as error:  # noqa: BLE001  # it is raised where it is waited for
                end = _Failure(error)
            results.put(end)

    def _start_next(self) -> tuple[Iterator[T], _Results[T]] | None:
        results: _Results[T] = Queue(_BUFFERED_RESULTS)
        with self._taking:
            if self._stopped.is_set() or self._all_started:
                return None
            try:
                job = next(self._jobs, None)
            except Exception as error:  # noqa: BLE001  # it is raised after the jobs before it
                self._all_started = True
                results.put(_Failure(error))
                self._started.put(results)
                return None
            self._all_started = job is None
            self._started.put(None if job is None else results)
        return None if job is None or self._stopped.is_set() else (job, results)

    def _stop(self, job: _Results[T] | None) -> None:
        """End the workers: each one that waits for room finds it, and then that nobody waits."""
        self._stopped.set()
        waiting = [] if job is None else [job]
        while True:
            for results in waiting:
                _drain(results)
            started = _drain(self._started)
            if not started:
                return
            waiting = [results for results in started if results is not None]


Item = TypeVar("Item")


def _drain(queue: Queue[Item]) -> list[Item]:
    """Take what is in a queue."""
    taken = []
    try:
        while True:
            taken.append(queue.get_nowait())
    except Empty:
        return taken
