"""Custom fields of Kommo: which have columns, and which values are emitted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Sandbox
from tap_leads.tap import TapLeads
from tests.support.catalogs import catalog_for
from tests.support.kommo_fields import (
    NEW_YEAR,
    OPTION,
    a_lead_with,
    columns_in,
    entry,
    row_of,
    with_columns,
)
from tests.support.run import sync
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from sandbox.kommo.api import Kommo

FIELDED = ("kommo_leads", "kommo_contacts", "kommo_companies", "kommo_list_elements")
PEOPLE = catalog_for("kommo_contacts", "kommo_companies")


# The catalog


def test_credentials_add_columns_of_custom_fields_to_the_catalog_and_nothing_else(
    kommo: Kommo,
) -> None:
    config = with_columns(kommo)
    with_them = TapLeads(config=config).catalog_dict
    del config["kommo"]["access_token"]
    without = TapLeads(config=config, validate_config=False).catalog_dict
    for each in with_them["streams"]:
        properties = each["schema"]["properties"]
        fielded = {name for name in properties if name.startswith("cf_")}
        assert bool(fielded) == (each["stream"] in FIELDED)
        for name in fielded:
            del properties[name]
        each["metadata"] = [m for m in each["metadata"] if not fielded & {*m["breadcrumb"]}]
    assert with_them == without
    assert kommo.journal


def test_as_json_nobody_asks_for_the_fields(kommo: Kommo) -> None:
    a_lead_with(kommo, "text", "a")
    run = sync({"kommo": settings_for(kommo)})
    assert columns_in(run) == {}
    assert not any("custom_fields" in request.path for request in kommo.journal)


# Deselected and hashed


def one_deselected(*names: str) -> dict[str, Any]:
    catalog = catalog_for("kommo_leads")
    for each in catalog["streams"]:
        each["metadata"] += [
            {"breadcrumb": ["properties", name], "metadata": {"selected": False}} for name in names
        ]
    return catalog


@pytest.mark.parametrize("nested", ["text", "native"])
@pytest.mark.parametrize("listed", [True, False])
def test_of_a_field_that_is_deselected_nothing_leaves(
    kommo: Kommo, nested: str, listed: bool
) -> None:
    name, lead_id = a_lead_with(kommo, "text", "secret")
    kept = entry(int(name[3:]) - 2, "text", "open")
    customs = kommo.leads[lead_id]["custom_fields_values"]
    kommo.edit([lead_id], custom_fields_values=[*customs, kept])
    if not listed:
        kommo.options.forbidden = ("leads/custom_fields",)
    run = sync({**with_columns(kommo), "nested_values": nested}, catalog=one_deselected(name))
    told = json.dumps(run.messages, default=str)
    assert "secret" not in told
    assert "open" in told
    assert name not in columns_in(run)


def test_an_id_of_an_option_that_is_deselected_is_nowhere(kommo: Kommo) -> None:
    name, lead_id = a_lead_with(kommo, "select", OPTION)
    run = sync(with_columns(kommo), catalog=one_deselected(f"{name}_enum_id"))
    assert row_of(run, lead_id)[name] == "VIP"
    assert "867972" not in json.dumps(run.records("kommo_leads"), default=str)


@pytest.mark.parametrize("nested", ["text", "native"])
@pytest.mark.parametrize("mode", ["columns", "json"])
def test_a_field_that_is_hashed_is_so_wherever_it_is(kommo: Kommo, nested: str, mode: str) -> None:
    name, lead_id = a_lead_with(kommo, "select", OPTION)
    hashing = {"hash_fields": [name], "hash_key": "k", "nested_values": nested}
    run = sync({"kommo": settings_for(kommo, custom_fields=mode), **hashing})
    row = row_of(run, lead_id)
    told = json.dumps(row, default=str)
    assert "VIP" not in told
    assert "867972" not in told
    if mode == "columns":
        assert len(row[name]) == 64
        assert row[name] in json.dumps(row["custom_fields_values"])


def test_a_number_that_is_hashed_is_a_text_in_every_run(kommo: Kommo) -> None:
    name, lead_id = a_lead_with(kommo, "numeric", "7")
    config = {**with_columns(kommo), "hash_fields": [f"kommo_leads.{name}"], "hash_key": "k"}
    first = sync(config)
    again = sync(config, first.state)
    assert columns_in(again)[name]["type"] == ["null", "string"]
    assert row_of(again, lead_id) == row_of(first, lead_id)


# Contacts, companies, accounts


def test_contacts_and_companies_have_columns_too(box: Sandbox) -> None:
    box.kommo.tables["contacts/custom_fields"].grow(20)
    run = sync(with_columns(box.kommo), catalog=PEOPLE)
    for stream in ("contacts", "companies"):
        ids = {f"cf_{row['id']}" for row in box.kommo.tables[f"{stream}/custom_fields"].rendered()}
        columns = columns_in(run, f"kommo_{stream}")
        assert {name for name in columns if "enum" not in name} == ids
        rows = {row["id"]: row for row in run.records(f"kommo_{stream}")}
        filled = 0
        for person in box.kommo.tables[stream].rendered():
            for custom in person["custom_fields_values"] or ():
                if custom["values"] and person["id"] in rows:
                    assert rows[person["id"]][f"cf_{custom['field_id']}"] is not None
                    filled += 1
        assert filled


@pytest.mark.parametrize("hidden", ["hashed", "deselected"])
def test_phones_stay_what_they_are_where_only_their_custom_field_is_hidden(
    box: Sandbox, hidden: str
) -> None:
    catalog = catalog_for("kommo_contacts")
    hashing = {"hash_fields": ["phone"], "hash_key": "k"}
    plain = sync({**with_columns(box.kommo), **hashing}, catalog=catalog).records("kommo_contacts")
    if hidden == "hashed":
        hashing["hash_fields"] = ["phone", "cf_1929001"]
    else:
        column = {"breadcrumb": ["properties", "cf_1929001"], "metadata": {"selected": False}}
        for each in catalog["streams"]:
            each["metadata"].append(column)
    rows = sync({**with_columns(box.kommo), **hashing}, catalog=catalog).records("kommo_contacts")
    names = ("id", "phone", "phones", "email")
    assert {tuple(row[n] for n in names) for row in rows} == {
        tuple(row[n] for n in names) for row in plain
    }
    assert any(row["phone"] for row in rows)


def test_a_hash_of_phones_does_not_depend_on_what_else_is_hashed(box: Sandbox) -> None:
    found = []
    for fields in (["cf_1929001"], ["cf_1929001", "phone"]):
        hashing = {"hash_fields": fields, "hash_key": "k"}
        run = sync({**with_columns(box.kommo), **hashing}, catalog=catalog_for("kommo_contacts"))
        found.append({row["id"]: row["cf_1929001"] for row in run.records("kommo_contacts")})
    assert found[0] == found[1]
    assert any(found[0].values())


def test_accounts_with_different_fields_share_a_table(kommo: Kommo) -> None:
    with Sandbox(leads=0, seed=8) as box:
        other = box.kommo
        other.options.rate_limit = None
        mine, my_lead = a_lead_with(kommo, "numeric", "7")
        theirs, their_lead = a_lead_with(other, "date", NEW_YEAR, id=3_000_001)
        other.options.timezone = "America/New_York"
        accounts = [
            {"name": "mine", **settings_for(kommo)},
            {"name": "theirs", **settings_for(other)},
        ]
        run = sync({"kommo": {"accounts": accounts, "custom_fields": "columns"}})
        rows = {row["account"]: row for row in run.records("kommo_leads")}
        assert rows["mine"]["id"] == my_lead
        assert rows["theirs"]["id"] == their_lead
        assert mine != theirs
        assert (rows["mine"][mine], rows["mine"][theirs]) == (7, None)
        assert (rows["theirs"][mine], rows["theirs"][theirs]) == (None, "2025-12-31")


def test_fields_of_one_id_in_two_accounts_share_a_column_of_one_type(kommo: Kommo) -> None:
    with Sandbox(leads=0, seed=8) as box:
        box.kommo.options.rate_limit = None
        mine, _ = a_lead_with(kommo, "text", "some")
        theirs, _ = a_lead_with(box.kommo, "numeric", "8")
        assert mine == theirs
        accounts = [
            {"name": "mine", **settings_for(kommo)},
            {"name": "theirs", **settings_for(box.kommo)},
        ]
        run = sync({"kommo": {"accounts": accounts, "custom_fields": "columns"}})
        rows = {row["account"]: row for row in run.records("kommo_leads")}
        assert columns_in(run)[mine]["type"] == ["null", "number"]
        assert (rows["mine"][mine], rows["theirs"][mine]) == (None, 8)
        assert json.loads(rows["mine"]["extra"]) == {mine: "some"}


def test_an_account_may_have_columns_where_another_has_none(kommo: Kommo) -> None:
    with Sandbox(leads=0, seed=8) as box:
        box.kommo.options.rate_limit = None
        mine, _ = a_lead_with(kommo, "numeric", "7")
        a_lead_with(box.kommo, "numeric", "8")
        accounts = [
            {"name": "mine", **settings_for(kommo), "custom_fields": "columns"},
            {"name": "theirs", **settings_for(box.kommo)},
        ]
        run = sync({"kommo": {"accounts": accounts}})
        rows = {row["account"]: row for row in run.records("kommo_leads")}
        assert (rows["mine"][mine], rows["theirs"][mine]) == (7, None)
