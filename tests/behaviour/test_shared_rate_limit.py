"""The accounts of a source share one rate limit: an API counts the requests of an IP address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from sandbox import Sandbox
from tap_leads.rest.rate_limiter import RateLimiter, Slot
from tap_leads.sources.connect import Network
from tests.support.catalogs import catalog_for
from tests.support.run import everyone, sync
from tests.support.runtime import set_runtime
from tests.support.settings import CREDENTIALS, SOURCES, settings_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import Api
    from tap_leads.rest.clock import Clock
    from tests.support.run import Run

ACCOUNTS = 10


class Recording(RateLimiter):
    """A rate limiter that lets every request pass at once, and counts them."""

    def __init__(self, per_second: float, clock: Clock) -> None:
        super().__init__(per_second, clock)
        self.per_second = per_second
        self.passed = self.slowed = 0

    @override
    def acquire(self) -> Slot:
        self.passed += 1
        return Slot(0, 0)

    @override
    def slow_down(self, slot: Slot, wait: float) -> None:
        self.slowed += 1


@pytest.fixture
def limiters(monkeypatch: pytest.MonkeyPatch) -> list[Recording]:
    """The rate limiters that a run makes."""
    made: list[Recording] = []

    def make(per_second: float, clock: Clock) -> Recording:
        made.append(Recording(per_second, clock))
        return made[-1]

    set_runtime(monkeypatch, network=Network(limiter=make))
    return made


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """A sandbox with 60 leads of each source."""
    with Sandbox(leads=60, seed=7) as sandbox:
        for api in sandbox.apis.values():
            api.options.rate_limit = None
        yield sandbox


def accounts_of(api: Api) -> list[dict[str, Any]]:
    """Return ten accounts of an API, each with its own token."""
    tokens = [api.token, *(api.add_account() for _ in range(ACCOUNTS - 1))]
    return [
        {"name": f"account_{number}", CREDENTIALS[api.slot]: token}
        for number, token in enumerate(tokens)
    ]


def read_ten_accounts(api: Api, per_second: int, **settings: Any) -> Run:
    """Return a run over ten accounts that ends well."""
    settings = {"accounts": accounts_of(api), "requests_per_second": per_second, **settings}
    run = sync({api.slot: settings_for(api, **settings)})
    assert run.code == 0
    read = {(r["account"], str(r["id"])) for r in run.records(f"{api.slot}_leads")}
    assert len(read) == ACCOUNTS * len(everyone(api))
    return run


def test_the_streams_of_ten_accounts_together_keep_to_the_default_rate(box: Sandbox) -> None:
    api = box.kommo
    config = settings_for(api, accounts=accounts_of(api))
    del config["requests_per_second"]
    run = sync({"kommo": config}, catalog=catalog_for("kommo_leads", "kommo_users", "kommo_tags"))
    assert run.code == 0
    assert len(api.journal) >= 30
    # A busy machine delays requests, and so it can only lower their number over the whole run.
    seconds = api.journal[-1].at - api.journal[0].at
    assert len(api.journal) <= 6 * (seconds + 1)


@pytest.mark.parametrize("source", SOURCES)
def test_ten_accounts_together_keep_to_one_rate_limit(
    box: Sandbox, source: str, limiters: list[Recording]
) -> None:
    api = box.apis[source]
    read_ten_accounts(api, 12)
    (limiter,) = limiters
    assert limiter.per_second == 12
    assert limiter.passed == len(api.journal)
    assert len({request.token for request in api.journal}) == ACCOUNTS


@pytest.mark.parametrize("source", SOURCES)
def test_accounts_that_share_no_rate_limit_each_keep_to_their_own(
    box: Sandbox, source: str, limiters: list[Recording]
) -> None:
    api = box.apis[source]
    read_ten_accounts(api, 4, share_rate_limit=False)
    assert [limiter.per_second for limiter in limiters] == [4] * ACCOUNTS
    tokens = [request.token for request in api.journal]
    assert sorted(x.passed for x in limiters) == sorted(map(tokens.count, set(tokens)))


@pytest.mark.parametrize("source", SOURCES)
def test_a_429_for_one_account_slows_all_that_share_the_rate_limit(
    box: Sandbox, source: str, limiters: list[Recording]
) -> None:
    api = box.apis[source]
    api.faults.plan(429, after=2)
    read_ten_accounts(api, 40)
    (limiter,) = limiters
    assert limiter.slowed == 1
