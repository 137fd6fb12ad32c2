"""Kommo's custom fields, and the values that follow them."""
# ruff: noqa: PLR2004 - sizes of generated data

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from typing_extensions import override

from sandbox.core.people import person
from sandbox.kommo.leads import ACCOUNT_ID, FIELDS, FIRST_FIELD
from sandbox.kommo.query import either
from sandbox.kommo.reference import BRANDS, PRODUCTS
from sandbox.kommo.resource import Resource
from sandbox.kommo.table import Context, Row, RowFactory, Table
from sandbox.kommo.values import KINDS, enums_of, values_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLOSED_SET = frozenset({"select", "multiselect", "radiobutton", "category"})
"""The types whose values are labels from the field's `enums`."""
CONTACT_FIELDS = (
    # id, name, type, code
    (1_929_001, "Phone", "multitext", "PHONE"),
    (1_929_003, "Email", "multitext", "EMAIL"),
    (1_929_005, "Position", "text", "POSITION"),
    (1_929_007, "Geburtstag 🎂", "birthday", None),
    (1_929_009, "Segment", "select", None),
)
COMPANY_FIELDS = (
    (1_929_001, "Phone", "multitext", "PHONE"),
    (1_929_003, "Email", "multitext", "EMAIL"),
    (1_929_101, "Web", "url", "WEB"),
    (1_929_103, "Address", "textarea", "ADDRESS"),
    (1_929_105, "Реквизиты", "legal_entity", None),
)
CUSTOMER_FIELDS = (
    (1_929_201, "Geburtstag 🎂", "birthday", None),
    (1_929_203, "Loyalty", "select", None),
    (1_929_205, "Phone", "multitext", "PHONE"),
    (1_929_207, "Bonus", "numeric", None),
)
_LIST_FIELDS = (
    (1_930_002, "SKU", "text", "SKU"),
    (1_930_004, "Group", "category", "GROUP"),
    (1_930_006, "Price", "price", "PRICE"),
)
_BUILT_IN: dict[str, tuple[tuple[int, str, str, str | None], ...]] = {
    "leads": tuple(
        (FIRST_FIELD + place * 2, name, kind, code)
        for place, (name, kind, code) in enumerate(FIELDS)
    ),
    "contacts": CONTACT_FIELDS,
    "companies": COMPANY_FIELDS,
    f"catalogs/{PRODUCTS}": _LIST_FIELDS,
    f"catalogs/{BRANDS}": (),
    "customers": CUSTOMER_FIELDS,
}
_NEW_NAMES = (
    "Field {}",
    "Field",
    "Поле {} — очень длинное название, которому тесно в имени столбца",
    "field-{}",
    "Field {} (%)",
    "Field {} 💰",
)

FIELD = Resource(
    key="custom_fields",
    orders=("sort", "id"),
    order="sort",
    filters={"type": either},
    totals=True,
)
GROUP = Resource(key="custom_field_groups", order="sort", totals=True)


class Fields(Table):
    """The custom fields of one entity type.

    Responses use the current definitions: values have the new name of a renamed field or option,
    deleted fields are missing, and a field whose type changed has values of the new type.
    """

    @override
    def _completed(self, fields: Row) -> Row:
        """Add the options of a new type, unless options are given."""
        return {"enums": _enums(fields["type"]), **fields} if "type" in fields else fields

    def current(self, customs: list[Row] | None, owner: int) -> list[Row] | None:
        """Return `custom_fields_values` by the current definitions."""
        if not self.revision or not customs:
            return customs
        found = []
        for custom in customs:
            if custom["field_id"] in self.removed:
                continue
            definition = self.store.rows.get(custom["field_id"])
            found.append(custom if definition is None else _by(definition, custom, owner))
        return found

    def values_for(self, field_id: int, owner: int) -> Row:
        """Return a generated entry of `custom_fields_values` for that field."""
        definition = self.store.rows[field_id]
        kind = definition["type"]
        values = _made(owner, field_id, kind)
        if kind in _CLOSED_SET:
            labels = {enum["id"]: enum["value"] for enum in definition["enums"] or ()}
            chosen = random.Random(f"{owner} {field_id}").sample(
                sorted(labels), min(1, len(labels))
            )
            values = [{"value": labels[n], "enum_id": n, "enum_code": None} for n in chosen]
        return {
            "field_id": field_id,
            "field_name": definition["name"],
            "field_code": definition["code"],
            "field_type": kind,
            "values": values,
            "is_computed": False,
        }

    def rename_enum(self, field_id: int, enum_id: int, value: str) -> None:
        """Rename an option of a field."""
        enums = [
            {**enum, "value": value} if enum["id"] == enum_id else enum
            for enum in self.store.rows[field_id]["enums"]
        ]
        self.edit([field_id], enums=enums)


