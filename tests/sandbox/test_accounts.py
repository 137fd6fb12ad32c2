"""The sandbox counts requests by account and connection."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
import requests

from sandbox import Sandbox
from sandbox.__main__ import accounts_file
from tests.sandbox.client import NOON, ask, ids_of
from tests.support.run import everyone, sync
from tests.support.settings import SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator


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


@pytest.fixture
def boxes() -> Iterator[Sandbox]:
    """A sandbox with two further Kommo accounts."""
    with Sandbox(leads=20, start=NOON, accounts=["berlin", "porto"]) as box:
        box.kommo.options.rate_limit = None
        yield box


def test_further_kommo_accounts_have_leads_and_tokens_of_their_own(boxes: Sandbox) -> None:
    berlin, porto = boxes.accounts.values()
    assert berlin.url == f"{boxes.url}/kommo-berlin"
    kommos = (boxes.kommo, berlin, porto)
    names = [{lead["name"] for lead in kommo.rendered()} for kommo in kommos]
    assert not names[0] & names[1]
    assert not names[1] & names[2]
    for kommo in kommos:
        asked = [ask(kommo, "leads", token=other.token).status_code for other in kommos]
        assert asked == [200 if other is kommo else 401 for other in kommos]


def test_further_kommo_accounts_share_the_integration_and_the_rate_limit(
    boxes: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.core.http.time", SimpleNamespace(monotonic=lambda: 1000.0))
    berlin, porto = boxes.accounts.values()
    codes = [kommo.oauth.consent() for kommo in (berlin, porto)]
    assert codes[0] != codes[1]
    assert (
        berlin.oauth.client_secret == porto.oauth.client_secret == boxes.kommo.oauth.client_secret
    )
    boxes.kommo.options.rate_limit = 1
    kommos = (boxes.kommo, berlin, porto)
    assert [ask(kommo, "leads").status_code for kommo in kommos] == [200, 429, 429]


def test_the_accounts_file_of_the_sandbox_is_one_that_the_tap_reads(
    boxes: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where the tap stores the tokens
    Path("accounts.json").write_text(accounts_file(boxes), encoding="utf-8")
    kommo = {"accounts_file": "accounts.json", "requests_per_second": 1000}
    for name, account in boxes.accounts.items():
        run = sync({"kommo": kommo, "account": f"kommo-{name}"})
        assert run.code == 0
        assert set(run.ids("kommo_leads")) == everyone(account)
