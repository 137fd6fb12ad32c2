"""Reading ahead: the results of all jobs in their order, with the same end, in bounded memory."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from tap_leads.replication.readahead import ReadAhead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# What takes this long has come to a stop.
PATIENCE = 20


def wait_until(is_so: Callable[[], bool]) -> None:
    """Give other threads time until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def threads_of(work: Callable[[], None]) -> list[threading.Thread]:
    """The threads that `work` began and left behind."""
    before = set(threading.enumerate())
    work()
    return [thread for thread in threading.enumerate() if thread not in before]


def test_results_come_in_the_order_of_the_jobs_whichever_ends_first() -> None:
    later = threading.Event()

    def first() -> Iterator[int]:
        assert later.wait(PATIENCE)
        yield from (1, 2)

    def second() -> Iterator[int]:
        yield from (3, 4)
        later.set()

    results = ReadAhead([first(), second(), iter([5])], workers=2).results(PATIENCE)
    assert list(results) == [1, 2, 3, 4, 5]


def test_an_error_is_raised_in_its_turn_and_ends_the_jobs_behind_it() -> None:
    failed = threading.Event()

    def first() -> Iterator[int]:
        yield 1
        assert failed.wait(PATIENCE)
        yield 2

    def second() -> Iterator[int]:
        yield 3
        failed.set()
        raise ValueError("the second")

    taken: list[int | None] = []
    with pytest.raises(ValueError, match="the second"):
        taken += ReadAhead([first(), second(), iter([4])], workers=3).results(PATIENCE)
    results = ReadAhead([iter([1]), second(), iter([4])], workers=3).results(PATIENCE)
    for expected in (1, 3):
        assert next(results) == expected
    with pytest.raises(ValueError, match="the second"):
        next(results)


def test_an_error_in_finding_the_next_job_is_raised_behind_those_that_were_found() -> None:
    def jobs() -> Iterator[Iterator[int]]:
        yield iter([1, 2])
        raise ValueError("no more")

    results = ReadAhead(jobs(), workers=4).results(PATIENCE)
    assert [next(results), next(results)] == [1, 2]
    with pytest.raises(ValueError, match="no more"):
        next(results)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("each", [1, 40])
def test_only_so_many_results_wait_however_slowly_they_are_taken(workers: int, each: int) -> None:
    made: list[int] = []

    def job() -> Iterator[int]:
        for number in range(each):
            made.append(number)
            yield number

    results = ReadAhead((job() for _ in range(5000 // each)), workers).results(PATIENCE)
    taken = [next(results) for _ in range(3)]
    room = 8 * (workers + 2) if each > 1 else workers + 2
    wait_until(lambda: len(made) >= workers + 2)
    time.sleep(0.05)  # in which many more could be made
    assert len(made) <= len(taken) + room + 2 * workers
    results.close()


def test_a_job_whose_turn_has_come_goes_on_though_the_room_is_full() -> None:
    full = threading.Event()

    def first() -> Iterator[int]:
        assert full.wait(PATIENCE)
        yield from range(100)

    def others() -> Iterator[int]:
        for number in range(100, 200):
            if number >= 107:
                full.set()
            yield number

    jobs = [first(), others(), others()]
    taken = list(ReadAhead(jobs, workers=2).results(PATIENCE))
    assert taken == [*range(100), *range(100, 200), *range(100, 200)]


def test_workers_are_started_once_and_never_keep_the_program_from_ending() -> None:
    end = threading.Event()

    def job() -> Iterator[int]:
        assert end.wait(PATIENCE)
        yield 1

    ahead = ReadAhead([job(), job(), job()], workers=2)

    def start_twice() -> None:
        ahead.start()
        ahead.start()

    threads = threads_of(start_twice)
    assert [thread.daemon for thread in threads] == [True, True]
    end.set()
    assert list(ahead.results(PATIENCE)) == [1, 1, 1]


def test_a_wait_for_the_first_job_is_told_by_none_too() -> None:
    found = threading.Event()

    def jobs() -> Iterator[Iterator[int]]:
        assert found.wait(PATIENCE)
        yield iter([1])

    results = ReadAhead(jobs(), workers=1).results(0.001)
    assert next(results) is None
    found.set()
    assert [r for r in results if r is not None] == [1]


def test_threads_end_when_nobody_takes_any_more() -> None:
    def work() -> None:
        jobs = (iter(range(1000)) for _ in range(1000))
        results = ReadAhead(jobs, workers=4).results(PATIENCE)
        next(results)
        results.close()

    for thread in threads_of(work):
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_a_wait_is_told_by_none_and_costs_no_result() -> None:
    go_on = threading.Event()

    def job() -> Iterator[int]:
        yield 1
        assert go_on.wait(PATIENCE)
        yield 2

    results = ReadAhead([job()], workers=1).results(0.001)
    first = next(results)
    while first is None:
        first = next(results)
    assert first == 1
    assert next(results) is None
    go_on.set()
    assert [r for r in results if r is not None] == [2]
