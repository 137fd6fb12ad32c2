"""Every STATE line is a place to go on from: the bookmark never passes a lead not yet written."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk import Stream

from tests.support.catalogs import LEADS
from tests.support.run import sync
from tests.support.runtime import set_runtime
from tests.support.settings import SOURCES, settings_for

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A STATE after every few records."""
    set_runtime(monkeypatch, records_per_state=17)


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("source", SOURCES)
def test_a_run_can_be_resumed_from_every_state_line_and_loses_nothing(
    box: Sandbox, source: str
) -> None:
    api = box.apis[source]
    api.options.page_cap = 20
    api.insert(70, at=time.time() - 86_400)
    stream = f"{source}_leads"
    whole = sync({source: settings_for(api)})
    everyone = set(whole.ids(stream))
    seen: set[str] = set()
    resumed = 0
    for message in whole.messages:
        if message["type"] == "RECORD":
            seen.add(str(message["record"]["id"]))
        elif message["type"] == "STATE":
            config = {source: settings_for(api, lookback_seconds=0)}
            rest = sync(config, message["value"])
            assert seen | set(rest.ids(stream)) == everyone
            resumed += 1
    assert resumed > len(everyone) / 25


@pytest.mark.parametrize("source", SOURCES)
def test_the_last_message_is_the_state_and_it_is_never_empty(box: Sandbox, source: str) -> None:
    api = box.apis[source]
    for emptied in (False, True):
        if emptied:
            api.delete(list(api.leads))
        run = sync({source: settings_for(api)})
        assert run.messages[-1]["type"] == "STATE"
        assert all(state.get("bookmarks") for state in run.states)


@pytest.mark.parametrize("source", SOURCES)
def test_a_finished_state_holds_the_bookmark_alone(box: Sandbox, source: str) -> None:
    run = sync({source: settings_for(box.apis[source])})
    partitions = run.state["bookmarks"][f"{source}_leads"]["partitions"]
    assert [set(p) for p in partitions] == [{"context", "replication_key", "replication_key_value"}]


def test_states_follow_at_least_every_thousand_records(box: Sandbox) -> None:
    box.kommo.insert(2500, at=time.time() - 86_400)
    since = 0
    for message in sync({"kommo": settings_for(box.kommo)}).messages:
        since = 0 if message["type"] == "STATE" else since + (message["type"] == "RECORD")
        assert since <= 1000


def test_the_bookmark_never_moves_back(box: Sandbox) -> None:
    first = sync({"kommo": settings_for(box.kommo)})
    newest = max(box.kommo.leads, key=lambda i: box.kommo.leads[i]["updated_at"])
    box.kommo.delete([newest])
    second = sync({"kommo": settings_for(box.kommo)}, first.state)
    assert second.bookmark("kommo_leads") == first.bookmark("kommo_leads")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_told_to_end_writes_its_state_and_does_not_look_like_a_success(
    box: Sandbox, tmp_path: Path, number: signal.Signals
) -> None:
    box.kommo.options.page_cap = 20
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"kommo": settings_for(box.kommo, requests_per_second=4)}))
    catalog = tmp_path / "catalog.json"
    catalog.write_text(json.dumps(LEADS))
    command = [sys.executable, "-m", "tap_leads", "--config", str(config)]
    command += ["--catalog", str(catalog)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as tap:
        assert tap.stdout is not None
        lines = [tap.stdout.readline() for _ in range(50)]
        tap.send_signal(number)
        lines += tap.stdout.readlines()
    assert tap.returncode == 128 + number
    last = json.loads(lines[-1])
    assert last["type"] == "STATE"
    rest = sync({"kommo": settings_for(box.kommo)}, last["value"])
    messages = [json.loads(line) for line in lines]
    read = {str(m["record"]["id"]) for m in messages if m["type"] == "RECORD"}
    assert read | set(rest.ids("kommo_leads")) == {str(x["id"]) for x in box.kommo.rendered()}


def test_the_private_part_of_the_sdk_that_the_tap_replaces_is_still_there() -> None:
    assert callable(getattr(Stream, "_generate_record_messages", None))


def test_a_full_table_read_leaves_the_bookmark_alone(box: Sandbox) -> None:
    config: dict[str, Any] = {"kommo": settings_for(box.kommo)}
    first = sync(config)
    catalog: dict[str, Any] = {
        "streams": [
            {
                "tap_stream_id": "kommo_leads",
                "stream": "kommo_leads",
                "schema": first.schemas["kommo_leads"]["schema"],
                "key_properties": ["account", "id"],
                "replication_key": "updated_at",
                "replication_method": "FULL_TABLE",
                "metadata": [{"breadcrumb": [], "metadata": {"selected": True}}],
            }
        ]
    }
    second = sync(config, first.state, catalog=catalog)
    assert sorted(second.ids("kommo_leads")) == sorted(first.ids("kommo_leads"))
    assert second.bookmark("kommo_leads") == first.bookmark("kommo_leads")
