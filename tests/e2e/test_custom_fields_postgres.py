"""Custom fields of Kommo as columns of a table, which change between runs."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox import Sandbox
from tests.support.catalogs import catalog_for
from tests.support.kommo_fields import with_columns

if TYPE_CHECKING:
    from sandbox.kommo.api import Kommo
    from tests.support.database import Database

LEADS = catalog_for("kommo_leads")
DAYS = {"date", "birthday"}
OPTIONS = {"select", "radiobutton", "category"}
STRUCTURED = {"multiselect", "multitext", "smart_address", "legal_entity", "linked_entity",
              "chained_list", "items", "file", "payer", "supplier"}  # fmt: skip


def told(custom: dict[str, Any], column: str) -> Any:
    """Return what a column of a type has for a field; None if the value does not fit the type."""
    values = custom["values"]
    value = values if custom["field_type"] in STRUCTURED else values[0]["value"]
    if custom["field_type"] in DAYS and isinstance(value, int):
        value = datetime.fromtimestamp(value, UTC).date().isoformat()
    with suppress(ArithmeticError, TypeError, ValueError):
        match column:
            case "text":
                return value
            case "numeric":
                return Decimal(str(value))
            case "boolean":
                return {True: True, False: False}.get(value)
            case "date":
                return date.fromisoformat(value[:10])
        seconds = value if isinstance(value, int) else datetime.fromisoformat(value).timestamp()
        return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    return None


def compare(api: Kommo, database: Database) -> dict[str, str]:
    """Assert that the table is as the source; return the types of its columns."""
    types = database.types("kommo_leads")
    columns = {name for name in types if name.startswith("cf_")}
    rows = {row["id"]: row for row in database.query("select * from kommo_leads")}
    leads = {lead["id"]: lead for lead in api.rendered()}
    assert rows.keys() == leads.keys()
    assert columns >= {f"cf_{field['id']}" for field in api.fields.rendered()}
    for lead_id, lead in leads.items():
        row, seen = rows[lead_id], set()
        extra = json.loads(row["extra"] or "{}")
        for custom in lead["custom_fields_values"] or ():
            name = f"cf_{custom['field_id']}"
            want, found = told(custom, types[name]), row[name]
            if want is not None and types[name] == "text":
                found = found if isinstance(want, str) else json.loads(found)
            assert found == want, (name, custom)
            assert (name in extra) == (want is None)
            seen.add(name)
            if custom["field_type"] in OPTIONS:
                assert row[f"{name}_enum_id"] == custom["values"][0]["enum_id"]
                seen.add(f"{name}_enum_id")
        assert {name for name in columns if row[name] is not None} <= seen
    return types


def misfit(api: Kommo, field_id: int, lead_id: int, value: Any) -> None:
    """Set a field of a lead to a value of another type."""
    custom = {**api.fields.values_for(field_id, lead_id), "values": [{"value": value}]}
    others = [each for each in api.leads[lead_id]["custom_fields_values"] or ()
              if each["field_id"] != field_id]  # fmt: skip
    api.edit([lead_id], custom_fields_values=[*others, custom])


def test_150_fields_are_what_the_source_has_after_each_of_three_runs(database: Database) -> None:
    rng = random.Random(5)
    with Sandbox(leads=60, seed=11) as box:
        api = box.kommo
        api.options.rate_limit = None
        api.fields.grow(150)
        ids = [field["id"] for field in api.fields.rendered()]
        for field_id in ids[27:]:
            api.fill_field(field_id, 2)
        database.load(with_columns(api), LEADS)
        first = compare(api, database)
        assert sum(name.startswith("cf_") for name in first) >= 150

        of: dict[str, list[int]] = {}
        for field in api.fields.rendered():
            of.setdefault(field["type"], []).append(field["id"])
        for field_id in rng.sample(ids, 30):
            api.fields.edit([field_id], name="Renamed", code=None)
        api.fields.rename_enum(of["select"][0], 1669868, "Anders 🆕")
        for field_id in api.fields.insert(10, name="Twice"):
            api.fill_field(field_id, 3)
        api.fields.delete([of["numeric"][0], of["select"][1], of["text"][1], of["date"][0]])
        api.edit(60, price=7)
        leads = list(api.leads)
        for place, kind in enumerate(("numeric", "checkbox", "date", "date_time")):
            misfit(api, of[kind][1], leads[place], "does not fit")
        database.load(with_columns(api), LEADS)
        second = compare(api, database)
        assert second.items() > first.items()

        for kind, other in (("text", "numeric"), ("numeric", "text"), ("select", "date"),
                            ("multiselect", "checkbox"), ("date", "date_time")):  # fmt: skip
            api.fields.edit([of[kind][-1]], type=other)
            api.fill_field(of[kind][-1], 4)
        api.fields.delete([of["checkbox"][0], of["date_time"][0]])
        api.fields.insert(3, type="numeric")
        api.edit(60, price=8)
        api.edit(leads[:5], custom_fields_values=None)
        api.edit(leads[5:9], custom_fields_values=[])
        database.load(with_columns(api), LEADS)
        third = compare(api, database)
        assert third.items() > second.items()


def test_a_run_in_which_the_fields_cannot_be_listed_leaves_no_value_behind(
    kommo: Kommo, database: Database
) -> None:
    (field_id,) = kommo.fields.insert(type="numeric")
    kommo.insert(3)
    kommo.fill_field(field_id, 3)
    database.load(with_columns(kommo), LEADS)
    kommo.edit(2, custom_fields_values=None)
    kommo.options.forbidden = ("leads/custom_fields",)
    database.load(with_columns(kommo), LEADS)
    compare(kommo, database)
