"""When a request is retried, and after how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest

from tap_leads.rest.errors import TransientError
from tap_leads.rest.retry import RetryPolicy, parse_retry_after
from tests.unit.rest.support import NoJitter

if TYPE_CHECKING:
    from collections.abc import Mapping


class Drawn:
    """An `rng` that keeps what it was asked for."""

    def __init__(self) -> None:
        self.bounds: list[tuple[float, float]] = []

    def uniform(self, a: float, b: float, /) -> float:
        self.bounds.append((a, b))
        return b


def test_waits_are_drawn_from_all_of_a_time_that_doubles_up_to_a_minute() -> None:
    rng = Drawn()
    policy = RetryPolicy(rng=rng)
    waits = [policy.wait(TransientError(""), failures) for failures in range(8)]
    assert rng.bounds == [(0, most) for most in (1, 2, 4, 8, 16, 32, 60, 60)]
    assert waits == [most for _, most in rng.bounds]


@pytest.mark.parametrize(
    ("asked", "waited"), [(30, 30), (0.25, 0.25), (0, 0), (-5, 0), (None, 0), (100, 100)]
)
def test_no_wait_is_shorter_than_the_server_asked_for(asked: float | None, waited: float) -> None:
    error = TransientError("", retry_after=asked)
    assert RetryPolicy(rng=NoJitter()).wait(error, 0) == waited
    assert RetryPolicy(rng=Drawn()).wait(error, 0) == max(1, waited)


NOW = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)
DATE = {"Date": format_datetime(NOW, usegmt=True)}
IN_30_S = format_datetime(NOW.replace(second=30), usegmt=True)


def test_a_date_without_that_of_the_server_is_by_the_machines_clock() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    seconds = parse_retry_after({"Retry-After": later}, None)
    assert seconds is not None
    assert 3000 < seconds <= 3600


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
