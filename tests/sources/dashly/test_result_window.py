"""More Dashly leads than the API's result window holds."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.logs import errors
from tests.support.run import everyone, read, sync
from tests.support.runtime import set_traits
from tests.support.settings import DAY, settings_for

if TYPE_CHECKING:
    from sandbox import Sandbox
    from sandbox.dashly.api import Dashly


REACH = 100


@pytest.fixture
def short_reach(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Dashly:
    """Return a Dashly that serves only the first 100 leads of a list, as the tap expects."""
    box.dashly.options.reach = REACH
    set_traits(monkeypatch, "dashly_leads", result_window=REACH)
    return box.dashly


ALIKE = {
    "$email": "a@example.org",
    "$phone": "+1 202 555 0100",
    "$name": "Anna",
    "$sessions": 1,
    "$last_contacted": "2024-01-01T00:00:00",
}


def test_an_account_larger_than_the_reach_is_read_whole(short_reach: Dashly) -> None:
    for ago in range(1, 6):
        short_reach.insert(70, at=time.time() - ago * DAY)
    assert sorted(read(short_reach).ids("dashly_leads")) == sorted(everyone(short_reach))
    assert {request.status for request in short_reach.journal} == {200}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("$email", [None, "a@example.org"]),
        ("$phone", [None, "+1 202 555 0100"]),
        ("$name", [None, "Anna"]),
        ("$sessions", [None, 1, 2, 3, 5, 9, 21]),
        ("$last_contacted", [None, "2024-01-01T00:00:00"]),
    ],
)
@pytest.mark.parametrize("seen", [True, False], ids=["of one minute", "never seen"])
def test_leads_that_share_a_minute_beyond_the_reach_are_told_apart_by_what_they_have(
    short_reach: Dashly, name: str, values: list[Any], *, seen: bool
) -> None:
    unseen = {} if seen else {"$last_seen": None}
    for value in values:
        fields: dict[str, Any] = {**ALIKE, **unseen, name: value}
        short_reach.insert(REACH * 3 // 4, at=1_700_000_000, **fields)
    assert set(read(short_reach).ids("dashly_leads")) == everyone(short_reach)


@pytest.mark.parametrize("seen", [True, False], ids=["of one minute", "never seen"])
def test_leads_beyond_the_reach_that_nothing_tells_apart_are_counted_and_are_an_error(
    short_reach: Dashly, caplog: pytest.LogCaptureFixture, *, seen: bool
) -> None:
    fields: dict[str, Any] = ALIKE if seen else ALIKE | {"$last_seen": None}
    short_reach.insert(REACH + 130, at=1_700_000_000, **fields)
    run = sync({"dashly": settings_for(short_reach)})
    assert run.code == 1
    (line,) = errors(caplog)
    counted = re.search(r"more than the first (\d+) records .* at least (\d+) more exist", line)
    assert counted
    assert int(counted[1]) + int(counted[2]) == REACH + 130


@pytest.mark.parametrize("seen", [True, False], ids=["of one minute", "never seen"])
def test_a_total_that_ends_at_the_reach_is_taken_for_at_least(
    short_reach: Dashly, *, seen: bool
) -> None:
    short_reach.options.total_cap = REACH
    unseen: dict[str, Any] = {} if seen else {"$last_seen": None}
    for name in ("Anna", None):
        fields: dict[str, Any] = ALIKE | unseen | {"$name": name}
        short_reach.insert(REACH * 3 // 4, at=1_700_000_000, **fields)
    assert set(read(short_reach).ids("dashly_leads")) == everyone(short_reach)
