"""Kommo's contacts and companies, and their columns for phones and emails."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.kommo.people import CONTACT
from tests.support.catalogs import catalog_for
from tests.support.hashing import KEY, sha
from tests.support.kommo_streams import assert_equal
from tests.support.run import Table, read, sync
from tests.support.settings import DAY, settings_for

if TYPE_CHECKING:
    import random

    from sandbox import Api, Sandbox
    from sandbox.kommo.api import Kommo
    from sandbox.kommo.table import Table as Rows
    from tests.support.run import Run

PEOPLE = {"kommo_contacts": "contacts", "kommo_companies": "companies"}
ZEROS = ("closest_task_at",)
Row = dict[str, Any]


@pytest.fixture
def kommo(box: Sandbox) -> Kommo:
    box.clock.freeze()
    box.kommo.options.hidden_contacts = False
    return box.kommo


def listed_rows(kommo: Kommo, stream: str) -> list[Row]:
    """Return the rows of the source as the API lists them."""
    found: list[Row] = kommo.tables[PEOPLE[stream]].rendered(base=kommo.url)
    return found


def reached(row: Row, code: str) -> list[str]:
    """Return the phones or emails in the custom fields of a row."""
    customs = row["custom_fields_values"] or ()
    return [
        item["value"]
        for custom in customs
        if custom["field_code"] == code
        for item in custom["values"] or ()
    ]


@pytest.mark.parametrize("stream", PEOPLE)
def test_every_row_arrives_once_with_what_its_source_has(kommo: Kommo, stream: str) -> None:
    records = read(kommo, stream).records(stream)
    assert_equal(records, listed_rows(kommo, stream), zeros=ZEROS)
    assert {record["extra"] for record in records} == {None}
    moments = [record["updated_at"] for record in records]
    assert moments == sorted(moments)


@pytest.mark.parametrize("form", ["text", "native"])
@pytest.mark.parametrize("stream", PEOPLE)
def test_phones_and_e_mails_are_columns_of_their_own(kommo: Kommo, stream: str, form: str) -> None:
    rows = {row["id"]: row for row in listed_rows(kommo, stream)}
    seen = set()
    for record in read(kommo, stream, nested_values=form).records(stream):
        for code, one, many in (("PHONE", "phone", "phones"), ("EMAIL", "email", "emails")):
            values = reached(rows[record["id"]], code)
            seen.add((code, len(values)))
            assert record[one] == (values[0] if values else None)
            found = record[many]
            found = json.loads(found) if form == "text" and found else found
            assert found == (values or None)
    assert ("PHONE", 0) in seen
    assert ("PHONE", 2 if stream == "kommo_contacts" else 1) in seen


def test_phones_of_several_fields_are_joined_and_empty_ones_left_out(kommo: Kommo) -> None:
    (lead,) = kommo.contacts.insert(1)
    customs = [
        {"field_id": 1, "field_name": "Phone", "field_code": "PHONE", "field_type": "multitext",
         "values": values}
        for values in ([{"value": None}, {"enum_id": 1}], None, [{"value": "+1"}],
                       [{"value": "+2"}])
    ]  # fmt: skip
    kommo.contacts.rows[lead]["custom_fields_values"] = customs
    record = next(
        r for r in read(kommo, "kommo_contacts").records("kommo_contacts") if r["id"] == lead
    )
    assert (record["phone"], json.loads(record["phones"])) == ("+1", ["+1", "+2"])
    assert json.loads(record["custom_fields_values"]) == customs


@pytest.mark.parametrize("empty", [None, []])
def test_a_contact_without_custom_fields_has_them_as_they_came(kommo: Kommo, empty: Any) -> None:
    (contact,) = kommo.contacts.edit(1, custom_fields_values=empty)
    records = {r["id"]: r for r in read(kommo, "kommo_contacts").records("kommo_contacts")}
    assert records[contact]["phone"] is None
    assert records[contact]["phones"] is None
    assert records[contact]["custom_fields_values"] == (None if empty is None else "[]")


# Personal data


def digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text))


def private(kommo: Kommo) -> set[str]:
    """Return every phone and email of the source's contacts and companies."""
    rows = [row for stream in PEOPLE for row in listed_rows(kommo, stream)]
    return {value for row in rows for code in ("PHONE", "EMAIL") for value in reached(row, code)}


def leaked(kommo: Kommo, run: Run) -> set[str]:
    """Return those that a run emitted in any column."""
    text = json.dumps([run.records(stream) for stream in PEOPLE], default=str, ensure_ascii=False)
    return {value for value in private(kommo) if value in text}


