"""The accounts of a source share one rate limit: an API counts the requests of an IP address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Sandbox
from tests.support.catalogs import catalog_for
from tests.support.run import everyone, sync
from tests.support.settings import CREDENTIALS, SOURCES, settings_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import Api
    from tests.support.run import Run

ACCOUNTS = 10


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
    api.options.latency = 0.05
    config = settings_for(api, accounts=accounts_of(api))
    del config["requests_per_second"]
    run = sync({"kommo": config}, catalog=catalog_for("kommo_leads", "kommo_users", "kommo_tags"))
    assert run.code == 0
    assert len(api.journal) >= 30
    assert api.requests_per_second_max() <= 6


@pytest.mark.parametrize("source", SOURCES)
def test_ten_accounts_together_keep_to_one_rate_limit(box: Sandbox, source: str) -> None:
    api = box.apis[source]
    api.options.page_cap = 20
    read_ten_accounts(api, 12)
    assert len(api.journal) >= 30
    assert api.requests_per_second_max() <= 12


@pytest.mark.parametrize("source", SOURCES)
def test_accounts_that_share_no_rate_limit_each_keep_to_their_own(
    box: Sandbox, source: str
) -> None:
    api = box.apis[source]
    api.options.page_cap = 20
    read_ten_accounts(api, 4, share_rate_limit=False)
    tokens = {request.token for request in api.journal}
    assert len(tokens) == ACCOUNTS
    assert all(api.requests_per_second_max(token) <= 4 for token in tokens)
    # The first requests of each account wait for nobody else's.
    assert api.requests_per_second_max() > 4


@pytest.mark.parametrize("source", SOURCES)
def test_a_429_for_one_account_slows_all_that_share_the_rate_limit(
    box: Sandbox, source: str
) -> None:
    api = box.apis[source]
    api.options.page_cap = 20
    api.faults.plan(429, after=2)
    read_ten_accounts(api, 40)
    (refused,) = (place for place, r in enumerate(api.journal) if r.status == 429)
    after = api.journal[refused + 4 :]  # those that were under way are not slowed down
    assert len({request.token for request in after}) > 1
    times = [request.at for request in after]
    most = max(sum(at <= other < at + 1 for other in times) for at in times)
    assert most <= 30
