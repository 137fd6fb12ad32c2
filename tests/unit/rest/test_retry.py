"""When a request is retried, and after how long."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest

from tap_leads.errors import LeadsError
from tap_leads.rest.errors import AnswerError, NoAnswerError, TransientError
from tap_leads.rest.retry import RetryPolicy, parse_retry_after
from tests.unit.rest.support import FakeClock, NoJitter

if TYPE_CHECKING:
    from collections.abc import Mapping


class Drawn:
    """An `rng` that keeps what it was asked for."""

    def __init__(self) -> None:
        self.bounds: list[tuple[float, float]] = []

    def uniform(self, a: float, b: float, /) -> float:
        self.bounds.append((a, b))
        return b


def waits_of(policy: RetryPolicy, errors: list[Exception]) -> list[float]:
    waits = policy.waits()
    next(waits)
    return [waits.send(error) for error in errors]


def no_report(_error: TransientError, _attempt: int, _wait: float) -> None:
    """Ignore retries."""


def test_waits_are_drawn_from_all_of_a_time_that_doubles_up_to_a_minute() -> None:
    rng = Drawn()
    waits = waits_of(RetryPolicy(rng=rng), [TransientError("")] * 8)
    assert rng.bounds == [(0, most) for most in (1, 2, 4, 8, 16, 32, 60, 60)]
    assert waits == [most for _, most in rng.bounds]


@pytest.mark.parametrize(
    ("asked", "waited"), [(30, 30), (0.25, 0.25), (0, 0), (-5, 0), (None, 0), (100, 100)]
)
def test_no_wait_is_shorter_than_the_server_asked_for(asked: float | None, waited: float) -> None:
    error = TransientError("", retry_after=asked)
    assert waits_of(RetryPolicy(rng=NoJitter()), [error]) == [waited]
    assert waits_of(RetryPolicy(rng=Drawn()), [error]) == [max(1, waited)]


def test_a_transient_error_is_retried_and_each_retry_reported() -> None:
    errors = [TransientError("one", status=503), NoAnswerError("two"), None]
    reports: list[tuple[str, int, float]] = []

    def attempt() -> str:
        if error := errors.pop(0):
            raise error
        return "done"

    policy = RetryPolicy(rng=NoJitter())
    assert policy.call(attempt, lambda e, n, w: reports.append((str(e), n, w))) == "done"
    assert reports == [("one", 2, 0.0), ("two", 3, 0.0)]


def test_the_last_error_is_raised_after_the_last_try() -> None:
    tries: list[int] = []

    def attempt() -> None:
        tries.append(len(tries))
        raise TransientError(f"error {len(tries)}")

    with pytest.raises(TransientError, match="error 7"):
        RetryPolicy(rng=NoJitter(), max_tries=7).call(attempt, no_report)
    assert len(tries) == 7


def test_no_try_begins_after_the_time_is_up() -> None:
    tries: list[int] = []

    def attempt() -> None:
        tries.append(len(tries))
        raise TransientError("slow")

    with pytest.raises(TransientError, match="slow"):
        RetryPolicy(rng=NoJitter(), max_seconds=0).call(attempt, no_report)
    assert len(tries) == 1


@pytest.mark.parametrize("error", [AnswerError("no", status=404), LeadsError("no"), KeyError("no")])
def test_other_errors_are_not_retried(error: Exception) -> None:
    tries: list[int] = []

    def attempt() -> None:
        tries.append(len(tries))
        raise error

    with pytest.raises(type(error), match="no"):
        RetryPolicy(rng=NoJitter()).call(attempt, no_report)
    assert len(tries) == 1


def test_a_wait_that_is_longer_than_the_time_left_ends_at_once() -> None:
    clock = FakeClock()
    reports: list[int] = []

    def attempt() -> None:
        clock.sleep(100)
        raise TransientError("busy", retry_after=201)

    policy = RetryPolicy(rng=NoJitter(), clock=clock, max_seconds=300)
    with pytest.raises(TransientError, match="busy"):
        policy.call(attempt, lambda _e, number, _w: reports.append(number))
    assert clock.now == 1100.0
    assert reports == []


NOW = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)
DATE = {"Date": format_datetime(NOW, usegmt=True)}
IN_30_S = format_datetime(NOW.replace(second=30), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({}, None, None),
        ({"Retry-After": "30"}, None, 30.0),
        ({"Retry-After": " 1.5 "}, {"retry_after": 9}, 1.5),
        ({"Retry-After": "soon"}, None, None),
        ({"Retry-After": "-5"}, None, None),
        ({"Retry-After": "9" * 400}, None, None),
        ({"Retry-After": IN_30_S, **DATE}, None, 30.0),
        ({"Retry-After": DATE["Date"], "Date": IN_30_S}, None, -30.0),
        ({"Retry-After": IN_30_S, "Date": "yesterday"}, None, None),
        ({}, {"retry_after": 29.5}, 29.5),
        ({}, {"retry_after": "30"}, 30.0),
        ({}, {"retry_after": "soon"}, None),
        ({}, {"retry_after": None}, None),
        ({}, [30], None),
    ],
)
def test_the_time_to_wait_is_read_from_the_header_else_the_body(
    headers: Mapping[str, str], body: object, seconds: float | None
) -> None:
    assert parse_retry_after(headers, body) == seconds