@pytest.mark.parametrize("form", ["text", "native"])
@pytest.mark.parametrize("fields", ["json", "columns"])
def test_hashed_phones_and_e_mails_are_raw_in_no_column(
    kommo: Kommo, fields: str, form: str
) -> None:
    for row in kommo.contacts.rows.values():
        row["custom_fields_values"] = [
            custom
            for custom in row["custom_fields_values"] or ()
            if custom["field_code"] in {"PHONE", "EMAIL"}
        ]
    assert leaked(kommo, read(kommo, *PEOPLE))
    hashing: Row = {"hash_fields": ["phone", "email"], "hash_key": KEY, "nested_values": form}
    run = read(kommo, *PEOPLE, **hashing, custom_fields=fields)
    assert leaked(kommo, run) == set()
    rows = {row["id"]: row for row in listed_rows(kommo, "kommo_contacts")}
    for record in run.records("kommo_contacts"):
        if phones := reached(rows[record["id"]], "PHONE"):
            assert record["phone"] == sha(digits(phones[0]))
            hashes = record["phones"] if form == "native" else json.loads(record["phones"])
            assert hashes == [sha(digits(phone)) for phone in phones]


@pytest.mark.parametrize("name", ["phone", "email"])
def test_a_deselected_phone_or_e_mail_leaves_in_no_column(kommo: Kommo, name: str) -> None:
    catalog = catalog_for(*PEOPLE)
    for entry in catalog["streams"]:
        column = {"breadcrumb": ["properties", name], "metadata": {"selected": False}}
        entry["metadata"].append(column)
    run = sync({"kommo": settings_for(kommo)}, catalog=catalog)
    code = name.upper()
    hidden = {
        v for stream in PEOPLE for row in listed_rows(kommo, stream) for v in reached(row, code)
    }
    text = json.dumps([run.records(stream) for stream in PEOPLE], default=str, ensure_ascii=False)
    assert hidden
    assert not {value for value in hidden if json.dumps(value, ensure_ascii=False)[1:-1] in text}
    assert all(record[f"{name}s"] is None for record in run.records("kommo_contacts"))
    assert any(
        record.get("phone") or record.get("email") for record in run.records("kommo_contacts")
    )


# Incremental sync


def table_of(kommo: Kommo, stream: str) -> Rows:
    return kommo.tables[PEOPLE[stream]]


@pytest.mark.parametrize("stream", PEOPLE)
def test_a_quiet_second_run_costs_a_request_or_two(kommo: Kommo, stream: str) -> None:
    first = read(kommo, stream)
    kommo.journal.clear()
    again = read(kommo, stream, state=first.state)
    assert len(kommo.journal) <= 2
    assert len(again.records(stream)) < 10
    edited = table_of(kommo, stream).edit(5)
    assert set(edited) <= {r["id"] for r in read(kommo, stream, state=again.state).records(stream)}


@pytest.mark.parametrize("stream", PEOPLE)
def test_a_row_edited_inserted_or_deleted_during_the_sweep_is_not_lost(
    kommo: Kommo, stream: str
) -> None:
    rows = table_of(kommo, stream)
    kommo.options.page_cap = 20
    untouched = set(rows.rows)

    def after_request(_api: Api, _rng: random.Random) -> None:
        kommo.clock.advance(1)
        # An edited row is newer than the start of this run, and may be left to the next one.
        untouched.difference_update(rows.edit(2), rows.delete(1))
        rows.insert(1)

    table = Table()
    kommo.after_request = after_request
    first = read(kommo, stream)
    kommo.after_request = None
    table.load(first.messages)
    seen = {record["id"] for record in first.records(stream)}
    assert untouched <= seen
    table.load(read(kommo, stream, state=first.state).messages)
    current = [r for r in table.rows[stream].values() if r["id"] not in rows.removed]
    assert_equal(current, listed_rows(kommo, stream), zeros=ZEROS)


@pytest.mark.parametrize("stream", PEOPLE)
def test_rows_of_one_second_are_read_whole(kommo: Kommo, stream: str) -> None:
    table_of(kommo, stream).insert(600, at=kommo.clock.now() - 3 * DAY)
    kommo.options.page_cap = 50
    records = read(kommo, stream).records(stream)
    assert {record["id"] for record in records} == set(table_of(kommo, stream).rows)


def test_contacts_of_incoming_leads_come_once_these_are_accepted(kommo: Kommo) -> None:
    kommo.options.hidden_contacts = True
    contacts = kommo.contacts.rows
    hidden = {number for number, contact in contacts.items() if contact["is_unsorted"]}
    first = read(kommo, "kommo_contacts")
    assert hidden
    assert {r["id"] for r in first.records("kommo_contacts")} == set(contacts) - hidden
    accepted = sorted(hidden)[:3]
    kommo.contacts.edit(accepted, is_unsorted=False)
    again = read(kommo, "kommo_contacts", state=first.state)
    assert set(accepted) <= {r["id"] for r in again.records("kommo_contacts")}


def test_contacts_are_asked_for_what_with_can_add(kommo: Kommo) -> None:
    read(kommo, "kommo_contacts")
    assert set(kommo.journal[0].query["with"][0].split(",")) == set(CONTACT.needs)
    assert all(re.search("/contacts$", request.path) for request in kommo.journal)
