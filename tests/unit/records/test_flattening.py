"""With the SDK's flattening, every key of a record is declared and no column is lost."""

from __future__ import annotations

import json
import logging
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.mapper import PluginMapper

from tap_leads.records.builder import RecordBuilder
from tap_leads.records.columns import (
    OWN_FIELDS,
    UNRELATED,
    Column,
    Nested,
    Texts,
    build_schema,
)
from tap_leads.records.convert import INTEGER, NUMBER, TEXT, UNIX_TIME
from tap_leads.records.privacy import Redactor

if TYPE_CHECKING:
    from collections.abc import Iterator

INNER = Nested({"made_at": UNIX_TIME, "deepest": Nested({"x": TEXT}, many=False)}, many=False)
COLUMNS = (
    Column("id", INTEGER, "ID."),
    Column("source", Nested({"id": INTEGER, "name": TEXT}, many=False), "", "_embedded.source"),
    Column(
        "deep",
        Nested(
            {
                "inner": INNER,
                "list": Nested({"n": NUMBER}),
                "open": Nested({}, many=False, rest=TEXT, members=UNRELATED),
            },
            many=False,
        ),
        "Objects within an object.",
    ),
    Column("props", Nested({}, many=False, rest=TEXT, members=OWN_FIELDS), "Properties."),
    Column("tags", Nested({"id": INTEGER}), "Tags."),
    Column("things", Nested({}, rest=TEXT, members=UNRELATED), "Things."),
    Column("phones", Texts(), "Phones."),
)
DEPTHS = [1, 2, 5]
NAMES = [{}, {"flattening_separator": "."}, {"flattening_max_key_length": 12}]


class Flattened:
    """What the SDK makes of the rows of these columns."""

    def __init__(self, depth: int, redactor: Redactor | None = None, **options: Any) -> None:
        hidden = redactor.hidden if redactor else ()
        hashed = redactor.hashed if redactor else ()
        schema = build_schema(COLUMNS, ("account", "id"), native=True, hashed=hashed, flatten=True)
        for name in hidden:
            del schema["properties"][name]
        config = {"flattening_enabled": True, "flattening_max_depth": depth, **options}
        mapper = PluginMapper(config, logging.getLogger())
        mapper.register_raw_stream_schema("leads", schema, ("account", "id"))
        (self.map,) = mapper.stream_maps["leads"]
        self.build = RecordBuilder(COLUMNS, redactor, native=True, flatten=True)

    def __call__(self, fields: dict[str, Any]) -> dict[str, Any]:
        row = self.map.transform(self.build("acme", fields))
        assert row is not None
        assert list(row) == list(self.map.transformed_schema["properties"])
        return row


ROWS: list[dict[str, Any]] = [
    {},
    {"_embedded.source": None, "deep": None, "props": None, "tags": None},
    {"_embedded.source": {"id": 1, "name": "a"}, "deep": {"inner": {"made_at": 5}}},
    {"_embedded.source": {"id": 1, "new": [2]}, "deep": {"inner": {"deepest": {"y": 1}}, "z": 2}},
    {"_embedded.source": "website", "deep": {"inner": "odd"}, "props": "odd", "tags": "odd"},
    {"_embedded.source": [], "deep": {"inner": [], "list": [], "open": []}, "props": []},
    {"_embedded.source": {"id": "odd"}, "deep": [{"inner": None}]},
    {"deep": {"list": [{"n": 1, "m": [1]}], "open": {"a": {"b": 1}}}, "props": {"$email": "a"}},
    {"tags": [{"id": 1, "new": 2}], "things": [{"any": {"thing": 1}}], "phones": ["1", None]},
]


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("names", NAMES, ids=str)
@pytest.mark.parametrize("fields", ROWS, ids=str)
def test_every_key_is_declared_whatever_a_record_has(
    fields: dict[str, Any], names: dict[str, Any], depth: int
) -> None:
    Flattened(depth, **names)(fields)


