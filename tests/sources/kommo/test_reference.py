"""Kommo's reference data: pipelines, stages, users, fields, tags and so on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from sandbox.kommo.reference import ARCHIVED
from tap_leads.sources.kommo import KOMMO
from tap_leads.tap import TapLeads
from tests.support.catalogs import catalog_for
from tests.support.kommo_streams import assert_equal, count_requests
from tests.support.moments import FORMATS
from tests.support.run import read, sync
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from sandbox import Sandbox
    from sandbox.kommo.api import Kommo

TABLES = {
    "kommo_pipelines": "leads/pipelines",
    "kommo_users": "users",
    "kommo_roles": "roles",
    "kommo_lead_fields": "leads/custom_fields",
    "kommo_contact_fields": "contacts/custom_fields",
    "kommo_company_fields": "companies/custom_fields",
    "kommo_loss_reasons": "leads/loss_reasons",
    "kommo_tags": "leads/tags",
    "kommo_contact_tags": "contacts/tags",
    "kommo_company_tags": "companies/tags",
    "kommo_sources": "sources",
    "kommo_website_buttons": "website_buttons",
    "kommo_lists": "catalogs",
}
OF_LISTS = ("kommo_list_fields", "kommo_list_elements")
ALWAYS = (
    "kommo_account",
    "kommo_user_groups",
    "kommo_task_types",
    "kommo_stages",
    "kommo_event_types",
    *TABLES,
)
NOT_BY_DEFAULT = {
    "kommo_lead_notes",
    "kommo_contact_notes",
    "kommo_company_notes",
    "kommo_list_elements",
    "kommo_lead_events",
    "kommo_events",
    "kommo_messages",
}
NAMES: list[str] = [stream.name for stream in KOMMO.streams]
KEYS = {
    "kommo_talks": ["talk_id"],
    "kommo_stages": ["pipeline_id", "id"],
    "kommo_list_fields": ["catalog_id", "id"],
    "kommo_incoming_leads": ["uid"],
    "kommo_event_types": ["key"],
    "kommo_website_buttons": ["source_id"],
}
INCREMENTAL = {
    "kommo_leads": "updated_at",
    "kommo_lead_stage_changes": "changed_at",
    "kommo_lead_events": "created_at",
    "kommo_contacts": "updated_at",
    "kommo_companies": "updated_at",
    "kommo_messages": "created_at",
    "kommo_tasks": "updated_at",
    "kommo_lead_notes": "updated_at",
    "kommo_contact_notes": "updated_at",
    "kommo_company_notes": "updated_at",
    "kommo_events": "created_at",
    "kommo_customers": "updated_at",
}


@pytest.fixture
def kommo(box: Sandbox) -> Kommo:
    return box.kommo


@pytest.mark.parametrize("stream", TABLES)
def test_a_small_list_arrives_with_all_that_its_source_has(kommo: Kommo, stream: str) -> None:
    hidden = {"descriptions", "script"}
    rows = kommo.tables[TABLES[stream]].rendered(base=kommo.url)
    for row in rows:
        for part in (row, *row.get("_embedded", {}).get("statuses", ())):
            for name in hidden & part.keys():
                del part[name]
    assert_equal(read(kommo, stream).records(stream), rows, *KEYS.get(stream, ()))


def test_names_are_as_people_wrote_them(kommo: Kommo) -> None:
    run = read(kommo, *TABLES)
    names = {record["name"] for stream in TABLES for record in run.records(stream)}
    assert {"Wiederkäufe & 紹介 🔁", "Архив 2019", "Yara O'Neil 🦊", "Nur Lesen 👀"} <= names


@pytest.mark.parametrize("form", ["text", "native"])
def test_every_row_of_every_stream_keeps_its_schema(kommo: Kommo, form: str) -> None:
    kommo.delete(2)
    kommo.contacts.edit(3, name="Renamed")
    kommo.contacts.delete(1)
    kommo.companies.delete(1)
    kommo.options.customers_mode = "periodicity"
    run = read(kommo, *NAMES, nested_values=form)
    assert set(run.schemas) == set(NAMES)
    for name, message in run.schemas.items():
        validator = Draft202012Validator(message["schema"], format_checker=FORMATS)
        records = run.records(name)
        assert records
        for record in records:
            assert [error.message for error in validator.iter_errors(record)] == []
            assert list(record) == list(message["schema"]["properties"])


def test_an_empty_list_where_an_object_is_due_is_null_in_the_native_form(kommo: Kommo) -> None:
    """PHP encodes an empty object as `[]`, as in notes without parameters."""
    run = read(kommo, "kommo_lead_notes", nested_values="native")
    notes = run.records("kommo_lead_notes")
    empty = [note for note in notes if note["note_type"] == "link_followed"]
    assert empty
    assert all(note["params"] is None for note in empty)
    assert {note["extra"] for note in notes} == {None}


@pytest.mark.parametrize("cap", [None, 100])
@pytest.mark.parametrize(
    "stream", ["kommo_users", "kommo_lead_fields", "kommo_loss_reasons", "kommo_tags"]
)
def test_a_thousand_rows_are_read_to_the_end(kommo: Kommo, stream: str, cap: int | None) -> None:
    table = kommo.tables[TABLES[stream]]
    kommo.options.page_cap = cap
    table.grow(1000)
    records = read(kommo, stream).records(stream)
    assert len(records) == 1000
    assert {record["id"] for record in records} == set(table.rows)


@pytest.mark.parametrize(
    "hidden",
    [range(0, 1200, 10), range(0, 1200, 3), range(10, 250), range(255, 500), range(5, 1195)],
)
def test_a_page_that_lacks_rows_and_has_a_next_link_is_not_the_end(
    kommo: Kommo, hidden: range
) -> None:
    tags = kommo.tables["leads/tags"]
    tags.grow(1200)
    kommo.options.hidden_places = tuple(hidden)
    shown = {row for place, row in enumerate(tags.rows) if place not in hidden}
    records = read(kommo, "kommo_tags").records("kommo_tags")
    assert {record["id"] for record in records} == shown
    assert len(records) == len(shown)
    assert len(kommo.journal) <= 21


def test_rows_that_come_and_go_while_a_list_is_read_cost_no_other(kommo: Kommo) -> None:
    tags = kommo.tables["leads/tags"]
    tags.grow(1000)
    lasting = set(list(tags.rows)[20:])
    gone = iter(list(tags.rows)[:20])

    def after_request(_api: Any, _rng: Any) -> None:
        tags.delete([each for each in (next(gone, None), next(gone, None)) if each])
        tags.insert(1)

    kommo.after_request = after_request
    records = read(kommo, "kommo_tags").records("kommo_tags")
    assert lasting <= {record["id"] for record in records}


def test_won_and_lost_are_in_every_pipeline_with_a_key_of_their_own(kommo: Kommo) -> None:
    run = read(kommo, "kommo_pipelines", "kommo_stages")
    assert run.schemas["kommo_stages"]["key_properties"] == ["account", "pipeline_id", "id"]
    stages = run.records("kommo_stages")
    rows = kommo.stages.rendered(base=kommo.url)
    for row in rows:
        row.pop("descriptions", None)
    assert_equal(stages, rows, "pipeline_id", "id")
    for pipeline in run.records("kommo_pipelines"):
        own = {stage["id"] for stage in stages if stage["pipeline_id"] == pipeline["id"]}
        assert {142, 143} <= own


def test_archived_pipelines_and_their_stages_are_read(kommo: Kommo) -> None:
    run = read(kommo, "kommo_pipelines", "kommo_stages")
    archived = [p["id"] for p in run.records("kommo_pipelines") if p["is_archive"]]
    assert archived == [ARCHIVED]
    assert any(stage["pipeline_id"] == ARCHIVED for stage in run.records("kommo_stages"))


def test_a_small_list_is_read_whole_in_each_run(kommo: Kommo) -> None:
    first = read(kommo, "kommo_tags")
    (tag,) = kommo.tables["leads/tags"].edit(1, name="Neu")
    again = read(kommo, "kommo_tags", state=first.state)
    assert len(again.records("kommo_tags")) == len(first.records("kommo_tags"))
    assert {r["id"]: r["name"] for r in again.records("kommo_tags")}[tag] == "Neu"


def test_a_user_says_which_rights_it_has(kommo: Kommo) -> None:
    rows = {row["id"]: row["rights"] for row in kommo.users.rendered()}
    for record in read(kommo, "kommo_users").records("kommo_users"):
        told = {n: record[n] for n in ("is_active", "is_admin", "group_id", "role_id")}
        assert told == {name: rows[record["id"]][name] for name in told}
        assert json.loads(record["rights"]) == rows[record["id"]]


def test_the_account_says_its_currency_and_time_zone(kommo: Kommo) -> None:
    (account,) = read(kommo, "kommo_account").records("kommo_account")
    assert (account["account"], account["subdomain"]) == ("acme", "example")
    assert (account["currency"], account["is_api_filter_enabled"]) == ("USD", True)
    assert json.loads(account["datetime_settings"])["timezone"] == "UTC"
    assert {kind["id"] for kind in json.loads(account["task_types"])} == {1, 2, 3}


def test_an_integration_without_sources_has_no_rows(kommo: Kommo) -> None:
    kommo.sources.delete(list(kommo.sources.rows))
    assert read(kommo, "kommo_sources").records("kommo_sources") == []


def test_sources_are_those_of_the_own_integration_alone(kommo: Kommo) -> None:
    run = read(kommo, "kommo_sources", "kommo_leads")
    listed = {source["id"] for source in run.records("kommo_sources")}
    used = {lead["source_id"] for lead in run.records("kommo_leads") if lead["source_id"]}
    assert used - listed  # the names of the others are in `source` of each lead
    description = run.schemas["kommo_sources"]["schema"]["properties"]["id"]["description"]
    assert "own integration" in description


# The catalog


def test_what_ids_mean_comes_before_the_leads(kommo: Kommo) -> None:
    run = sync({"kommo": settings_for(kommo)}, catalog=catalog_for(*NAMES))
    order = [m["stream"] for m in run.messages if m["type"] == "SCHEMA"]
    assert order == NAMES
    assert set(order[: order.index("kommo_leads")]) == {*ALWAYS, *OF_LISTS}


def test_all_but_the_largest_streams_are_selected_by_default(kommo: Kommo) -> None:
    run = sync({"kommo": settings_for(kommo)}, catalog=None)
    assert set(run.schemas) == set(NAMES) - NOT_BY_DEFAULT


def test_the_catalog_is_the_same_with_and_without_credentials(kommo: Kommo) -> None:
    without = TapLeads(config={"kommo": {"subdomain": "acme"}}, validate_config=False)
    entries = TapLeads(config={"kommo": settings_for(kommo)}).catalog_dict
    assert without.catalog_dict == entries
    assert kommo.journal == []
    for entry in entries["streams"]:
        name = entry["tap_stream_id"]
        assert entry.get("replication_key") == INCREMENTAL.get(name)
        assert list(entry["key_properties"]) == ["account", *KEYS.get(name, ["id"])]


def test_a_list_that_does_not_change_costs_a_request(kommo: Kommo) -> None:
    read(kommo, *ALWAYS)
    for path in ("account", *TABLES.values()):
        assert count_requests(kommo, path) == 1
