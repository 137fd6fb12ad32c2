"""Whatever JSON an API sends, a row can be made of it, keeps its schema, and loses nothing."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tap_leads.records.builder import RecordBuilder
from tap_leads.records.columns import (
    OWN_FIELDS,
    UNRELATED,
    Column,
    Nested,
    Texts,
    build_schema,
)
from tap_leads.records.convert import (
    BOOLEAN,
    EMAIL,
    INTEGER,
    ISO_TIME,
    JSON,
    NUMBER,
    PHONE,
    POSITIVE,
    TEXT,
    UNIX_TIME,
    Type,
)
from tap_leads.records.privacy import Redactor
from tests.support.moments import FORMATS

TYPES: dict[str, Type | Nested] = {
    "text": TEXT,
    "email": EMAIL,
    "phone": PHONE,
    "integer": INTEGER,
    "positive": POSITIVE,
    "number": NUMBER,
    "boolean": BOOLEAN,
    "unix_time": UNIX_TIME,
    "iso_time": ISO_TIME,
    "json": JSON,
    "texts": Texts(),
    "list": Nested({"a": INTEGER, "b": Nested({"a": NUMBER}, many=False)}),
    "object": Nested({"a": TEXT, "b": Nested({"a": ISO_TIME})}, many=False),
    "open_list": Nested({"a": BOOLEAN}, rest=TEXT, members=UNRELATED),
    "open_object": Nested({}, many=False, rest=TEXT, members=OWN_FIELDS),
}
COLUMNS = tuple(Column(name, kind, f"A column: {name}.") for name, kind in TYPES.items())
REPEATS = tuple(Column(f"{name}_too", kind, "", repeats="email") for name, kind in TYPES.items())
NUMBERS = (
    st.integers()
    | st.integers(-(2**70), 2**70)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.sampled_from([Decimal("1E+999999999"), Decimal("-1E-999999999"), Decimal("1E+18")])
    | st.floats()
)
STRINGS = (
    st.text()
    | st.from_regex(r"-?[0-9]{1,20}(\.[0-9]{1,3})?([eE][0-9]{1,12})?", fullmatch=True)
    | st.datetimes().map(str)
    | st.sampled_from(["true", "0", "NaN", "0000-00-00", "9999-12-31T23:59:59-23:59", "[1]"])
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | STRINGS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "c", "email"]) | st.text(), inner, max_size=3)
    ),
    max_leaves=6,
)
RECORDS = st.dictionaries(
    st.sampled_from([column.name for column in (*COLUMNS, *REPEATS)]) | st.text(max_size=5),
    ANYTHING,
)


def made(columns: tuple[Column, ...], redactor: Redactor, **form: bool) -> Any:
    """A builder of rows, and a check of their schema."""
    form = {"native": False, "flatten": False, **form}
    schema = build_schema(columns, (), hashed=redactor.hashed, **form)
    validator = Draft202012Validator(schema, format_checker=FORMATS)
    return RecordBuilder(columns, redactor, **form), validator, schema


MADE = [
    made((*COLUMNS, *REPEATS), Redactor((*COLUMNS, *REPEATS), hashed=hashed, key="k"), **form)
    for hashed in ((), ("email",), ("json", "object", "number"))
    for form in ({}, {"native": True}, {"native": True, "flatten": True})
]


@given(fields=RECORDS)
@example({name: [0, [1, 5], -1] for name in TYPES})
@example(dict.fromkeys(TYPES, Decimal("1E+999999999")))
@example(dict.fromkeys([*TYPES, "new"], 10**4000))
@example(dict.fromkeys(TYPES, "9" * 5000))
def test_a_row_keeps_its_schema_whatever_the_api_sends(fields: dict[str, Any]) -> None:
    for build, validator, schema in MADE:
        row = build("acme", fields)
        assert list(row) == list(schema["properties"])
        plain = json.loads(json.dumps(row, default=float))
        assert [error.message for error in validator.iter_errors(plain)] == []


@given(
    number=NUMBERS.filter(lambda n: not isinstance(n, float) and abs(Decimal(n).adjusted()) < 200)
)
def test_a_number_is_as_exact_as_it_came(number: Any) -> None:
    build = RecordBuilder(COLUMNS, native=True)
    row = build("acme", {"number": number, "text": number, "json": [number], "new": number})
    if row["number"] is not None:
        assert row["number"] == number
    for text in (row["text"], row["json"][1:-1], row["extra"].split(":")[-1].rstrip("}")):
        assert Decimal(text) == number


@given(fields=RECORDS)
def test_what_does_not_fit_is_kept_in_extra(fields: dict[str, Any]) -> None:
    row = RecordBuilder(COLUMNS, native=False)("acme", fields)
    extra = json.loads(row["extra"] or "{}")
    for name, value in fields.items():
        is_empty = value is None or (name in {"positive", "unix_time"} and row[name] is None)
        if name in TYPES and row[name] is None and not is_empty:
            assert name in extra
        if name not in TYPES:
            assert name.replace("\x00", "") in extra
