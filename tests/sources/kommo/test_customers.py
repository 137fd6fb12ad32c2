"""Kommo's customers, with their statuses, segments and purchases."""

from __future__ import annotations

import json
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.catalogs import catalog_for
from tests.support.hashing import KEY, sha
from tests.support.kommo_streams import assert_equal, count_requests
from tests.support.logs import warnings
from tests.support.run import Table, read, read_default_streams, sync
from tests.support.settings import DAY, settings_for

if TYPE_CHECKING:
    import random

    from sandbox import Api, Sandbox
    from sandbox.kommo.api import Kommo

CUSTOMERS = "kommo_customers"
PATHS = {
    "kommo_customers": "customers",
    "kommo_customer_statuses": "customers/statuses",
    "kommo_customer_segments": "customers/segments",
    "kommo_customer_transactions": "customers/transactions",
}
ZEROS = ("closest_task_at",)


@pytest.fixture
def kommo(box: Sandbox) -> Kommo:
    box.clock.freeze()
    box.kommo.options.customers_mode = "periodicity"
    return box.kommo


@pytest.mark.parametrize("stream", PATHS)
def test_every_row_arrives_once_with_what_its_source_has(kommo: Kommo, stream: str) -> None:
    records = read(kommo, stream).records(stream)
    assert records
    assert_equal(records, kommo.tables[PATHS[stream]].rendered(base=kommo.url), zeros=ZEROS)
    assert {record["extra"] for record in records} == {None}


def test_a_customer_has_what_it_is_linked_to(kommo: Kommo) -> None:
    records = read(kommo, CUSTOMERS).records(CUSTOMERS)
    for name in ("contacts", "companies", "segments", "catalog_elements", "tags"):
        assert any(json.loads(record[name]) for record in records), name


@pytest.mark.parametrize("stream", ["kommo_contacts", "kommo_companies"])
def test_contacts_and_companies_name_their_customers(kommo: Kommo, stream: str) -> None:
    kommo.options.hidden_contacts = False
    name = stream.removeprefix("kommo_")
    run = read(kommo, stream, CUSTOMERS)
    theirs = {
        (customer["id"], link["id"])
        for customer in run.records(CUSTOMERS)
        for link in json.loads(customer[name])
    }
    ours = {
        (link["id"], record["id"])
        for record in run.records(stream)
        for link in json.loads(record["customers"])
    }
    assert ours == theirs != set()


def test_customers_are_read_by_the_time_of_their_change(kommo: Kommo) -> None:
    kommo.tables["customers"].insert(600, at=kommo.clock.now() - 9 * DAY)
    first = read(kommo, CUSTOMERS)
    kommo.clock.advance(DAY)
    kommo.journal.clear()
    runs = [read(kommo, CUSTOMERS, state=first.state) for _ in range(2)]
    assert len(kommo.journal) == 2 * 2  # the account, and the customers
    one, other = (sorted(run.records(CUSTOMERS), key=itemgetter("id")) for run in runs)
    assert one == other
    assert runs[0].state == runs[1].state == first.state
    edited = kommo.tables["customers"].edit(5)
    again = read(kommo, CUSTOMERS, state=first.state)
    assert set(edited) <= {record["id"] for record in again.records(CUSTOMERS)}
    assert len(again.records(CUSTOMERS)) < 20


def test_an_account_that_neither_filters_nor_sorts_customers_is_read_whole(
    kommo: Kommo, caplog: pytest.LogCaptureFixture
) -> None:
    kommo.tables["customers"].insert(1000, at=kommo.clock.now() - 9 * DAY)
    kommo.options.customers_filters = False
    first = read(kommo, CUSTOMERS)
    rows = {record["id"]: record for record in first.records(CUSTOMERS)}
    rendered = kommo.tables["customers"].rendered(base=kommo.url)
    assert_equal(list(rows.values()), rendered, zeros=ZEROS)
    assert "the API ignored the requested filter" in caplog.text
    edited = kommo.tables["customers"].edit(3)
    again = read(kommo, CUSTOMERS, state=first.state)
    assert set(edited) <= {record["id"] for record in again.records(CUSTOMERS)}
    assert len(again.records(CUSTOMERS)) < 20


@pytest.mark.parametrize("filters", [True, False])
def test_customers_and_purchases_changed_while_they_are_read_are_whole_after_the_next_run(
    kommo: Kommo, *, filters: bool
) -> None:
    kommo.options.page_cap, kommo.options.customers_filters = 20, filters
    customers, purchases = kommo.tables["customers"], kommo.tables["customers/transactions"]
    customers.insert(100, at=kommo.clock.now() - DAY)
    streams = {CUSTOMERS: customers, "kommo_customer_transactions": purchases}

    def after_request(_api: Api, _rng: random.Random) -> None:
        kommo.clock.advance(1)
        for rows in streams.values():
            rows.edit(2)
            rows.insert(1)
            rows.delete(1)

    table = Table()
    kommo.after_request = after_request
    first = read(kommo, *streams)
    kommo.after_request = None
    table.load(first.messages)
    table.load(read(kommo, *streams, state=first.state).messages)
    for stream, rows in streams.items():
        kept = [row for row in table.rows[stream].values() if row["id"] not in rows.removed]
        assert_equal(kept, rows.rendered(base=kommo.url), zeros=ZEROS)


