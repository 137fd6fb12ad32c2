"""State and catalog files that version 0.1.0 wrote are read without loss and without repeats."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.earlier_version import (
    ACCOUNTS,
    FIELDS,
    FILES,
    HOUR,
    LEFT_OUT,
    LOOKBACK,
    config_of,
    world,
)
from tests.support.run import sync
from tests.support.settings import CREDENTIALS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import Sandbox
    from tests.support.run import Run

LEADS = [f"{source}_leads" for source in CREDENTIALS]
INTERRUPTED = [f"state_interrupted_{source}" for source in CREDENTIALS]
# Some APIs filter by whole minutes.
SLACK = timedelta(minutes=2)
OTHER_TYPES = {
    "text": "numeric",
    "numeric": "text",
    "checkbox": "text",
    "date": "date_time",
    "date_time": "date",
    "select": "numeric",
    "multiselect": "checkbox",
}
TYPES = {
    "text": {"type": ["null", "string"]},
    "number": {"type": ["null", "number"]},
    "boolean": {"type": ["null", "boolean"]},
    "integer": {"type": ["null", "integer"]},
    "date": {"type": ["null", "string"], "format": "date"},
    "date-time": {"type": ["null", "string"], "format": "date-time"},
}


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """The sandbox as it was when the files were written."""
    with world() as sandbox:
        yield sandbox


def load(name: str) -> dict[str, Any]:
    """Return the content of a file."""
    content: dict[str, Any] = json.loads((FILES / f"{name}.json").read_text(encoding="utf-8"))
    return content


def every_stream() -> dict[str, Any]:
    """Return the catalog of that version with all streams selected."""
    catalog = load("catalog")
    for stream in catalog["streams"]:
        for each in stream["metadata"]:
            if each["breadcrumb"] == []:
                each["metadata"]["selected"] = True
    return catalog


def resume(
    box: Sandbox, state: dict[str, Any] | None, catalog: dict[str, Any] | None = None
) -> Run:
    """Return a run over all sources that ends well."""
    run = sync(config_of(box), state, catalog=catalog or every_stream())
    assert run.code == 0
    return run


def go_on(box: Sandbox) -> None:
    """Let some hours pass, and in the middle of them edit and insert leads."""
    box.clock.advance(2 * HOUR)
    for api in box.apis.values():
        api.edit(list(api.leads)[5:12])
        api.insert(4)
    box.clock.advance(2 * HOUR)


def bookmarks_of(state: dict[str, Any]) -> dict[tuple[str, str], datetime]:
    """Return the bookmark of each stream and account that has one."""
    return {
        (stream, partition["context"]["account"]): at
        for stream, content in state["bookmarks"].items()
        for partition in content.get("partitions", [])
        if (at := moment(partition.get("replication_key_value"))) is not None
    }


def moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def rows_of(run: Run, stream: str, account: str) -> dict[str, Any]:
    """Return the records of a stream and an account by their keys, each of them once."""
    keys = run.schemas[stream]["key_properties"]
    records = [record for record in run.records(stream) if record["account"] == account]
    rows = {json.dumps([str(r[key]) for key in keys]): r for r in records}
    assert len(rows) == len(records), (stream, account)
    return rows


def assert_reads_on(run: Run, whole: Run, state: dict[str, Any]) -> None:
    """Check that a run read what changed since the bookmarks of a state, and no more."""
    bookmarks = bookmarks_of(state)
    assert run.schemas.keys() == whole.schemas.keys()
    checked = 0
    for stream, schema in whole.schemas.items():
        (key,) = schema.get("bookmark_properties") or [None]
        for account in ACCOUNTS:
            wanted, found = rows_of(whole, stream, account), rows_of(run, stream, account)
            start = bookmarks.get((stream, account)) if key else None
            if start is not None:
                start -= timedelta(seconds=LOOKBACK)
                checked += 1
            for each, record in wanted.items():
                at = moment(record[key]) if key else None
                if start is None or at is None or at >= start:
                    assert found.get(each) == record, (stream, account)
                elif at < start - SLACK:
                    assert each not in found, (stream, account)
            assert found.keys() <= wanted.keys(), (stream, account)
    assert checked == len(bookmarks)


def test_the_files_hold_what_their_names_say() -> None:
    state = load("state")
    streams = {stream["tap_stream_id"] for stream in load("catalog")["streams"]}
    assert state["bookmarks"].keys() == streams
    for stream in LEADS:
        assert {(stream, account) for account in ACCOUNTS} <= bookmarks_of(state).keys()
    kept = state["bookmarks"]["kommo_leads"]["custom_fields"]
    assert {f"cf_{number}" for number in FIELDS} <= {n for names in kept.values() for n in names}
    for source, name in zip(CREDENTIALS, INTERRUPTED, strict=True):
        interrupted = bookmarks_of(load(name))
        assert interrupted.keys() == {(f"{source}_leads", ACCOUNTS[0])}
        assert interrupted.items() != bookmarks_of(state).items()


def test_a_run_from_the_state_of_a_complete_run_reads_what_changed_since(box: Sandbox) -> None:
    go_on(box)
    state, whole = load("state"), resume(box, None)
    run = resume(box, state)
    assert_reads_on(run, whole, load("state"))
    for source, stream in zip(CREDENTIALS, LEADS, strict=True):
        assert len(rows_of(run, stream, "north")) < box.apis[source].count / 2


def test_where_nothing_changed_the_state_stays_as_it_is(box: Sandbox) -> None:
    bookmarks = resume(box, load("state")).state["bookmarks"]
    for stream, kept in load("state")["bookmarks"].items():
        assert kept.items() <= bookmarks[stream].items(), stream


@pytest.mark.parametrize("name", INTERRUPTED)
def test_a_run_from_the_state_of_an_interrupted_run_reads_the_rest(box: Sandbox, name: str) -> None:
    state, whole = load(name), resume(box, None)
    run = resume(box, state)
    assert_reads_on(run, whole, load(name))
    ((stream, account),) = bookmarks_of(load(name))
    seen, read_then = bookmarks_of(load(name)), rows_of(run, stream, account)
    assert len(read_then) < len(rows_of(whole, stream, account))
    assert bookmarks_of(run.state)[stream, account] > seen[stream, account]


@pytest.mark.parametrize("name", ["state", "state_interrupted_kommo"])
def test_the_columns_of_custom_fields_keep_the_types_that_the_state_has(
    box: Sandbox, name: str
) -> None:
    for number, kind in FIELDS.items():
        box.kommo.fields.edit([number], type=OTHER_TYPES[kind])
    box.kommo.fields.delete([990_002])
    box.kommo.edit(list(box.kommo.leads))
    kept = load(name)["bookmarks"]["kommo_leads"]["custom_fields"]
    run = resume(box, load(name))
    properties = run.schemas["kommo_leads"]["schema"]["properties"]
    for kind, columns in kept.items():
        for column in columns:
            declared = {k: v for k, v in properties[column].items() if k != "description"}
            assert declared == TYPES[kind], column
    again = run.state["bookmarks"]["kommo_leads"]["custom_fields"]
    for kind, columns in kept.items():
        assert set(columns) <= set(again[kind])


@pytest.mark.parametrize("state", [None, "state"])
def test_the_selections_of_a_catalog_are_honored(box: Sandbox, state: str | None) -> None:
    go_on(box)
    catalog = load("catalog_selected")
    run = resume(box, load(state) if state else None, catalog)
    streams = {stream["tap_stream_id"]: stream for stream in catalog["streams"]}
    assert run.schemas.keys() == streams.keys() - {"kommo_tasks", "kommo_users"}
    for stream, schema in run.schemas.items():
        left_out = set(LEFT_OUT.get(stream, ()))
        wanted = streams[stream]["schema"]["properties"].keys() - left_out
        assert wanted <= schema["schema"]["properties"].keys()
        assert not left_out & schema["schema"]["properties"].keys()
        for record in run.records(stream):
            assert not left_out & record.keys()
    assert "990002" not in json.dumps(run.records("kommo_leads"), default=str)
