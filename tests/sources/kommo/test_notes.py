"""Kommo's notes of leads, contacts and companies, and the calls among them."""

from __future__ import annotations

import json
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.catalogs import catalog_for
from tests.support.hashing import KEY, sha
from tests.support.kommo_streams import assert_equal
from tests.support.run import read, sync
from tests.support.settings import DAY, settings_for

if TYPE_CHECKING:
    from sandbox import Sandbox
    from sandbox.kommo.api import Kommo

PATHS = {
    "kommo_lead_notes": "leads/notes",
    "kommo_contact_notes": "contacts/notes",
    "kommo_company_notes": "companies/notes",
}
NOTES = "kommo_lead_notes"
PHONE, TEXT, LINK = "+1 555-0199", "canary-4f1c called", "https://example.com/canary-4f1c.mp3"
CALL = {"uniq": "8f52", "duration": 63, "source": "sip", "link": LINK, "phone": PHONE,
        "call_result": TEXT, "call_status": 4}  # fmt: skip
ODD: tuple[Any, ...] = (
    None,
    [],
    {},
    0,
    7,
    True,
    "",
    TEXT,
    [CALL],
    [[None]],
    {"phone": None},
    {"phone": 15550199, "duration": "63", "call_status": "4"},
    {"phone": [PHONE], "duration": {"s": 63}, "call_status": [4], "text": {"html": TEXT}},
    {"phone": {"work": PHONE}, "duration": -1, "call_status": 99, "link": False},
    {"duration": 1e40, "call_status": 2.5, "text": 0},
    {"call_status": True, "duration": "a minute"},
    {"call": {"phone": PHONE, "link": [LINK], "text": TEXT, "call_result": TEXT}},
)
"""Values of `params` that no documentation has."""


@pytest.fixture
def kommo(box: Sandbox) -> Kommo:
    box.clock.freeze()
    return box.kommo


@pytest.mark.parametrize("stream", PATHS)
def test_notes_say_what_they_say_whatever_their_kind(kommo: Kommo, stream: str) -> None:
    notes = kommo.tables[PATHS[stream]]
    records = read(kommo, stream).records(stream)
    assert_equal(records, notes.rendered(base=kommo.url))
    assert len({record["note_type"] for record in records}) == 9
    assert "[]" in {record["params"] for record in records}
    assert any(record["is_pinned"] for record in records)
    assert {record["extra"] for record in records} == {None}


@pytest.mark.parametrize("stream", PATHS)
def test_a_call_has_its_phone_duration_status_and_recording_in_columns(
    kommo: Kommo, stream: str
) -> None:
    calls = {
        (row["note_type"], row["phone"], row["duration"], row["call_status"],
         row["call_status_name"], row["call_result"], row["link"])
        for row in read(kommo, stream).records(stream)
        if row["note_type"].startswith("call_")
    }  # fmt: skip
    assert calls == {
        ("call_in", "+15550101", 63, 4, "talked", "", "https://example.com/r.mp3"),
        ("call_out", "+15550102", 0, 6, "no answer", "No answer", None),
    }


def test_a_note_that_is_no_call_has_its_text_and_no_status(kommo: Kommo) -> None:
    rows = {row["note_type"]: row for row in read(kommo, NOTES).records(NOTES)}
    assert rows["common"]["text"] == "Rief zurück, will ein Angebot 👍"
    assert (rows["sms_in"]["text"], rows["sms_in"]["phone"]) == ("ок", "+15550103")
    assert rows["common"]["call_status"] is rows["common"]["call_status_name"] is None
    assert rows["link_followed"]["text"] is None


@pytest.mark.parametrize("stream", PATHS)
def test_notes_are_read_by_the_time_of_their_change(kommo: Kommo, stream: str) -> None:
    notes = kommo.tables[PATHS[stream]]
    first = read(kommo, stream)
    kommo.journal.clear()
    kommo.clock.advance(60)
    edited = notes.edit(5, params={"text": "Neu"})
    again = read(kommo, stream, state=first.state)
    told = {record["id"]: record["params"] for record in again.records(stream)}
    assert {told[note] for note in edited} == {'{"text":"Neu"}'}
    assert len(told) < 20
    assert len(kommo.journal) <= 2
    quiet = [read(kommo, stream, state=again.state) for _ in range(2)]
    one, other = (sorted(run.records(stream), key=itemgetter("id")) for run in quiet)
    assert one == other
    assert quiet[0].state == quiet[1].state == again.state