def _enums(kind: str, code: str | None = None) -> list[Row] | None:
    enums = enums_of(kind, code)
    return (
        None if enums is None else [{"id": n, "value": label, "sort": n % 10} for n, label in enums]
    )


def _by(definition: Row, custom: Row, owner: int) -> Row:
    named = {
        **custom,
        "field_name": definition["name"],
        "field_code": definition["code"],
        "field_type": definition["type"],
    }
    if definition["type"] != custom["field_type"]:
        return {**named, "values": _made(owner, custom["field_id"], definition["type"])}
    if definition["type"] in _CLOSED_SET and custom["values"]:
        labels = {enum["id"]: enum["value"] for enum in definition["enums"] or ()}
        named["values"] = [
            {**value, "value": labels.get(value.get("enum_id"), value["value"])}
            for value in custom["values"]
        ]
    return named


def _made(owner: int, field_id: int, kind: str) -> list[Row]:
    rng = random.Random(f"{owner} {field_id} {kind}")
    return values_of(rng, person(field_id, owner % 1_000_000), kind, 1_760_000_000)


def tables(context: Context) -> dict[str, Table]:
    """Return the fields and field groups of each entity type, by path."""
    found: dict[str, Table] = {}
    for place, entity in enumerate(_BUILT_IN, 1):
        path = f"{entity}/custom_fields"
        factory = _FieldFactory(entity)
        fields = RowFactory(
            make=factory.field, fill=factory.fields, first_id=2_000_001 + 10_000 * place
        )
        found[path] = Fields(context, FIELD, path, fields)
        groups = RowFactory(make=factory.group, fill=factory.groups)
        found[f"{path}/groups"] = Table(context, GROUP, f"{path}/groups", groups)
    return found


@dataclass(frozen=True)
class _FieldFactory:
    """Generates the fields and field groups of an entity type."""

    entity: str

    def fields(self) -> Iterator[Row]:
        for place, spec in enumerate(_BUILT_IN[self.entity]):
            yield _field(self.entity, Spec(*spec), place)

    def field(self, number: int, row_id: int, _at: int) -> Row:
        name = _NEW_NAMES[number % len(_NEW_NAMES)].format(number)
        spec = Spec(row_id, name, KINDS[number % len(KINDS)], None)
        return _field(self.entity, spec, 500 + number)

    def groups(self) -> Iterator[Row]:
        yield _group(self.entity, "default", "General")
        yield _group(self.entity, f"{self.entity}_40321", "Дополнительно")

    def group(self, number: int, row_id: int, _at: int) -> Row:
        return _group(self.entity, f"{self.entity}_{row_id}", f"Group {number}")


class Spec(NamedTuple):
    """The attributes in which fields differ."""

    field_id: int
    name: str
    kind: str
    code: str | None


def _field(entity: str, spec: Spec, place: int) -> Row:
    field_id, name, kind, code = spec
    catalog = entity.partition("/")[2]
    row: dict[str, Any] = {
        "id": field_id,
        "name": name,
        "type": kind,
        "account_id": ACCOUNT_ID,
        "code": code,
        "sort": 500 + place,
        "is_api_only": False,
        "enums": _enums(kind, code),
        "group_id": None if place % 3 == 0 else f"{entity}_40321" if place % 3 == 1 else "default",
        "required_statuses": [],
        "is_deletable": code is None,
        "is_predefined": code is not None,
        "entity_type": "catalogs" if catalog else entity,
        "tracking_callback": None,
        "remind": "never" if kind == "birthday" else None,
        "triggers": [],
        "currency": "USD" if kind in {"monetary", "price"} else None,
        "hidden_statuses": [],
        "chained_lists": None,
    }
    if kind == "chained_list":
        row["chained_lists"] = [{"catalog_id": BRANDS, "parent_catalog_id": 0, "title": "Brand"}]
    if entity == "leads" and place == 3:
        row["required_statuses"] = [{"status_id": 142, "pipeline_id": 12215168}]
    return row | ({"catalog_id": int(catalog)} if catalog else {})


def _group(entity: str, group_id: str, name: str) -> Row:
    return {
        "id": group_id,
        "name": name,
        "is_predefined": group_id == "default",
        "type": "custom",
        "entity_type": entity.partition("/")[0],
        "sort": 0 if group_id == "default" else 10,
    }
