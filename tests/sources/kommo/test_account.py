"""Streams of Kommo's account, and responses that several streams read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from sandbox import faults
from sandbox.kommo.event_types import TYPES
from sandbox.kommo.reference import BRANDS
from tests.support.kommo_streams import count_requests
from tests.support.run import read, read_default_streams

if TYPE_CHECKING:
    from sandbox.kommo.api import Kommo

OF_ACCOUNT = ("kommo_account", "kommo_user_groups", "kommo_task_types")
OF_PIPELINES = ("kommo_pipelines", "kommo_stages")
OF_LISTS = ("kommo_lists", "kommo_list_fields", "kommo_list_elements")


def test_groups_and_task_types_are_rows_and_in_the_account(kommo: Kommo) -> None:
    run = read(kommo, *OF_ACCOUNT)
    (account,) = run.records("kommo_account")
    for stream, column in (
        ("kommo_user_groups", "users_groups"),
        ("kommo_task_types", "task_types"),
    ):
        rows = [
            {name: row[name] for name in row if name not in {"account", "extra"}}
            for row in run.records(stream)
        ]
        assert rows
        assert rows == json.loads(account[column])


def test_the_account_says_if_it_has_customers_and_where_its_files_are(kommo: Kommo) -> None:
    (account,) = read(kommo, "kommo_account").records("kommo_account")
    assert account["customers_mode"] == "disabled"
    assert (account["is_helpbot_enabled"], account["is_technical_account"]) == (False, True)
    assert account["amojo_id"].startswith("f3c6340d-")
    assert account["drive_url"].endswith("/drive")
    assert json.loads(account["invoices_settings"]) == {"lang": "en", "currency": "USD"}


def test_a_user_has_the_id_that_messages_refer_to(kommo: Kommo) -> None:
    users = {row["id"]: row["amojo_id"] for row in kommo.users.rendered()}
    for record in read(kommo, "kommo_users").records("kommo_users"):
        assert record["amojo_id"] == users[record["id"]]


def test_every_event_type_has_a_name(kommo: Kommo) -> None:
    run = read(kommo, "kommo_event_types")
    assert run.schemas["kommo_event_types"]["key_properties"] == ["account", "key"]
    records = run.records("kommo_event_types")
    assert [record["key"] for record in records] == list(TYPES)
    assert all(record["lang"] for record in records)


@pytest.mark.parametrize("workers", [1, 8])
def test_streams_of_one_response_ask_for_it_once(kommo: Kommo, workers: int) -> None:
    run = read(kommo, *OF_ACCOUNT, *OF_PIPELINES, *OF_LISTS, concurrency=workers)
    for path in ("account", "leads/pipelines", "catalogs"):
        assert count_requests(kommo, path) == 1
    assert all(run.records(stream) for stream in (*OF_ACCOUNT, *OF_PIPELINES, *OF_LISTS))


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("fault", ["truncate", "half_json200", 503])
def test_a_response_that_fails_is_not_shared(kommo: Kommo, fault: str | int) -> None:
    kommo.faults.plan(fault)
    run = read(kommo, *OF_PIPELINES)
    assert all(run.records(stream) for stream in OF_PIPELINES)
    assert count_requests(kommo, "leads/pipelines") == 2


def test_an_empty_response_is_not_shared(kommo: Kommo) -> None:
    kommo.faults.plan(faults.early_204(), after=1)
    run = read(kommo, "kommo_account", *OF_LISTS)
    assert run.records("kommo_lists")
    assert run.records("kommo_list_fields")


def test_an_account_is_asked_again_in_the_next_run(kommo: Kommo) -> None:
    first = read(kommo, *OF_PIPELINES)
    (pipeline,) = kommo.pipelines.edit(1, name="Neu")
    again = read(kommo, *OF_PIPELINES, state=first.state)
    assert {row["id"]: row["name"] for row in again.records("kommo_pipelines")}[pipeline] == "Neu"


def test_a_default_run_asks_for_each_list_once_and_for_an_empty_one_twice(kommo: Kommo) -> None:
    read_default_streams(kommo)
    paths = [request.path.partition("/api/v4/")[2] for request in kommo.journal]
    empty = {"tasks", "talks", "leads/unsorted"}
    empty.add(f"catalogs/{BRANDS}/custom_fields")
    of_deleted = {"leads", "contacts", "companies"}  # and of those that are not deleted
    for path in set(paths) - of_deleted - {"events"}:
        assert paths.count(path) == (2 if path in empty else 1), path
