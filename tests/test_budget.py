"""The budget: what the server counts in any one second, and how the tap takes a refusal."""

from __future__ import annotations

import re
import threading
from types import SimpleNamespace, TracebackType
from typing import TYPE_CHECKING, Any, Self

import pytest

from sandbox import faults
from tap_leads.budget import Budget
from tests.conftest import SOURCES, catalog_for, everyone, settings_for, sync

if TYPE_CHECKING:
    from sandbox import Api, Request, Sandbox
    from tests.conftest import Run

# Refusals in a row that end an account, and how many may be under way when they do.
MOST_REFUSALS, UNDER_WAY = 20, 3


def read(api: Api, per_second: float, **settings: Any) -> Run:
    return sync({api.slot: settings_for(api, requests_per_second=per_second), **settings})


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was told at ERROR."""
    return [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]


def refusals_in_a_row(journal: list[Request]) -> int:
    """The most refusals that followed one another."""
    longest = now = 0
    for request in journal:
        now = now + 1 if request.status == 429 else 0
        longest = max(longest, now)
    return longest


# What the server counts


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize(
    ("source", "per_second", "latency", "page_cap"),
    [("octanist", 5, 0.0, None), ("kommo", 10, 0.2, 14), ("dashly", 20, 0.06, 9)],
)
def test_no_second_has_more_requests_than_the_budget_however_many_threads_ask(
    box: Sandbox, source: str, per_second: int, latency: float, page_cap: int | None
) -> None:
    api = box.apis[source]
    api.options.latency = latency
    api.options.page_cap = page_cap
    run = read(api, per_second, concurrency=8)
    assert set(run.ids(f"{source}_leads")) == everyone(api)
    assert len(api.journal) > 2 * per_second
    assert api.requests_per_second_max() <= per_second


SEVERAL = catalog_for("kommo_leads", "kommo_contacts", "kommo_companies", "kommo_tasks")


@pytest.mark.usefixtures("small_pages")
def test_the_streams_of_an_account_share_its_budget(box: Sandbox) -> None:
    api = box.kommo
    api.delete(240)
    api.options.page_cap = 12
    config = {"kommo": settings_for(api, requests_per_second=10)}
    run = sync(config, catalog=SEVERAL)
    assert run.code == 0
    assert len({request.path for request in api.journal}) == 4
    assert len(api.journal) > 20
    assert api.requests_per_second_max() <= 10


def test_what_closes_an_account_to_one_stream_closes_it_to_the_others(
    box: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    config = {"kommo": settings_for(box.kommo) | {"access_token": "wrong"}}
    assert sync(config, catalog=SEVERAL).code == 1
    assert len(box.kommo.journal) == 1
    assert len(errors(caplog)) == 1


# The arithmetic, with a clock that waits cost no time on


class Clock:
    """Seconds that pass when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Condition:
    """A condition that nobody else changes: to wait is to let the time pass."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go."""

    def wait(self, seconds: float) -> None:
        self._clock.now += seconds

    def notify_all(self) -> None:
        """Nobody waits."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("tap_leads.budget.time", clock)
    monkeypatch.setattr(
        "tap_leads.budget.threading",
        SimpleNamespace(Condition=lambda: Condition(clock), local=threading.local),
    )
    return clock


def send(budget: Budget, clock: Clock, *, took: float = 0.001) -> float:
    """Send a request; the moment it left."""
    budget.wait()
    left = clock.now
    budget.left()
    clock.now += took
    budget.answered()
    return left


@pytest.mark.parametrize("per_second", [0.1, 0.5, 0.9, 1, 1.5, 2, 7, 50])
def test_a_budget_is_kept_and_used_also_where_it_is_no_whole_number(
    clock: Clock, per_second: float
) -> None:
    budget = Budget(per_second)
    left = [send(budget, clock) for _ in range(120)]
    at_once, seconds = (1, 1 / per_second) if per_second < 1 else (int(per_second), 1.0)
    spans = [later - first for first, later in zip(left, left[at_once:], strict=False)]
    assert min(spans) >= seconds * 0.999
    # Where one and a half are allowed in each second, no second may have more than one.
    assert sum(spans) / len(spans) <= seconds * 1.06


def test_the_first_request_waits_for_nothing(clock: Clock) -> None:
    assert send(Budget(0.5), clock) == 1000.0


def test_a_refusal_lets_all_wait_and_go_slower_and_in_time_as_before(clock: Clock) -> None:
    budget = Budget(10)
    before = [send(budget, clock) for _ in range(30)]
    told = clock.now
    budget.refused(7.0)
    after = [send(budget, clock) for _ in range(30)]
    assert after[0] >= told + 7.0
    assert after[-1] - after[0] > 1.2 * (before[-1] - before[0])
    clock.now += 600
    later = [send(budget, clock) for _ in range(30)]
    assert later[-1] - later[0] <= 1.1 * (before[-1] - before[0])


def test_refusals_without_an_end_never_bring_the_rate_to_nothing(clock: Clock) -> None:
    budget = Budget(10)
    for _ in range(12):
        send(budget, clock)
        budget.refused(0.0)
    began = clock.now
    assert send(budget, clock) - began < 60


# Refusals


@pytest.mark.usefixtures("small_pages")
def test_a_refusal_stops_and_slows_every_thread_of_its_account(box: Sandbox) -> None:
    api, told = box.kommo, 20
    api.faults.plan(faults.status(429, retry_after=1), after=8)
    run = read(api, told, concurrency=4)
    assert set(run.ids("kommo_leads")) == everyone(api)
    (refused,) = (request.at for request in api.journal if request.status == 429)
    pause = [r for r in api.journal if refused < r.at < refused + 1]
    assert len(pause) <= UNDER_WAY
    after = [request.at for request in api.journal if request.at >= refused + 1]
    assert len(after) > 4
    assert after[-1] - after[0] >= (len(after) - 2) / (told * 0.8)


def test_a_server_that_allows_far_less_than_the_tap_was_told_is_read_whole(box: Sandbox) -> None:
    api = box.kommo
    api.options.page_cap = 20
    api.options.rate_limit = 4
    api.options.block_after = MOST_REFUSALS
    run = read(api, 50, concurrency=4)
    assert run.code == 0
    assert set(run.ids("kommo_leads")) == everyone(api)
    assert sum(request.status == 429 for request in api.journal) <= 10


@pytest.mark.usefixtures("small_pages", "no_waits")
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("after", [0, 9])
def test_twenty_refusals_in_a_row_end_the_account_and_nothing_follows(
    box: Sandbox, source: str, after: int, caplog: pytest.LogCaptureFixture
) -> None:
    api = box.apis[source]
    api.faults.plan(after=after)
    api.faults.random(1.0, [429])
    accounts = [{"name": "north"}, {"name": "south"}]
    run = sync({source: settings_for(api, accounts=accounts), "concurrency": 4})
    assert run.code == 1
    assert len(api.journal) <= after + 2 * (MOST_REFUSALS + UNDER_WAY)
    lines = errors(caplog)
    assert len(lines) == 2
    for line, name in zip(lines, ("north", "south"), strict=True):
        assert line.startswith(f"{source}_leads, account {name}: ")
        assert re.search(r"refused 2[0-3] requests in a row \(429\)", line)


@pytest.mark.usefixtures("no_waits")
def test_refusals_with_answers_between_them_end_nothing(box: Sandbox) -> None:
    api = box.octanist
    refused = [faults.status(429)] * (MOST_REFUSALS - 1)
    api.faults.plan(*refused, "none", *refused)
    assert set(read(api, 10_000).ids("octanist_leads")) == everyone(api)


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        (faults.status(429), 0),
        (faults.status(429, retry_after=30), 30),
        (faults.status(429, retry_after=30, body="html"), 30),
        (faults.status(429, retry_after_date=30), 30),
        (faults.status(429, retry_after_date=30, body="html"), 30),
        (faults.status(429, retry_after_body=30), 30),
        (faults.status(429, retry_after_body=29.5), 29.5),
        (faults.status(429, retry_after_body="30"), 30),
        (faults.status(429, retry_after="soon"), 0),
        (faults.status(429, retry_after_body="soon"), 0),
        (faults.status(429, retry_after=-5), 0),
        (faults.status(429, retry_after_date=-5), 0),
        (faults.status(503, retry_after=30), 30),
    ],
)
@pytest.mark.parametrize("hours", [0, 5])
def test_a_retry_waits_as_long_as_the_server_asks(
    box: Sandbox,
    fault: faults.Fault,
    seconds: float,
    hours: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("backoff._sync.time.sleep", waits.append)
    box.clock.advance(hours * 3600)  # a date is one of the server's clock
    box.octanist.faults.plan(fault)
    assert read(box.octanist, 10_000, concurrency=1).code == 0
    assert len(waits) == 1
    assert seconds - 3 <= waits[0] <= seconds


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    "asked",
    [{"retry_after": 3600}, {"retry_after_date": 3600}, {"retry_after_body": 3600}],
    ids=["seconds", "date", "body"],
)
def test_a_wait_that_is_longer_than_all_tries_may_take_ends_at_once_and_says_so(
    box: Sandbox, source: str, asked: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    api = box.apis[source]
    api.faults.plan(faults.status(429, **asked))
    assert read(api, 10_000).code == 1
    assert len(api.journal) == 1
    (line,) = errors(caplog)
    assert line.startswith(f"{source}_leads, account ")
    assert ": 429: too many requests" in line
    assert "it asks to wait 3" in line
