"""Kommo's custom fields as columns: `custom_fields: columns`."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.kommo.values import KINDS
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

TEXT, NUMBER, BOOLEAN, INTEGER = (
    {"type": ["null", kind]} for kind in ("string", "number", "boolean", "integer")
)
MOMENT = {**TEXT, "format": "date-time"}
DAY = {**TEXT, "format": "date"}
OTHER = {"value": "Basic", "enum_id": 867973, "enum_code": None}
LINKED = {"name": "Ann", "entity_id": 1, "entity_type": "contacts", "catalog_id": None}


@pytest.mark.parametrize(
    ("kind", "values", "schema", "told"),
    [
        ("text", ["Zoë 🚀"], TEXT, "Zoë 🚀"),
        ("textarea", ["a\nb"], TEXT, "a\nb"),
        ("url", ["https://example.com"], TEXT, "https://example.com"),
        ("streetaddress", ["1 Example Street"], TEXT, "1 Example Street"),
        ("tracking_data", ["google"], TEXT, "google"),
        ("org_legal_name", ["Example Ltd."], TEXT, "Example Ltd."),
        ("ai_summary", ["said hello"], TEXT, "said hello"),
        ("ai_summary", [{"value": {"a": 1}}], TEXT, '{"a":1}'),
        ("ai_summary", [7], TEXT, "7"),
        ("numeric", ["1.5"], NUMBER, Decimal("1.5")),
        ("numeric", ["-12345678901234567890.123456789"], NUMBER,
         Decimal("-12345678901234567890.123456789")),
        ("numeric", ["0"], NUMBER, 0),
        ("monetary", [320], NUMBER, 320),
        ("price", ["1499.90"], NUMBER, Decimal("1499.90")),
        ("checkbox", [True], BOOLEAN, True),
        ("checkbox", [False], BOOLEAN, False),
        ("date_time", [NEW_YEAR], MOMENT, "2026-01-01T00:00:00.000000Z"),
        ("date_time", [str(NEW_YEAR)], MOMENT, "2026-01-01T00:00:00.000000Z"),
        ("date_time", ["2026-01-01T03:00:00+03:00"], MOMENT, "2026-01-01T00:00:00.000000Z"),
        ("date_time", [-1], MOMENT, "1969-12-31T23:59:59.000000Z"),
        ("date_time", [0], MOMENT, "1970-01-01T00:00:00.000000Z"),
        ("date", [NEW_YEAR], DAY, "2026-01-01"),
        ("date", [str(NEW_YEAR)], DAY, "2026-01-01"),
        ("date", ["2020-02-29"], DAY, "2020-02-29"),
        ("date", ["2020-02-29T00:00:00+12:00"], DAY, "2020-02-29"),
        ("birthday", [-126_230_400], DAY, "1966-01-01"),
        ("select", [OPTION], TEXT, "VIP"),
        ("radiobutton", [OPTION], TEXT, "VIP"),
        ("category", [OPTION], TEXT, "VIP"),
        ("multiselect", [OPTION], TEXT, [OPTION]),
        ("multiselect", [OPTION, OTHER], TEXT, [OPTION, OTHER]),
        ("multitext", [{"value": "+1", "enum_id": 1, "enum_code": "MOB"}], TEXT,
         [{"value": "+1", "enum_id": 1, "enum_code": "MOB"}]),
        ("smart_address", [{"value": "Rome", "enum_id": 3, "enum_code": "city"}], TEXT,
         [{"value": "Rome", "enum_id": 3, "enum_code": "city"}]),
        ("linked_entity", [{"value": LINKED}], TEXT, [{"value": LINKED}]),
        ("chained_list", [{"catalog_id": 1001, "catalog_element_id": 12235}], TEXT,
         [{"catalog_id": 1001, "catalog_element_id": 12235}]),
    ],
)  # fmt: skip
def test_each_kind_of_field_has_its_type(
    kommo: Kommo, kind: str, values: list[Any], schema: dict[str, Any], told: Any
) -> None:
    name, lead_id = a_lead_with(kommo, kind, *values)
    run = sync(with_columns(kommo))
    found = columns_in(run)[name]
    assert {key: found[key] for key in found if key != "description"} == schema
    row = row_of(run, lead_id)
    assert (json.loads(row[name]) if isinstance(told, list) else row[name]) == told
    assert row["extra"] is None


def test_every_kind_that_is_known_and_one_that_is_not_has_a_column(kommo: Kommo) -> None:
    kommo.insert(40)
    kinds = {row["type"] for row in kommo.fields.rendered()}
    assert kinds == {*KINDS, "ai_summary"}
    run = sync(with_columns(kommo))
    assert columns_in(run).keys() >= {f"cf_{row['id']}" for row in kommo.fields.rendered()}
    assert {row["extra"] for row in run.records("kommo_leads")} == {None}
    for lead in kommo.rendered():
        row = row_of(run, lead["id"])
        filled = {f"cf_{each['field_id']}" for each in lead["custom_fields_values"] or ()}
        assert {n for n in row if n.startswith("cf_") and "enum" not in n and row[n] is not None} \
            == filled  # fmt: skip


ODD = [{"a": 1}, "text", 5, [None], [[]], ["text"], [{"field_id": 1, "values": {"a": 1}}],
       [{"field_id": 1, "values": [None]}], [{"values": [{"value": 1}]}]]  # fmt: skip


@pytest.mark.parametrize("mode", ["json", "columns"])
@pytest.mark.parametrize("odd", ODD)
def test_fields_of_a_form_that_nobody_knows_cost_no_lead_and_are_kept(
    kommo: Kommo, odd: Any, mode: str
) -> None:
    (lead,) = kommo.insert(1, custom_fields_values=odd)
    kommo.insert(5)
    (contact,) = kommo.contacts.insert(1)
    kommo.contacts.rows[contact]["custom_fields_values"] = odd
    config = {"kommo": settings_for(kommo, custom_fields=mode)}
    run = sync(config, catalog=catalog_for("kommo_leads", "kommo_contacts"))
    assert run.code == 0
    assert len(run.records("kommo_leads")) == kommo.count
    for stream, changed in (("kommo_leads", lead), ("kommo_contacts", contact)):
        (row,) = (row for row in run.records(stream) if row["id"] == changed)
        assert json.loads(row["custom_fields_values"]) == odd


def test_a_value_of_a_form_that_nobody_knows_is_null_in_its_column_and_kept(kommo: Kommo) -> None:
    name, lead_id = a_lead_with(kommo, "numeric")
    odd = [{**entry(int(name[3:]), "numeric"), "values": {"a": 1}}]
    kommo.edit([lead_id], custom_fields_values=odd)
    row = row_of(sync(with_columns(kommo)), lead_id)
    assert row[name] is None
    assert json.loads(row["extra"]) == {name: {"a": 1}}


def test_one_option_is_its_text_with_its_id_beside_it(kommo: Kommo) -> None:
    name, lead_id = a_lead_with(kommo, "select", OPTION)
    run = sync(with_columns(kommo))
    assert columns_in(run)[f"{name}_enum_id"]["type"] == ["null", "integer"]
    assert row_of(run, lead_id)[f"{name}_enum_id"] == 867972


@pytest.mark.parametrize(
    ("timezone", "day"),
    [("America/New_York", "2025-12-31"), ("Asia/Tokyo", "2026-01-01"), ("UTC", "2026-01-01")],
)
def test_a_day_is_that_of_the_accounts_time_zone(kommo: Kommo, timezone: str, day: str) -> None:
    kommo.options.timezone = timezone
    name, lead_id = a_lead_with(kommo, "date", NEW_YEAR)
    assert row_of(sync(with_columns(kommo)), lead_id)[name] == day


def test_a_day_before_1970_is_that_of_the_zone_as_it_was_then(kommo: Kommo) -> None:
    kommo.options.timezone = "Europe/Moscow"  # UTC+3 in 1966, as now; a standard hour less in 1922
    moment = -126_230_400 - 3 * 3600
    name, lead_id = a_lead_with(kommo, "birthday", moment)
    assert row_of(sync(with_columns(kommo)), lead_id)[name] == "1966-01-01"


def test_a_zone_whose_name_is_not_known_here_counts_by_its_offset(kommo: Kommo) -> None:
    kommo.options.timezone = "Mars/Olympus"
    name, lead_id = a_lead_with(kommo, "date", NEW_YEAR)
    assert row_of(sync(with_columns(kommo)), lead_id)[name] == "2026-01-01"


def test_a_day_of_a_zone_that_is_not_told_stays_in_extra(
    kommo: Kommo, caplog: pytest.LogCaptureFixture
) -> None:
    name, lead_id = a_lead_with(kommo, "date", NEW_YEAR)
    kommo.options.forbidden = ("account",)
    row = row_of(sync(with_columns(kommo)), lead_id)
    assert (row[name], json.loads(row["extra"])) == (None, {name: NEW_YEAR})
    assert "the API returned no time zone" in caplog.text


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("numeric", "about five"),
        ("numeric", ""),
        ("numeric", "NaN"),
        ("checkbox", "maybe"),
        ("date", "soon"),
        ("date", "2026-02-30"),
        ("date", 10**18),
        ("date_time", "tomorrow"),
        ("date_time", 10**18),
        ("price", {"amount": 5}),
    ],
)
def test_a_value_that_does_not_fit_is_null_and_kept_in_extra(
    kommo: Kommo, kind: str, value: Any
) -> None:
    name, lead_id = a_lead_with(kommo, kind, {"value": value})
    row = row_of(sync(with_columns(kommo)), lead_id)
    assert row[name] is None
    assert json.loads(row["extra"]) == {name: value}


def test_several_values_of_a_field_for_one_are_not_lost(kommo: Kommo) -> None:
    name, lead_id = a_lead_with(kommo, "numeric", "1", "2")
    row = row_of(sync(with_columns(kommo)), lead_id)
    assert (row[name], json.loads(row["extra"])) == (None, {name: [{"value": "1"}, {"value": "2"}]})


def test_a_field_that_is_cleared_becomes_null(kommo: Kommo) -> None:
    name, lead_id = a_lead_with(kommo, "select", OPTION)
    assert row_of(sync(with_columns(kommo)), lead_id)[name] == "VIP"
    for nothing in (None, [], [entry(int(name[3:]), "select")]):
        kommo.edit([lead_id], custom_fields_values=nothing)
        row = row_of(sync(with_columns(kommo)), lead_id)
        assert (row[name], row[f"{name}_enum_id"]) == (None, None)


@pytest.mark.parametrize("count", [135, 150, 400])
def test_many_fields_are_many_columns(kommo: Kommo, count: int) -> None:
    kommo.fields.grow(count)  # lists hold 250
    columns = columns_in(sync(with_columns(kommo)))
    assert len([name for name in columns if not name.endswith("_enum_id")]) == count


def test_names_of_fields_are_told_and_name_no_column(kommo: Kommo) -> None:
    names = ["Twice", "Twice", "Поле 💰 " * 20, 'with "quotes" and %', ""]
    ids = [kommo.fields.insert(name=name, type="text", code="C")[0] for name in names]
    columns = columns_in(sync(with_columns(kommo)))
    for field_id, name in zip(ids, names, strict=True):
        assert columns[f"cf_{field_id}"]["description"] == f"{name} (C), text."
    assert all(name.removeprefix("cf_").removesuffix("_enum_id").isdecimal() for name in columns)
