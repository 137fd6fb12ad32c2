"""Records: every lead as its source holds it, in the form that every Singer target loads."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from sandbox.octanist.leads import CLICK_IDS
from tests.support.moments import FORMATS, moment
from tests.support.run import read
from tests.support.settings import CREDENTIALS, SOURCES

if TYPE_CHECKING:
    from sandbox import Sandbox

Lead = dict[str, Any]
FORMS = ["text", "native"]


def exact(value: float | None) -> Decimal | None:
    """A number as it stands in JSON, with a decimal point."""
    return None if value is None else Decimal(repr(float(value)))


def clean(value: str | None) -> str | None:
    """A text as a database takes it."""
    return None if value is None else value.replace("\x00", "")


def as_text(value: Any) -> str | None:
    """A value of any kind as text: itself if it is one, else its JSON."""
    if value is None or isinstance(value, str):
        return clean(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def kommo_row(lead: Lead, form: str) -> Lead:
    """What becomes of a lead of Kommo."""
    row = {name: value for name, value in lead.items() if not name.startswith("_")}
    row["name"] = clean(lead["name"])
    row["price_with_minor_units"] = exact(lead["price_with_minor_units"])
    for name in ("created_at", "updated_at", "closed_at", "closest_task_at"):
        row[name] = moment(lead[name])
    for name in ("loss_reason_id", "source_id", "score"):
        row[name] = lead[name] or None
    row |= lead["_embedded"]
    if form == "native":
        row["custom_fields_values"] = native_custom_fields(lead["custom_fields_values"])
        for reason in row["loss_reason"]:
            reason |= {name: moment(reason[name]) for name in ("created_at", "updated_at")}
    return row


def native_custom_fields(fields: list[Lead] | None) -> list[Lead] | None:
    """Custom fields with every key that is declared, and each value as text."""
    keys = ("value", "enum_id", "enum_code", "catalog_id", "catalog_element_id")
    if fields is None:
        return None
    return [
        field
        | {
            "values": [
                dict.fromkeys(keys) | value | {"value": as_text(value.get("value"))}
                for value in field["values"]
            ]
        }
        for field in fields
    ]


def dashly_row(lead: Lead, form: str) -> Lead:
    """What becomes of a lead of Dashly or Carrot quest."""
    props = lead["props"]
    events: dict[str, Lead] = {}
    for name, value in props.items():
        if found := re.fullmatch(r"\$event_(\d+)_(first|last|count)", name):
            nothing = {"event_id": found[1], "first": None, "last": None, "count": None}
            event = events.setdefault(found[1], nothing)
            event[found[2]] = value if found[2] == "count" else moment(value, "Z")
    texts = {name: as_text(value) for name, value in props.items()}
    return {
        "id": str(lead["id"]),
        "presence": lead["presence"],
        **{name: texts.get(f"${name}") for name in ("name", "email", "phone")},
        **{name: moment(props.get(f"${name}"), "Z") for name in ("last_seen", "last_contacted")},
        "sessions": props.get("$sessions"),
        "events": list(events.values()) or None,
        "props": texts if form == "native" else props,
    }


def octanist_row(lead: Lead, _form: str) -> Lead:
    """What becomes of a lead of Octanist."""
    row = {re.sub("[A-Z]", lambda x: f"_{x[0].lower()}", name): lead[name] for name in lead}
    row["value"] = exact(lead["value"])
    for name in ("created_at", "updated_at", "qualified_at", "expires_at"):
        row[name] = moment(row[name])
    assert set(CLICK_IDS) <= set(row)
    return row


ROWS = {
    "kommo": kommo_row,
    "dashly": dashly_row,
    "carrotquest": dashly_row,
    "octanist": octanist_row,
}
NESTED = {
    "kommo": {
        "custom_fields_values",
        "tags",
        "contacts",
        "companies",
        "catalog_elements",
        "loss_reason",
        "source",
    },
    "dashly": {"events", "props"},
    "carrotquest": {"events", "props"},
    "octanist": set[str](),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("slot", CREDENTIALS)
def test_every_lead_arrives_once_with_the_values_that_its_source_has(
    box: Sandbox, slot: str, form: str
) -> None:
    api = box.apis[slot]
    box.clock.freeze(box.clock.now())
    expected = {str(lead["id"]): ROWS[slot](lead, form) for lead in api.rendered()}
    run = read(api, nested_values=form)
    assert sorted(run.ids(f"{slot}_leads")) == sorted(expected)
    for record in run.records(f"{slot}_leads"):
        wanted = expected[str(record["id"])]
        assert record.pop("account") == ("acme" if slot == "kommo" else "default")
        assert record.pop("extra") is None
        assert record.keys() == wanted.keys()
        for name, value in record.items():
            is_json = form == "text" and name in NESTED[slot] and value is not None
            assert (json.loads(value) if is_json else value) == wanted[name], name


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("slot", SOURCES)
def test_every_record_keeps_its_schema(box: Sandbox, slot: str, form: str) -> None:
    run = read(box.apis[slot], nested_values=form)
    (schema,) = run.schemas.values()
    validator = Draft202012Validator(schema["schema"], format_checker=FORMATS)
    records = run.records(f"{slot}_leads")
    assert records
    for record in records:
        assert [error.message for error in validator.iter_errors(record)] == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("slot", SOURCES)
def test_every_declared_property_is_in_every_record_in_order(
    box: Sandbox, slot: str, form: str
) -> None:
    run = read(box.apis[slot], nested_values=form)
    (schema,) = run.schemas.values()
    declared = list(schema["schema"]["properties"])
    assert declared[:2] == ["account", "id"]
    assert declared[-1] == "extra"
    assert {tuple(record) for record in run.records(f"{slot}_leads")} == {tuple(declared)}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("slot", SOURCES)
def test_a_schema_has_only_what_every_target_loads(box: Sandbox, slot: str, form: str) -> None:
    run = read(box.apis[slot], nested_values=form)
    assert [m["type"] for m in run.messages].count("SCHEMA") == 1
    (message,) = run.schemas.values()
    assert message["key_properties"] == ["account", "id"]
    properties = message["schema"]["properties"]
    for name, kind in properties.items():
        assert re.fullmatch("[a-z][a-z0-9_]{0,59}", name)
        assert not name.startswith("_sdc_")
        if name in message["key_properties"]:
            assert kind["type"] in {"string", "integer"}
        else:
            null, own = kind["type"]
            assert null == "null"
            scalar = {"string", "integer", "number", "boolean"}
            nested = {"array", "object"} if form == "native" else set[str]()
            assert own in scalar | nested
        assert set(kind) <= {"type", "format", "description", "properties", "items"} | {
            "additionalProperties"
        }
    of_nested = {n for n, kind in properties.items() if kind["type"][-1] in {"array", "object"}}
    assert of_nested == (NESTED[slot] if form == "native" else set())


@pytest.mark.parametrize("slot", SOURCES)
def test_records_carry_no_nul_in_any_form(box: Sandbox, slot: str) -> None:
    for form in FORMS:
        for record in read(box.apis[slot], nested_values=form).records(f"{slot}_leads"):
            assert "\\u0000" not in json.dumps(record, default=str)


def test_an_id_of_64_bits_is_text(box: Sandbox) -> None:
    api = box.dashly
    ids = read(api, nested_values="text").ids("dashly_leads")
    assert max(map(int, ids)) > 2**63
    assert set(map(int, ids)) == set(api.leads)
    # Asked for as a number, it goes through whatever JSON library the server has.
    assert {request.query["id_as_string"][0] for request in api.journal} == {"true"}


def test_dates_without_a_zone_are_read_in_the_accounts(box: Sandbox) -> None:
    api = box.dashly
    utc = {r["id"]: r for r in read(api, nested_values="text").records("dashly_leads")}
    api.options.props_utc_offset = 3
    there = read(api, nested_values="text", timezone="Europe/Moscow").records("dashly_leads")
    assert len(there) == len(utc)
    names = ("last_seen", "last_contacted", "events")
    for record in there:
        assert [record[name] for name in names] == [utc[record["id"]][name] for name in names]


def test_fields_that_an_account_does_not_send_are_null(box: Sandbox) -> None:
    box.kommo.options.minor_units = False
    box.kommo.options.with_source = False
    for record in read(box.kommo, nested_values="text").records("kommo_leads"):
        assert record["price_with_minor_units"] is None
        assert record["source"] is None
    box.octanist.options.null_keys = False
    box.octanist.options.new_click_ids = False
    records = read(box.octanist, nested_values="text").records("octanist_leads")
    assert len(records) == box.octanist.count
    for record in records:
        assert [record[name] for name in ("dclid", "wbraid", "gbraid", "epik")] == [None] * 4


def test_a_loss_reason_that_comes_as_an_object_is_a_list_of_one(box: Sandbox) -> None:
    box.kommo.options.loss_reason = "object"
    lost = [
        r
        for r in read(box.kommo, nested_values="native").records("kommo_leads")
        if r["loss_reason_id"]
    ]
    assert lost
    assert all(r["loss_reason"][0]["id"] == r["loss_reason_id"] for r in lost)


def test_a_nested_field_that_is_not_declared_is_kept(box: Sandbox) -> None:
    box.kommo.options.quantity = "element"
    stored = {
        lead["id"]: [(e["id"], e["quantity"]) for e in lead["_embedded"]["catalog_elements"]]
        for lead in box.kommo.rendered()
    }
    for record in read(box.kommo, nested_values="native").records("kommo_leads"):
        found = [(e["id"], e["quantity"]) for e in record["catalog_elements"]]
        assert found == stored[record["id"]]
        assert all(e["metadata"]["quantity"] is None for e in record["catalog_elements"])
