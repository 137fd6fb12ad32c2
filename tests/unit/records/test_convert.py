"""A value of any kind, put into a column of any type."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tap_leads.records.builder import RecordBuilder
from tap_leads.records.columns import Column
from tap_leads.records.convert import (
    BOOLEAN,
    INTEGER,
    ISO_TIME,
    JSON,
    NUMBER,
    POSITIVE,
    TEXT,
    UNIX_TIME,
    Type,
)

LARGEST = 2**63 - 1
THIRTY_DIGITS = 123456789012345678901234567890

KEPT: list[tuple[Type, Any, Any]] = [
    (TEXT, "a", "a"),
    (TEXT, "", ""),
    (TEXT, 7, "7"),
    (TEXT, True, "true"),
    (TEXT, {"a": Decimal("1.10")}, '{"a":1.10}'),
    (TEXT, '{"a":  1.10}', '{"a":  1.10}'),
    (TEXT, THIRTY_DIGITS, str(THIRTY_DIGITS)),
    (JSON, "a", '"a"'),
    (JSON, [Decimal("0.10"), None], "[0.10,null]"),
    (INTEGER, 0, 0),
    (INTEGER, Decimal("1.0"), 1),
    (INTEGER, "-250", -250),
    (INTEGER, LARGEST, LARGEST),
    (INTEGER, -LARGEST - 1, -LARGEST - 1),
    (INTEGER, str(LARGEST), LARGEST),
    (POSITIVE, 1, 1),
    (POSITIVE, 0, None),
    (POSITIVE, -1, None),
    (NUMBER, Decimal("1499.90"), Decimal("1499.90")),
    (NUMBER, 0, Decimal("0.0")),
    (NUMBER, "12.50", Decimal("12.50")),
    (NUMBER, 0.1, Decimal("0.1")),
    (NUMBER, Decimal("1E+3"), Decimal("1000.0")),
    (NUMBER, Decimal("1E+300"), Decimal(f"{10**300}.0")),
    (NUMBER, THIRTY_DIGITS, Decimal(f"{THIRTY_DIGITS}.0")),
    (BOOLEAN, True, True),
    (BOOLEAN, 0, False),
    (BOOLEAN, Decimal("1.0"), True),
    (UNIX_TIME, 0, None),
    (UNIX_TIME, 1577836800, "2020-01-01T00:00:00.000000Z"),
    (UNIX_TIME, "1577836800", "2020-01-01T00:00:00.000000Z"),
    (UNIX_TIME, "20200101", "2020-01-01T00:00:00.000000Z"),
    (UNIX_TIME, -126230400, "1966-01-01T00:00:00.000000Z"),
    (UNIX_TIME, "2020-01-01T09:30:00+03:00", "2020-01-01T06:30:00.000000Z"),
    (UNIX_TIME, 253402300799, "9999-12-31T23:59:59.000000Z"),
    (ISO_TIME, "2016-02-12", "2016-02-12T00:00:00.000000Z"),
    (ISO_TIME, "2016-02-12T15:33:31.25", "2016-02-12T15:33:31.250000Z"),
]
MISFITS: list[tuple[Type, Any, str]] = [
    (INTEGER, Decimal("1.5"), "1.5"),
    (INTEGER, True, "true"),
    (INTEGER, "many", '"many"'),
    (INTEGER, [250], "[250]"),
    (INTEGER, LARGEST + 1, str(LARGEST + 1)),
    (INTEGER, str(LARGEST + 1), f'"{LARGEST + 1}"'),
    (INTEGER, Decimal("1E+400"), "1E+400"),
    (POSITIVE, Decimal("1.5"), "1.5"),
    (NUMBER, float("nan"), "null"),
    (NUMBER, "NaN", '"NaN"'),
    (NUMBER, True, "true"),
    (NUMBER, "12,50", '"12,50"'),
    (NUMBER, "1_000", '"1_000"'),
    (NUMBER, {}, "{}"),
    (NUMBER, [0, [1, 5], -1], "[0,[1,5],-1]"),
    (INTEGER, Decimal("1E+999999999"), "1E+999999999"),
    (NUMBER, Decimal("1E-999999999"), "1E-999999999"),
    (NUMBER, Decimal("1E+301"), "1E+301"),
    (BOOLEAN, "yes", '"yes"'),
    (BOOLEAN, 2, "2"),
    (BOOLEAN, [], "[]"),
    (UNIX_TIME, "soon", '"soon"'),
    (UNIX_TIME, "", '""'),
    (UNIX_TIME, True, "true"),
    (UNIX_TIME, 1577836800000000, "1577836800000000"),
    (ISO_TIME, "0000-00-00T00:00:00", '"0000-00-00T00:00:00"'),
    (ISO_TIME, 1455291211, "1455291211"),
]


def row_of(kind: Type, value: Any) -> dict[str, Any]:
    return RecordBuilder((Column("a", kind, "A."),), native=False)("acme", {"a": value})


@pytest.mark.parametrize(("kind", "value", "kept"), KEPT)
def test_a_value_that_fits_is_kept_exactly(kind: Type, value: Any, kept: Any) -> None:
    row = row_of(kind, value)
    assert row["a"] == kept
    assert type(row["a"]) is type(kept)
    assert str(row["a"]) == str(kept)  # 1499.90 keeps its last digit
    assert row["extra"] is None


@pytest.mark.parametrize(("kind", "value", "kept"), MISFITS)
def test_a_value_that_does_not_fit_is_null_and_kept_in_extra(
    kind: Type, value: Any, kept: str
) -> None:
    assert row_of(kind, value) == {"account": "acme", "a": None, "extra": f'{{"a":{kept}}}'}


def test_a_type_has_a_name_for_the_state() -> None:
    day = Type({"type": ["null", "string"], "format": "date"}, str)
    kinds = (TEXT, INTEGER, NUMBER, BOOLEAN, UNIX_TIME, day)
    names = ["text", "integer", "number", "boolean", "date-time", "date"]
    assert [kind.name for kind in kinds] == names


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1684739969.358085"), "2023-05-22T07:19:29.358085Z"),
        (Decimal("1684739969.3580859"), "2023-05-22T07:19:29.358085Z"),
        (Decimal(1684739969), "2023-05-22T07:19:29.000000Z"),
        (Decimal("-0.5"), "1969-12-31T23:59:59.500000Z"),
    ],
)
def test_unix_seconds_with_a_fraction_keep_every_microsecond(value: Decimal, text: str) -> None:
    assert UNIX_TIME.convert(value) == text


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1E+999999", "1E+15"])
def test_a_number_that_is_no_moment_is_a_misfit(value: str) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        UNIX_TIME.convert(Decimal(value))
