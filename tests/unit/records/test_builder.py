"""Records: every column in each, in order, and nothing lost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tap_leads.records.builder import RecordBuilder
from tap_leads.records.columns import (
    OWN_FIELDS,
    UNRELATED,
    Column,
    Nested,
    Texts,
    build_schema,
)
from tap_leads.records.convert import BOOLEAN, INTEGER, NUMBER, TEXT, UNIX_TIME
from tap_leads.records.privacy import Redactor

COLUMNS = (
    Column("id", INTEGER, "ID of the lead."),
    Column("name", TEXT, "Name of the lead."),
    Column("created_at", UNIX_TIME, "When it was created.", "createdAt"),
    Column("tags", Nested({"id": INTEGER, "name": TEXT}), "Tags.", "_embedded.tags"),
    Column("source", Nested({"id": INTEGER}, many=False), "Where it came from."),
    Column("phones", Texts(), "Phones."),
    Column("props", Nested({}, many=False, rest=TEXT, members=OWN_FIELDS), "Properties."),
)


def row(
    fields: dict[str, Any], *, native: bool = False, hidden: tuple[str, ...] = ()
) -> dict[str, Any]:
    build = RecordBuilder(COLUMNS, Redactor(COLUMNS, hidden=hidden), native=native)
    return build("acme", fields)


def test_account_is_first_extra_is_last_and_every_column_is_in_each_row() -> None:
    names = ["account", *(column.name for column in COLUMNS), "extra"]
    schema = build_schema(COLUMNS, ("account", "id"), native=False)
    assert list(schema["properties"]) == names
    for built in (row({}), row({"name": "a", "other": 1}), row({"id": "x"}, native=True)):
        assert list(built) == names


def test_keys_are_never_null_in_the_schema() -> None:
    properties = build_schema(COLUMNS, ("account", "id"), native=False)["properties"]
    assert properties["account"]["type"] == "string"
    assert properties["id"]["type"] == "integer"
    assert properties["name"]["type"] == ["null", "string"]


def test_a_schema_describes_the_columns_that_every_stream_has() -> None:
    schema = build_schema(COLUMNS, ("id",), native=True)
    assert schema["type"] == "object"
    assert schema["properties"]["account"]["description"] == (
        "Label of the account that the record belongs to."
    )
    assert schema["properties"]["extra"]["description"] == (
        "Fields without a column, and values that did not fit their column's type, as JSON."
    )
    assert schema["properties"]["props"]["additionalProperties"] == TEXT.schema


def test_a_description_names_the_field_of_the_api() -> None:
    properties = build_schema(COLUMNS, ("id",), native=False)["properties"]
    assert properties["created_at"]["description"] == "When it was created. API: `createdAt`."


def test_nested_values_are_json_text_by_default() -> None:
    built = row({"_embedded.tags": [{"id": 1, "new": [2]}], "props": {"a": None}})
    assert built["tags"] == '[{"id":1,"new":[2]}]'
    assert built["props"] == '{"a":null}'
    properties = build_schema(COLUMNS, ("id",), native=False)["properties"]
    assert properties["tags"]["type"] == properties["source"]["type"] == ["null", "string"]


def test_native_values_have_every_declared_field_and_keep_the_others() -> None:
    built = row({"_embedded.tags": [{"id": "1", "new": [2]}], "props": {"a": 1}}, native=True)
    assert built["tags"] == [{"id": 1, "name": None, "new": [2]}]
    assert built["props"] == {"a": "1"}


def test_one_object_counts_as_a_list_of_one() -> None:
    assert row({"_embedded.tags": {"id": 1}}, native=True)["tags"] == [{"id": 1, "name": None}]


def test_an_empty_list_in_place_of_an_object_is_null() -> None:
    assert row({"source": []}, native=True)["source"] is None


@pytest.mark.parametrize("native", [True, False])
def test_fields_without_a_column_are_kept_in_extra_in_their_order(native: bool) -> None:
    kept = {"zeta": 1, "alpha": {"deep": [None]}, "account": "a", "extra": "more", "tags": "x"}
    built = row(kept, native=native)
    assert json.loads(built["extra"]) == kept
    assert list(json.loads(built["extra"])) == list(kept)
    assert built["account"] == "acme"


def test_a_null_in_a_list_of_objects_stays_where_it_is() -> None:
    built = row({"_embedded.tags": [None, {"id": 1}]}, native=True)
    assert built["tags"] == [None, {"id": 1, "name": None}]


def test_an_object_that_is_none_is_kept_in_extra() -> None:
    built = row({"source": "website"}, native=True)
    assert built["source"] is None
    assert built["extra"] == '{"source":"website"}'


def test_a_hidden_column_is_in_no_row_and_not_in_extra() -> None:
    built = row({"name": "a", "createdAt": "never", "id": "odd"}, hidden=("name", "created_at"))
    assert not {"name", "created_at"} & built.keys()
    assert built["extra"] == '{"id":"odd"}'
    assert "extra" not in row({"other": 1}, hidden=("extra",))


def test_an_open_object_must_declare_its_members() -> None:
    with pytest.raises(TypeError, match=r"^an open object must declare its `members`$"):
        Nested({}, rest=TEXT)
    assert Nested({}, rest=TEXT, members=UNRELATED).schema["items"]["additionalProperties"]


def test_the_native_schema_declares_what_is_inside() -> None:
    lines = Nested({"count": NUMBER, "paid": BOOLEAN})
    schema = build_schema((Column("lines", lines, "Lines."),), (), native=True)
    assert schema["properties"]["lines"] == {
        "type": ["null", "array"],
        "items": {
            "type": ["null", "object"],
            "properties": {"count": NUMBER.schema, "paid": BOOLEAN.schema},
        },
        "description": "Lines.",
    }