# Accounts without customers


@pytest.mark.parametrize("mode", ["unavailable", "disabled"])
def test_an_account_without_customers_is_not_asked_for_them_and_gets_no_warning(
    kommo: Kommo, caplog: pytest.LogCaptureFixture, mode: Any
) -> None:
    kommo.options.customers_mode = mode
    run = read(kommo, *PATHS)
    assert not any(run.records(stream) for stream in PATHS)
    assert not any("/customers" in request.path for request in kommo.journal)
    assert len(kommo.journal) == 1
    assert warnings(caplog) == []


@pytest.mark.parametrize("mode", ["periodicity", "segments", "dynamic"])
def test_every_other_mode_is_one_with_customers(kommo: Kommo, mode: Any) -> None:
    kommo.options.customers_mode = mode
    run = read(kommo, *PATHS)
    assert all(run.records(stream) for stream in PATHS)
    assert count_requests(kommo, "account") == 1


def test_a_default_run_knows_the_mode_without_a_request_of_its_own(kommo: Kommo) -> None:
    kommo.options.customers_mode = "disabled"
    read_default_streams(kommo)
    assert count_requests(kommo, "account") == 1
    assert not any("/customers" in request.path for request in kommo.journal)


def test_an_account_that_does_not_tell_its_mode_is_asked_for_customers(kommo: Kommo) -> None:
    kommo.options.refused = {"account": 403}
    run = read(kommo, CUSTOMERS)
    assert len(run.records(CUSTOMERS)) == len(kommo.tables["customers"].rows)


def test_customers_of_which_the_tariff_has_only_some_lists_are_read_as_far_as_they_go(
    kommo: Kommo, caplog: pytest.LogCaptureFixture
) -> None:
    kommo.options.refused = {"customers/segments": 402, "customers/transactions": 405}
    run = read(kommo, *PATHS)
    assert len(warnings(caplog)) == 2
    assert run.records(CUSTOMERS)
    assert run.records("kommo_customer_statuses")
    assert not run.records("kommo_customer_segments")


# Custom fields


def test_custom_fields_of_customers_are_columns(kommo: Kommo) -> None:
    run = read(kommo, CUSTOMERS, custom_fields="columns")
    columns = run.schemas[CUSTOMERS]["schema"]["properties"]
    fields = kommo.tables["customers/custom_fields"].rows
    assert {f"cf_{number}" for number in fields} <= set(columns)
    values = [record["cf_1929207"] for record in run.records(CUSTOMERS)]
    assert any(value is not None for value in values)
    assert any(record["cf_1929203_enum_id"] for record in run.records(CUSTOMERS))


def test_fields_of_customers_are_not_asked_for_where_there_are_none(
    kommo: Kommo, caplog: pytest.LogCaptureFixture
) -> None:
    kommo.options.customers_mode = "disabled"
    read(kommo, "kommo_leads", CUSTOMERS, custom_fields="columns")
    assert not any("/customers" in request.path for request in kommo.journal)
    assert count_requests(kommo, "account") == 1
    assert warnings(caplog) == []


def test_fields_of_customers_that_cannot_be_listed_are_warned_about(
    kommo: Kommo, caplog: pytest.LogCaptureFixture
) -> None:
    kommo.options.refused = {"customers/custom_fields": 402}
    run = read(kommo, CUSTOMERS, custom_fields="columns")
    assert run.records(CUSTOMERS)
    (line,) = warnings(caplog)
    assert line.startswith("kommo_customers, account acme: cannot list the custom fields; ")


# Personal data


@pytest.mark.parametrize("form", ["text", "native"])
@pytest.mark.parametrize("fields", ["json", "columns"])
def test_a_phone_of_a_customer_and_a_comment_are_nowhere_once_they_are_private(
    kommo: Kommo, fields: str, form: str
) -> None:
    canary = "+1 555-canary"
    phone = {"field_id": 1_929_205, "field_name": "Phone", "field_code": "PHONE",
             "field_type": "multitext", "values": [{"value": canary, "enum_id": 1}]}  # fmt: skip
    kommo.tables["customers"].insert(1, custom_fields_values=[phone], name=canary)
    kommo.tables["customers/transactions"].insert(1, comment=canary)
    config: dict[str, Any] = {
        "kommo": settings_for(kommo, custom_fields=fields),
        "hash_fields": ["phone", "kommo_customers.name", "comment"],
        "hash_key": KEY,
        "nested_values": form,
    }
    run = sync(config, catalog=catalog_for(*PATHS))
    assert run.code == 0
    emitted = json.dumps([m for m in run.messages if m["type"] == "RECORD"], default=str)
    assert "canary" not in emitted
    assert sha(canary) in {row["name"] for row in run.records(CUSTOMERS)}
