"""The values in the sandbox's Kommo follow changes of custom fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.kommo.values import KINDS
from tests.sandbox.client import NOON, Row, everything, page

if TYPE_CHECKING:
    from sandbox.kommo.api import Kommo

TEXT, SELECT = 1928052, 1928058


def entries(kommo: Kommo, field_id: int) -> list[Row]:
    """Return the entries of a field in the leads."""
    return [
        custom
        for lead in everything(kommo, "leads")
        for custom in lead["custom_fields_values"] or ()
        if custom["field_id"] == field_id
    ]


def test_every_type_of_field_is_defined_and_one_that_nobody_knows(kommo: Kommo) -> None:
    kinds = {field["type"] for field in everything(kommo, "leads/custom_fields")}
    assert kinds == {*KINDS, "ai_summary"}


def test_values_are_those_of_their_definitions(kommo: Kommo) -> None:
    for entity in ("leads", "contacts", "companies", "catalogs/1057"):
        fields = {row["id"]: row for row in everything(kommo, f"{entity}/custom_fields")}
        path = f"{entity}/elements" if entity.startswith("catalogs") else entity
        seen = 0
        for row in everything(kommo, path):
            for custom in row["custom_fields_values"] or ():
                field = fields[custom["field_id"]]
                assert (custom["field_name"], custom["field_code"], custom["field_type"]) == (
                    field["name"], field["code"], field["type"],
                )  # fmt: skip
                known = {enum["id"] for enum in field["enums"] or ()}
                asked = {value["enum_id"] for value in custom["values"] or () if "enum_id" in value}
                assert asked <= known
                seen += 1
        assert seen


def test_a_definition_has_the_keys_that_kommo_documents(kommo: Kommo) -> None:
    fields = {row["id"]: row for row in everything(kommo, "leads/custom_fields")}
    assert fields[SELECT].keys() == {
        "id", "name", "type", "account_id", "code", "sort", "is_api_only", "enums", "group_id",
        "required_statuses", "is_deletable", "is_predefined", "entity_type",
        "tracking_callback", "remind", "triggers", "currency", "hidden_statuses",
        "chained_lists", "_links",
    }  # fmt: skip
    assert {type(field["group_id"]) for field in fields.values()} == {str, type(None)}
    groups = {group["id"] for group in page(kommo, "leads/custom_fields/groups")}
    assert {field["group_id"] for field in fields.values()} - {None} <= groups


def test_fields_are_filtered_by_type_and_sorted(kommo: Kommo) -> None:
    chosen = everything(kommo, "leads/custom_fields", filter__type__0="select")
    assert [field["id"] for field in chosen] == [SELECT]
    down = [field["id"] for field in page(kommo, "leads/custom_fields", order__id="desc")]
    assert down == sorted(down, reverse=True)


def test_a_renamed_field_has_its_new_name_in_the_leads(kommo: Kommo) -> None:
    before = entries(kommo, TEXT)
    times = {lead["id"]: lead["updated_at"] for lead in everything(kommo, "leads")}
    kommo.fields.edit([TEXT], name="Renamed 🆕", code="NEW")
    after = entries(kommo, TEXT)
    assert len(after) == len(before) > 0
    assert {(c["field_name"], c["field_code"]) for c in after} == {("Renamed 🆕", "NEW")}
    assert [c["values"] for c in after] == [c["values"] for c in before]
    assert times == {lead["id"]: lead["updated_at"] for lead in everything(kommo, "leads")}
    for lead, row in zip(everything(kommo, "leads"), kommo.rendered(), strict=True):
        assert lead["custom_fields_values"] == row["custom_fields_values"]


def test_a_renamed_option_has_its_new_name_in_the_leads(kommo: Kommo) -> None:
    kommo.fields.rename_enum(SELECT, 1669868, "Renamed")
    enums = next(f["enums"] for f in page(kommo, "leads/custom_fields") if f["id"] == SELECT)
    assert {enum["id"]: enum["value"] for enum in enums}[1669868] == "Renamed"
    values = {v["enum_id"]: v["value"] for c in entries(kommo, SELECT) for v in c["values"]}
    assert values[1669868] == "Renamed"
    assert "Diagnostic" not in values.values()


def test_a_deleted_field_is_in_no_lead(kommo: Kommo) -> None:
    assert entries(kommo, TEXT)
    kommo.fields.delete([TEXT])
    assert entries(kommo, TEXT) == []
    assert TEXT not in {field["id"] for field in everything(kommo, "leads/custom_fields")}


@pytest.mark.parametrize("kind", KINDS)
def test_a_retyped_field_has_values_of_its_new_type(kommo: Kommo, kind: str) -> None:
    kommo.fields.edit([TEXT], type=kind)
    found = entries(kommo, TEXT)
    assert {custom["field_type"] for custom in found} == {kind}
    values = [value for custom in found for value in custom["values"]]
    assert all(("value" in value) == (kind != "chained_list") for value in values)
    if kind == "numeric":
        assert all(isinstance(value["value"], str) for value in values)


def test_a_new_field_is_filled_where_one_asks_for_it(kommo: Kommo) -> None:
    (field_id,) = kommo.fields.insert(name="Product interest", type="multiselect")
    assert entries(kommo, field_id) == []
    filled = kommo.fill_field(field_id, 20, at=NOON + 5)
    assert len(entries(kommo, field_id)) == 20
    assert {kommo.leads[lead_id]["updated_at"] for lead_id in filled} == {NOON + 5}
    names = [field["name"] for field in everything(kommo, "leads/custom_fields")]
    assert names.count("Product interest") == 2


def test_there_can_be_many_fields_with_names_that_clash(kommo: Kommo) -> None:
    assert kommo.fields.grow(150) == 150
    fields = everything(kommo, "leads/custom_fields", limit=50)
    assert len({field["id"] for field in fields}) == 150
    names = [field["name"] for field in fields]
    assert len(set(names)) < 150
    assert any(len(name.encode()) > 63 for name in names)
    for field in fields[-30:]:
        kommo.fill_field(field["id"], 1)
    assert {field["type"] for field in fields} == {*KINDS, "ai_summary"}


def test_fields_of_contacts_change_too(kommo: Kommo) -> None:
    fields = kommo.tables["contacts/custom_fields"]
    fields.edit([1929005], name="Stelle")
    names = {
        custom["field_name"]
        for contact in everything(kommo, "contacts")
        for custom in contact["custom_fields_values"] or ()
    }
    assert "Stelle" in names
    assert "Position" not in names
