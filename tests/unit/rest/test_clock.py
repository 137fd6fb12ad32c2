"""The server's clock."""

from __future__ import annotations

import time

import pytest

from tap_leads.rest.clock import ServerClock
from tap_leads.timestamps import SECOND
from tests.unit.rest.support import FakeClock

MOMENT = 1_785_585_600  # Sat, 01 Aug 2026 12:00:00 GMT
DATE = {"Date": "Sat, 01 Aug 2026 12:00:00 GMT"}


def test_until_a_response_it_is_the_machines() -> None:
    assert ServerClock(FakeClock(now=5.0)).now() == 5 * SECOND


def test_it_is_set_by_the_date_of_a_response_and_goes_on() -> None:
    machine = FakeClock(now=MOMENT + 100)
    clock = ServerClock(machine)
    clock.learn(DATE)
    assert clock.offset == -100 * SECOND
    machine.sleep(7)
    assert clock.now() == (MOMENT + 7) * SECOND


@pytest.mark.parametrize("offset", ["+0000", "-0000", "GMT"])
def test_a_date_is_in_utc_whatever_zone_the_machine_is_in(
    offset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        clock = ServerClock(FakeClock(now=MOMENT))
        clock.learn({"Date": f"Sat, 01 Aug 2026 12:00:00 {offset}"})
        assert clock.offset == 0
        clock.learn({"Date": "Sat, 01 Aug 2026 14:00:00 +0200"})
        assert clock.offset == 0
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("headers", [{}, {"Date": ""}, {"Date": "soon"}])
def test_a_response_without_a_date_changes_nothing(headers: dict[str, str]) -> None:
    clock = ServerClock(FakeClock(now=MOMENT))
    clock.learn(headers)
    assert clock.offset == 0
