"""`concurrency` limits what is under way of an account, over all its streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.run import read_default_streams
from tests.support.settings import CREDENTIALS, SOURCES

if TYPE_CHECKING:
    from sandbox import Sandbox

CONCURRENCIES = [1, 4, 8]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("concurrency", CONCURRENCIES)
def test_an_account_has_no_more_requests_under_way_or_connections_than_its_concurrency_allows(
    box: Sandbox, source: str, concurrency: int
) -> None:
    api = box.apis[source]
    api.options.latency = 0.01  # so that requests that are sent at once are under way at once
    api.options.page_cap = 25 if source == "kommo" else 5
    # On a busy machine, no two requests of a run may happen to be under way at once.
    for _ in range(20):
        api.journal.clear()
        read_default_streams(api, concurrency=concurrency)
        assert len(api.journal) >= 50
        assert api.under_way_max() <= concurrency
        assert api.connections() <= concurrency + 1
        if api.under_way_max() > 1 or concurrency == 1:
            return
    pytest.fail("no two requests were under way at once")


@pytest.mark.parametrize("concurrency", CONCURRENCIES)
def test_each_account_keeps_to_its_concurrency_and_reuses_its_connections(
    box: Sandbox, concurrency: int
) -> None:
    api = box.kommo
    api.options.latency, api.options.page_cap = 0.01, 25
    tokens = {"north": api.token, "south": api.add_account()}
    accounts = [{"name": n, CREDENTIALS["kommo"]: token} for n, token in tokens.items()]
    read_default_streams(api, concurrency=concurrency, accounts=accounts)
    for token in tokens.values():
        assert len(api.requests_of(token)) >= 50
        assert api.under_way_max(token) <= concurrency
        assert api.connections(token) <= concurrency + 1


@pytest.mark.parametrize("source", SOURCES)
def test_the_concurrency_changes_neither_the_records_of_any_stream_nor_the_state(
    box: Sandbox, source: str
) -> None:
    api = box.apis[source]
    box.clock.freeze()
    api.options.ties = "stable"
    api.options.page_cap = 50
    runs = [read_default_streams(api, concurrency=concurrency) for concurrency in CONCURRENCIES]
    streams = list(runs[0].schemas)
    assert streams
    for run in runs[1:]:
        assert list(run.schemas) == streams
        assert run.state == runs[0].state
        for stream in streams:
            assert run.records(stream) == runs[0].records(stream), stream
