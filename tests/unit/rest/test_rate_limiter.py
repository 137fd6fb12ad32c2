"""The rate limiter, on a clock that waits cost no time on."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import pytest

from tap_leads.rest.rate_limiter import RateLimiter, Slot
from tests.unit.rest.support import FakeClock


def send(limiter: RateLimiter, clock: FakeClock, *, took: float = 0.001) -> float:
    """Send a request and return when it was sent."""
    slot = limiter.acquire()
    clock.sleep(took)
    limiter.record_answer(slot, new_connection=False)
    return slot.acquired


@pytest.mark.parametrize("per_second", [0.1, 0.5, 0.9, 1, 1.5, 2, 7, 50])
def test_a_rate_is_kept_and_used_also_where_it_is_no_whole_number(per_second: float) -> None:
    clock = FakeClock()
    limiter = RateLimiter(per_second, clock)
    sent = [send(limiter, clock) for _ in range(120)]
    at_once, seconds = (1, 1 / per_second) if per_second < 1 else (int(per_second), 1.0)
    spans = [later - first for first, later in zip(sent, sent[at_once:], strict=False)]
    assert min(spans) >= seconds * 0.999
    # If one and a half are allowed in each second, no second may have more than one.
    assert sum(spans) / len(spans) <= seconds * 1.06


def test_the_first_request_does_not_wait() -> None:
    slot = RateLimiter(0.5, FakeClock()).acquire()
    assert (slot.acquired, slot.waited) == (1000.0, 0.0)


def test_a_slot_knows_how_long_it_waited() -> None:
    clock = FakeClock()
    limiter = RateLimiter(0.5, clock)
    send(limiter, clock)
    assert limiter.acquire().waited == pytest.approx(2 * 1.03, abs=0.01)


def test_requests_are_spaced_evenly() -> None:
    clock = FakeClock()
    limiter = RateLimiter(6, clock)
    _first, *sent = [send(limiter, clock) for _ in range(6)]
    gaps = [later - first for first, later in pairwise(sent)]
    assert gaps == pytest.approx([1 / (6 * 0.96)] * 4, abs=0.0011)


class Connections:
    """Four connections to a server with some latency; setting one up takes some time more."""

    def __init__(self, clock: FakeClock, *, setup: float, latency: float) -> None:
        self.arrivals: list[float] = []
        self._clock = clock
        self._setup = setup
        self._latency = latency
        self._free = self._opened = 0

    def send(self, limiter: RateLimiter) -> None:
        while not self._free and self._opened == 4:
            self._clock.sleep(0.001)
        is_new = not self._free
        self._opened += is_new
        self._free -= not is_new
        slot = limiter.acquire()
        delay = self._setup if is_new else 0.0
        self.arrivals.append(slot.acquired + delay)

        def answer() -> None:
            limiter.record_answer(slot, new_connection=is_new)
            self._free += 1

        self._clock.after(delay + self._latency, answer)


@pytest.mark.parametrize("latency", [0.02, 0.3, 0.6])
@pytest.mark.parametrize("setup", [0.0, 0.05, 0.3, 0.6])
def test_connections_that_take_long_to_set_up_put_no_more_requests_into_a_second(
    setup: float, latency: float
) -> None:
    clock = FakeClock()
    limiter = RateLimiter(6, clock)
    connections = Connections(clock, setup=setup, latency=latency)
    for _ in range(60):
        connections.send(limiter)
    arrivals = sorted(connections.arrivals)
    assert max(sum(0 <= at - first < 1 for at in arrivals) for first in arrivals) <= 6
    # Four requests of 0.6 s at once are 6.7/s, so that none of these latencies is the limit.
    assert (len(arrivals) - 7) / (arrivals[-1] - arrivals[6]) >= 5.6


def test_an_answer_that_the_server_took_long_to_make_costs_no_rate() -> None:
    clock = FakeClock()
    limiter = RateLimiter(6, clock)
    sent: list[float] = []
    for number in range(100):
        slot = limiter.acquire()
        sent.append(slot.acquired)
        answer = partial(limiter.record_answer, slot, new_connection=False)
        clock.after(0.9 if number % 7 == 3 else 0.2, answer)
    assert (len(sent) - 1) / (sent[-1] - sent[0]) >= 5.5


# What a 429 changes


def test_a_429_pauses_all_and_slows_them_down_and_in_time_the_rate_is_regained() -> None:
    clock = FakeClock()
    limiter = RateLimiter(10, clock)
    before = [send(limiter, clock) for _ in range(29)]
    slot = limiter.acquire()
    before.append(slot.acquired)
    refused_at = clock.now
    limiter.slow_down(slot, 7.0)
    after = [send(limiter, clock) for _ in range(30)]
    assert after[0] >= refused_at + 7.0
    assert after[-1] - after[0] > 1.2 * (before[-1] - before[0])
    clock.sleep(600)
    later = [send(limiter, clock) for _ in range(30)]
    assert later[-1] - later[0] <= 1.1 * (before[-1] - before[0])


def test_a_429_pauses_for_a_period_even_if_its_retry_does_not_wait() -> None:
    clock = FakeClock()
    limiter = RateLimiter(10, clock)
    limiter.slow_down(limiter.acquire(), 0.0)
    assert limiter.acquire().acquired >= 1001.0


def test_a_429_lowers_the_rate_to_a_part_of_what_was_sent_in_the_second_before_it() -> None:
    clock = FakeClock()
    limiter = RateLimiter(10, clock)
    slots: list[Slot] = []
    for _ in range(16):
        slots.append(limiter.acquire())
        clock.sleep(0.125)
    limiter.slow_down(slots[-1], 0.0)  # eight were sent in less than a second before this one
    clock.sleep(1.0)
    first, second = limiter.acquire(), limiter.acquire()
    assert second.acquired - first.acquired == pytest.approx(1 / (8 * 0.7), rel=0.02)


def test_each_429_lowers_the_rate_from_where_it_is() -> None:
    clock = FakeClock()
    limiter = RateLimiter(10, clock)
    for _ in range(4):
        slots = [limiter.acquire() for _ in range(12)]
        limiter.slow_down(slots[-1], 0.0)
    limiter.acquire()
    first, second = limiter.acquire(), limiter.acquire()
    assert 1 / (second.acquired - first.acquired) < 4  # a single one halves it at most


def test_429s_of_requests_that_were_already_under_way_slow_down_once() -> None:
    clock = FakeClock()
    one, several = RateLimiter(10, clock), RateLimiter(10, clock)
    spans = []
    for limiter, refused in ((one, 1), (several, 5)):
        slots: list[Slot] = [limiter.acquire() for _ in range(12)]
        for slot in reversed(slots[-refused:]):
            limiter.slow_down(slot, 1.0)
        sent = [send(limiter, clock) for _ in range(20)]
        spans.append(sent[-1] - sent[0])
    assert spans[0] == pytest.approx(spans[1])


def test_429s_without_end_never_bring_the_rate_to_nothing() -> None:
    clock = FakeClock()
    limiter = RateLimiter(10, clock)
    for _ in range(12):
        slot = limiter.acquire()
        limiter.slow_down(slot, 0.0)
    began = clock.now
    assert send(limiter, clock) - began < 60
