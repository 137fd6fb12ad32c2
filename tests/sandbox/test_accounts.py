"""The sandbox counts requests by account and connection."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
import requests

from tests.sandbox.client import ask, ids_of
from tests.support.settings import SOURCES

if TYPE_CHECKING:
    from sandbox import Sandbox


@pytest.mark.parametrize("source", SOURCES)
def test_accounts_of_an_api_have_their_own_tokens_and_share_its_rate_limit(
    box: Sandbox, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All requests arrive at one instant, however slow the machine is.
    monkeypatch.setattr("sandbox.core.http.time", SimpleNamespace(monotonic=lambda: 1000.0))
    api = box.apis[source]
    others = [api.add_account(), api.add_account()]
    tokens = [api.token, *others]
    assert len(set(tokens)) == 3
    pages = [ids_of(ask(api, token=token, limit=50)) for token in tokens]
    assert all(len(page) == len(set(page)) == 50 for page in pages)
    assert [request.token for request in api.journal] == tokens
    assert len(api.requests_of(others[0])) == 1
    assert api.requests_per_second_max(others[0]) == 1
    api.options.rate_limit = 1
    assert [ask(api, token=token).status_code for token in tokens] == [200, 429, 429]


@pytest.mark.parametrize("source", SOURCES)
def test_requests_under_way_and_connections_are_counted_by_account(
    box: Sandbox, source: str
) -> None:
    api = box.apis[source]
    other = api.add_account()

    def read(token: str) -> None:
        with requests.Session() as session:
            for _ in range(2):
                ask(api, token=token, session=session)

    threads = [threading.Thread(target=read, args=(token,)) for token in (api.token, other)]
    with api.lock:  # no request is answered before both have arrived
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 60
        while len(api.journal) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
    for thread in threads:
        thread.join()
    assert api.under_way_max() == 2
    assert api.under_way_max(other) == api.under_way_max(api.token) == 1
    assert api.connections() == 2
    assert api.connections(other) == 1
    ask(api)
    assert api.connections() == 3
