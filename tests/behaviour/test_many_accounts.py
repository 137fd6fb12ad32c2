"""A hundred accounts cost as much each as a few do, and their state is written in time."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Sandbox
from tests.support.catalogs import catalog_for
from tests.support.run import Run, everyone, sync
from tests.support.settings import SOURCES, settings_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import Api

KOMMO_STREAMS = ("kommo_leads", "kommo_pipelines", "kommo_tasks", "kommo_lead_stage_changes")
STREAMS = {"kommo": KOMMO_STREAMS, "dashly": ("dashly_leads",), "octanist": ("octanist_leads",)}


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """A sandbox with 30 leads of each source."""
    with Sandbox(leads=30, seed=7) as sandbox:
        for api in sandbox.apis.values():
            api.options.rate_limit = None
        yield sandbox


def read_accounts(api: Api, accounts: int, state: dict[str, Any] | None = None, **top: Any) -> Run:
    """Return a run over so many accounts that ends well."""
    names = [{"name": f"account_{number:03}"} for number in range(accounts)]
    config = {api.slot: settings_for(api, accounts=names), **top}
    run = sync(config, state, catalog=catalog_for(*STREAMS[api.slot]))
    assert run.code == 0
    return run


def state_bytes(run: Run) -> int:
    """Count the bytes of all STATE messages."""
    return sum(len(json.dumps(m)) for m in run.messages if m["type"] == "STATE")


@pytest.mark.parametrize("source", SOURCES)
def test_the_bytes_of_state_grow_with_the_accounts_and_not_with_their_square(
    box: Sandbox, source: str
) -> None:
    api = box.apis[source]
    assert state_bytes(read_accounts(api, 100)) < 6 * state_bytes(read_accounts(api, 25))


@pytest.mark.parametrize("source", SOURCES)
def test_the_last_state_of_many_accounts_has_the_bookmark_of_each(
    box: Sandbox, source: str
) -> None:
    api = box.apis[source]
    run = read_accounts(api, 40)
    stream = f"{source}_leads"
    bookmarks = {
        partition["context"]["account"]: partition["replication_key_value"]
        for partition in run.state["bookmarks"][stream]["partitions"]
    }
    assert sorted(bookmarks) == [f"account_{number:03}" for number in range(40)]
    assert len(set(bookmarks.values())) == 1
    assert run.messages[-1]["type"] == "STATE"
    for account in ("account_000", "account_039"):
        ids = {str(r["id"]) for r in run.records(stream) if r["account"] == account}
        assert ids == everyone(api)
    again = read_accounts(api, 40, run.state)
    assert len(again.records(stream)) < len(run.records(stream))


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("accounts", [1, 70])
def test_a_state_follows_at_least_every_thousand_records_of_an_account_and_each_stream(
    box: Sandbox, source: str, accounts: int
) -> None:
    api = box.apis[source]
    api.insert(2500 if accounts == 1 else 10)
    since: Counter[str] = Counter()
    stream = None
    for message in read_accounts(api, accounts).messages:
        if message["type"] == "STATE":
            since, stream = Counter(), None
        elif message["type"] == "RECORD":
            since[message["record"]["account"]] += 1
            assert stream in {None, message["stream"]}, "a STATE between two streams"
            stream = message["stream"]
        assert max(since.values(), default=0) <= 1000
    assert not since


@pytest.mark.parametrize("source", SOURCES)
def test_every_state_of_many_accounts_can_be_resumed_from(box: Sandbox, source: str) -> None:
    api, stream = box.apis[source], f"{source}_leads"
    api.insert(70)
    whole = read_accounts(api, 15)
    wanted = {(r["account"], str(r["id"])) for r in whole.records(stream)}
    assert len(wanted) == 15 * len(everyone(api))
    states = [place for place, m in enumerate(whole.messages) if m["type"] == "STATE"]
    for place in [states[0], states[len(states) // 2], states[-1]]:
        seen = Run(whole.messages[:place]).records(stream)
        rest = read_accounts(api, 15, json.loads(json.dumps(whole.messages[place]["value"])))
        rows = [*seen, *rest.records(stream)]
        assert wanted <= {(r["account"], str(r["id"])) for r in rows}