# Types of notes


@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize("types", [["call_in", "call_out"], "call_in,call_out"])
def test_notes_are_of_the_types_in_the_settings_even_if_the_account_ignores_them(
    kommo: Kommo, types: Any, *, ignored: bool
) -> None:
    kommo.options.ignore_filters = ignored
    run = read(kommo, *PATHS, note_types=types)
    for stream, path in PATHS.items():
        rows = kommo.tables[path].rendered(base=kommo.url)
        calls = [row for row in rows if row["note_type"] in {"call_in", "call_out"}]
        # A fallback emits the rows that were read before it a second time.
        found = {record["id"]: record for record in run.records(stream)}
        assert_equal(list(found.values()), calls)


def test_the_account_sends_only_notes_of_those_types(kommo: Kommo) -> None:
    kommo.tables["leads/notes"].insert(3000, at=kommo.clock.now() - DAY)
    read(kommo, NOTES, note_types=["call_in", "call_out"])
    assert {tuple(request.query["filter[note_type][]"]) for request in kommo.journal} == {
        ("call_in", "call_out")
    }
    assert len(kommo.journal) < 9


def test_without_the_setting_no_type_is_asked_for(kommo: Kommo) -> None:
    read(kommo, NOTES, note_types=[])
    assert not any("filter[note_type][]" in request.query for request in kommo.journal)


# Odd notes


def test_a_note_of_any_form_ends_no_run_and_loses_nothing(kommo: Kommo) -> None:
    notes = kommo.tables["leads/notes"]
    ids = [notes.insert(1, params=params)[0] for params in ODD]
    run = read(kommo, NOTES)
    assert run.code == 0
    rows = {row["id"]: row for row in run.records(NOTES)}
    for note, params in zip(ids, ODD, strict=True):
        row = rows[note]
        if isinstance(params, str) and params:
            assert (row["text"], row["params"]) == (params, None)
        else:
            assert (None if row["params"] is None else json.loads(row["params"])) == params
    by_params = {str(params): rows[note] for note, params in zip(ids, ODD, strict=True)}
    whole = by_params[str(ODD[11])]
    assert (whole["phone"], whole["duration"], whole["call_status"]) == ("15550199", 63, 4)
    assert whole["call_status_name"] == "talked"
    assert by_params[str(ODD[13])]["call_status_name"] is None


@pytest.mark.parametrize("form", ["text", "native"])
@pytest.mark.parametrize("way", ["hashed", "deselected"])
def test_the_phone_text_and_recording_of_a_note_are_nowhere_once_they_are_private(
    kommo: Kommo, way: str, form: str
) -> None:
    private = ("text", "phone", "link", "call_result")
    for path in PATHS.values():
        for params in (CALL, *ODD):
            kommo.tables[path].insert(1, params=params)
    config: dict[str, Any] = {"kommo": settings_for(kommo), "nested_values": form}
    catalog = catalog_for(*PATHS)
    if way == "hashed":
        config |= {"hash_fields": list(private), "hash_key": KEY}
    else:
        for stream in catalog["streams"]:
            stream["metadata"] += [
                {"breadcrumb": ["properties", name], "metadata": {"selected": False}}
                for name in private
            ]
    run = sync(config, catalog=catalog)
    assert run.code == 0
    emitted = json.dumps([m for m in run.messages if m["type"] == "RECORD"], default=str)
    assert "canary-4f1c" not in emitted
    assert PHONE not in emitted
    assert "15550199" not in emitted
    for stream in PATHS:
        hashes = {row.get("phone") for row in run.records(stream)}
        assert (sha("15550199") in hashes) == (way == "hashed")


def test_the_name_of_a_status_is_as_private_as_the_status(kommo: Kommo) -> None:
    config = {"kommo": settings_for(kommo), "hash_fields": ["call_status"], "hash_key": KEY}
    rows = sync(config, catalog=catalog_for(NOTES)).records(NOTES)
    names = {row["call_status_name"] for row in rows}
    assert sha("4") in {row["call_status"] for row in rows}
    assert not names & {"talked", "no answer"}
