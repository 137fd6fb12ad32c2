"""Faults in the middle of a run: what is tried again, in what portions, and what ends by them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Sandbox, faults
from tap_leads.rest.retry import RetryPolicy
from tap_leads.sources.connect import Network
from tests.support.logs import errors
from tests.support.run import everyone, read
from tests.support.runtime import set_runtime
from tests.support.settings import CREDENTIALS, DAY, SOURCES, settings_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox import Api
    from tests.support.run import Run

    Runner = Callable[..., Run]

THREADS = 4
MAX_TRIES = 20


# Faults that pass


@pytest.mark.usefixtures("no_waits", "small_pages")
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    "fault",
    [
        faults.reset(),
        faults.stall(30),
        faults.truncate(),
        faults.lost_reply(),
        faults.html200(),
        faults.half_json200(),
        faults.early_204(),
        faults.status(408),
        faults.status(425),
        faults.status(429),
        faults.status(429, retry_after=0),
        faults.status(429, body="html"),
        faults.status(500),
        faults.status(502, body="html"),
        faults.status(503, retry_after=0),
        faults.status(504),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.code}-{fault.body}-{fault.retry_after}",
)
def test_requests_that_fail_by_chance_are_sent_again_and_nothing_is_lost_or_comes_twice(
    box: Sandbox, source: str, fault: faults.Fault
) -> None:
    api = box.apis[source]
    again = [] if fault.kind == "early_204" else [fault]
    api.faults.plan("none", fault, *again, "none", "none", fault, "none", "none", "none", fault)
    run = read(api, concurrency=THREADS, request_timeout=0.3 if fault.kind == "stall" else 60)
    assert run.code == 0
    assert sorted(run.ids(f"{source}_leads")) == sorted(everyone(api))
    assert api.faults.pending == 0


@pytest.mark.usefixtures("no_waits", "small_pages")
@pytest.mark.parametrize("source", SOURCES)
def test_a_third_of_all_requests_may_fail_and_nothing_is_lost(box: Sandbox, source: str) -> None:
    api = box.apis[source]
    kinds: list[str | int] = ["reset", "truncate", "lost_reply", "html200", "half_json200"]
    api.insert(90, at=time.time() - DAY)
    api.faults.random(0.33, [*kinds, 429, 500, 503, 504], seed=5)
    run = read(api, concurrency=THREADS)
    assert set(run.ids(f"{source}_leads")) == everyone(api)


def test_waits_between_tries_are_drawn_from_all_of_a_time_that_doubles(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[float, float]] = []

    class Rng:
        def uniform(self, low: float, high: float, /) -> float:
            drawn.append((low, high))
            return 0.0

    set_runtime(monkeypatch, network=Network(retry=RetryPolicy(rng=Rng())))
    box.octanist.faults.plan(*[503] * 8)
    read(box.octanist, concurrency=THREADS)
    assert drawn == [(0, most) for most in (1, 2, 4, 8, 16, 32, 60, 60)]


# Pages that are too much for the API


# Faults that stay


@pytest.mark.usefixtures("no_waits", "small_pages")
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("fault", ["reset", "html200", 500])
def test_a_fault_that_stays_ends_the_account_with_one_line(
    box: Sandbox, source: str, fault: str | int, caplog: pytest.LogCaptureFixture
) -> None:
    api, passed = box.apis[source], 5
    api.faults.plan(after=passed)
    api.faults.random(1.0, [fault])
    read(api, concurrency=THREADS, code=1)
    (line,) = errors(caplog)
    assert line.startswith(f"{source}_leads, account ")
    assert len(api.journal) <= passed + MAX_TRIES * THREADS


@pytest.mark.usefixtures("no_waits", "small_pages")
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("passed", [1, 4, 9, 14])
def test_what_was_read_before_a_failure_keeps_its_state(
    box: Sandbox, source: str, passed: int
) -> None:
    api, stream = box.apis[source], f"{source}_leads"
    api.faults.plan(after=passed)
    api.faults.random(1.0, [500])
    broken = read(api, concurrency=THREADS, code=1)
    api.faults.clear()
    rest = read(api, state=broken.state, concurrency=THREADS)
    assert {*broken.ids(stream), *rest.ids(stream)} == everyone(api)
    assert len(rest.ids(stream)) < len(everyone(api)) or passed < 4


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    "fault", [faults.status(401), faults.status(402), faults.status(403, body="html")], ids=str
)
def test_after_a_refusal_for_good_nothing_is_sent_but_what_was_under_way(
    box: Sandbox, source: str, fault: faults.Fault, caplog: pytest.LogCaptureFixture
) -> None:
    api = box.apis[source]
    api.options.latency = 0.05  # so that others are under way
    api.faults.plan(fault, after=4)
    read(api, concurrency=THREADS, code=1)
    (line,) = errors(caplog)
    assert f"(HTTP {fault.code})" in line
    (refused,) = (i for i, r in enumerate(api.journal) if r.status == fault.code)
    time.sleep(0.2)  # four answers long
    # While the refusal is on its way each of the other threads may get one answer and ask on.
    assert len(api.journal) - refused - 1 <= 2 * (THREADS - 1)


# The others


@pytest.fixture
def other() -> Iterator[Sandbox]:
    """A second sandbox, whose accounts are others."""
    with Sandbox(leads=80, seed=11) as sandbox:
        sandbox.kommo.options.rate_limit = None
        yield sandbox


def account(name: str, api: Api) -> dict[str, Any]:
    return {"name": name, "api_url": api.url, CREDENTIALS[api.slot]: api.token}


@pytest.mark.usefixtures("no_waits", "small_pages")
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("fault", ["truncate", 401, 429, 503])
def test_an_account_that_fails_in_mid_run_leaves_the_others_whole(
    box: Sandbox, other: Sandbox, source: str, fault: str | int, run_here: Runner
) -> None:
    api, stream = box.apis[source], f"{source}_leads"
    api.faults.plan(after=6)
    api.faults.random(1.0, [fault])
    accounts = [account("north", api), account("south", other.apis[source])]
    run = run_here({source: settings_for(api, accounts=accounts)})
    assert run.code == 1
    line, summary = [said for said in run.said() if "; retrying in " not in said]
    assert line.startswith(("account north: ", f"{stream}, account north: "))
    assert summary == f"1 of 2 streams failed. First: {line}"
    south = {str(r["id"]) for r in run.records(stream) if r["account"] == "south"}
    assert south == everyone(other.apis[source])
    assert run.bookmark(stream, "south") is not None
    assert run.bookmark(stream, "north") is not None


@pytest.mark.usefixtures("no_waits", "small_pages")
def test_sources_that_fail_in_mid_run_leave_the_others_whole(
    box: Sandbox, run_here: Runner
) -> None:
    box.kommo.faults.plan("none", "none", 402)
    box.octanist.faults.plan(after=3)
    box.octanist.faults.random(1.0, ["half_json200"])
    run = run_here({slot: settings_for(api) for slot, api in box.apis.items()})
    assert run.code == 1
    assert run.said()[-1].startswith("2 of 4 streams failed. First: account acme: ")
    for slot in ("dashly", "carrotquest"):
        assert set(run.ids(f"{slot}_leads")) == everyone(box.apis[slot])
    assert run.messages[-1]["type"] == "STATE"