@pytest.mark.parametrize("depth", DEPTHS)
def test_an_open_object_is_json_text(depth: int) -> None:
    flattened = Flattened(depth)
    assert flattened.map.transformed_schema["properties"]["props"]["type"] == ["null", "string"]
    row = flattened({"props": {"$email": "a", "n": Decimal("1.10")}, "deep": {"open": {"b": 1}}})
    assert row["props"] == '{"$email":"a","n":1.10}'
    assert '{"b":1}' in (row.get("deep__open"), json.loads(row.get("deep", "{}")).get("open"))


def test_a_closed_object_has_its_declared_fields_and_the_others_are_in_extra() -> None:
    fields = {
        "_embedded.source": {"id": 1, "new": [2]},
        "deep": {"inner": {"made_at": 0, "odd": 1, "deepest": {"x": "a", "y": None}}, "z": 3},
        "unknown": 4,
    }
    row = Flattened(5)(fields)
    assert (row["source__id"], row["source__name"]) == (1, None)
    assert (row["deep__inner__made_at"], row["deep__inner__deepest__x"]) == (None, "a")
    assert json.loads(row["extra"]) == {
        "unknown": 4,
        "_embedded.source": {"new": [2]},
        "deep": {"z": 3, "inner": {"odd": 1, "deepest": {"y": None}}},
    }


def test_a_closed_object_that_does_not_fit_is_in_extra_and_its_fields_are_null() -> None:
    row = Flattened(2)({"_embedded.source": {"id": "odd"}})
    assert (row["source__id"], row["source__name"]) == (None, None)
    assert json.loads(row["extra"]) == {"_embedded.source": {"id": "odd"}}


def test_a_list_is_what_the_sdk_makes_of_it() -> None:
    row = Flattened(1)({"tags": [{"id": 1, "new": 2}], "phones": ["1"]})
    assert json.loads(row["tags"]) == [{"id": 1, "new": 2}]
    assert json.loads(row["phones"]) == ["1"]


def test_text_is_not_changed_by_flattening() -> None:
    plain = build_schema(COLUMNS, ("id",), native=False)
    assert build_schema(COLUMNS, ("id",), native=False, flatten=True) == plain
    for fields in ROWS:
        rows = [RecordBuilder(COLUMNS, native=False, flatten=f)("a", fields) for f in (True, False)]
        assert rows[0] == rows[1]


@pytest.mark.parametrize("column", ["source", "deep", "props", "tags"])
@pytest.mark.parametrize("how", ["hidden", "hashed"])
def test_what_is_hidden_or_hashed_stays_so_when_it_is_flattened(column: str, how: str) -> None:
    chosen: dict[str, Any] = {how: (column,)}
    flattened = Flattened(5, Redactor(COLUMNS, key="k", **chosen))
    secret = {"id": 1, "name": "secret", "new": "secret", "inner": {"odd": "secret"}}
    field = "_embedded.source" if column == "source" else column
    row = flattened({field: secret})
    assert "secret" not in json.dumps(row)
    assert not any(name.startswith(f"{column}__") for name in row)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("kqz", min_size=1, max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["id", "name", "inner", "deepest", "list", "open", "x", "y", "i\x00d"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
FLATTENED = {depth: Flattened(depth) for depth in DEPTHS}


def texts(value: Any) -> Iterator[str]:
    """Yield the texts in a value."""
    inside = value.values() if isinstance(value, dict) else value
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for inner in inside:
            yield from texts(inner)


@given(fields=st.dictionaries(st.sampled_from([c.field for c in COLUMNS[1:]]), ANYTHING))
def test_no_record_of_any_kind_has_an_undeclared_key_or_loses_a_text(
    fields: dict[str, Any],
) -> None:
    for flattened in FLATTENED.values():
        emitted = json.dumps(flattened(fields))
        assert [sent for sent in texts(fields) if sent not in emitted] == []
