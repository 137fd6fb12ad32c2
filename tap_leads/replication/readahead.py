"""Read-ahead: several workers run jobs concurrently; results are returned in job order.

Slices of a list are read this way: requests overlap, yet records and bookmarks are emitted in
cursor order. Buffers are bounded, so memory does not grow with the list.
"""

from __future__ import annotations

import threading
from queue import Empty, Queue
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

T = TypeVar("T")

POLL_SECONDS = 1.0
"""Seconds to wait for a result before the consumer gets None and can report progress."""
# Results buffered per job, and jobs buffered per worker.
_BUFFERED_RESULTS = 8
_BUFFERED_JOBS = 1


class _Failure:
    """The end of a job, with its error if it failed."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error


_Results: TypeAlias = "Queue[T | _Failure]"
_DONE: Final = _Failure()


class ReadAhead(Generic[T]):
    """Runs up to `workers` of `jobs` concurrently and returns their results in job order.

    The workers advance `jobs`, one at a time: requests that find the next job are sent while other
    jobs run. Jobs start in order, and only while the buffer has room.
    """

    def __init__(self, jobs: Iterable[Iterator[T]], workers: int) -> None:
        """Prepare to run the jobs; nothing starts yet."""
        self._jobs = iter(jobs)
        self._workers = workers
        # The consumer takes one job's results at a time; None follows the last job.
        self._started: Queue[_Results[T] | None] = Queue(_BUFFERED_JOBS * workers)
        self._taking = threading.Lock()
        self._all_started = False
        self._stopped = threading.Event()

    def start(self) -> None:
        """Start the workers, if they have not started yet."""
        workers, self._workers = self._workers, 0
        for _ in range(workers):
            # Not an executor: its threads are joined at exit, which would wait for the network.
            threading.Thread(target=self._work, daemon=True).start()

    def results(self, heartbeat: float = POLL_SECONDS) -> Generator[T | None, None, None]:
        """Yield results in order, and None whenever none arrived for `heartbeat` seconds.

        An error of a job is raised here after the results before it, and stops the other jobs.
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
            except Exception as error:  # noqa: BLE001  # raised in results()
                end = _Failure(error)
            results.put(end)

    def _start_next(self) -> tuple[Iterator[T], _Results[T]] | None:
        results: _Results[T] = Queue(_BUFFERED_RESULTS)
        with self._taking:
            if self._stopped.is_set() or self._all_started:
                return None
            try:
                job = next(self._jobs, None)
            except Exception as error:  # noqa: BLE001  # raised in results(), after earlier jobs
                self._all_started = True
                results.put(_Failure(error))
                self._started.put(results)
                return None
            self._all_started = job is None
            self._started.put(None if job is None else results)
        return None if job is None or self._stopped.is_set() else (job, results)

    def _stop(self, job: _Results[T] | None) -> None:
        """Stop the workers: empty the queues, so that a blocked worker sees the stop event."""
        self._stopped.set()
        waiting = [] if job is None else [job]
        while True:
            for results in waiting:
                _drain(results)
            started = _drain(self._started)
            if not started:
                return
            waiting = [results for results in started if results is not None]


def in_background(job: Iterator[T]) -> Iterator[T | None]:
    """Yield the results of one job, which a worker runs, and None while waiting for the next."""
    return ReadAhead([job], 1).results()


Item = TypeVar("Item")


def _drain(queue: Queue[Item]) -> list[Item]:
    """Remove and return everything in a queue."""
    taken = []
    try:
        while True:
            taken.append(queue.get_nowait())
    except Empty:
        return taken
