"""Undocumented values of fields, and what the tap emits for them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.run import Run

    Runner = Callable[..., Run]


SMALLEST, LARGEST = -(2**63), 2**63 - 1
THIRTY_DIGITS = "123456789012345678901234567890"


# Half of a surrogate pair: valid in JSON, and rejected by databases.
HALF = r"\ud83d"


KEPT = [
    ("kommo", "name", '"Лид 🔥 \\"<b>"', 'Лид 🔥 "<b>'),
    ("kommo", "name", r'"a\u0000b\u0000"', "ab"),
    ("kommo", "name", r'"\u0000"', ""),
    ("kommo", "name", r'"\ud83d\ude00"', "😀"),
    ("kommo", "name", '"line\\nline\\ttab"', "line\nline\ttab"),
    ("kommo", "name", '""', ""),
    ("kommo", "name", "null", None),
    ("kommo", "name", "7", "7"),
    ("kommo", "name", '{"a": 1.10}', '{"a":1.10}'),
    ("kommo", "name", f'"{"x" * 1_000_000}"', "x" * 1_000_000),
    ("kommo", "price", "1.0", 1),
    ("kommo", "price", '"250"', 250),
    ("kommo", "price", '"-250"', -250),
    ("kommo", "price", "0", 0),
    ("kommo", "price", str(LARGEST), LARGEST),
    ("kommo", "price", str(SMALLEST), SMALLEST),
    ("kommo", "price", f'"{LARGEST}"', LARGEST),
    ("kommo", "price_with_minor_units", "1499.90", Decimal("1499.90")),
    ("kommo", "price_with_minor_units", "0.1", Decimal("0.1")),
    ("kommo", "price_with_minor_units", "0", Decimal("0.0")),
    ("kommo", "price_with_minor_units", '"12.50"', Decimal("12.50")),
    ("kommo", "price_with_minor_units", THIRTY_DIGITS, Decimal(f"{THIRTY_DIGITS}.0")),
    ("kommo", "price_with_minor_units", f"{THIRTY_DIGITS}.05", Decimal(f"{THIRTY_DIGITS}.05")),
    ("kommo", "price_with_minor_units", "1e3", Decimal("1000.0")),
    ("kommo", "score", "0", None),
    ("kommo", "score", "-1", None),
    ("kommo", "score", "5", 5),
    ("kommo", "source_id", "0", None),
    ("kommo", "loss_reason_id", "0", None),
    ("kommo", "group_id", "0", 0),
    ("kommo", "created_by", "0", 0),
    ("kommo", "closed_at", "0", None),
    ("kommo", "closed_at", "1577836800", "2020-01-01T00:00:00.000000Z"),
    ("kommo", "closed_at", "-126230400", "1966-01-01T00:00:00.000000Z"),
    ("kommo", "closed_at", '"2020-01-01T09:30:00+03:00"', "2020-01-01T06:30:00.000000Z"),
    ("kommo", "closed_at", '"2020-01-01"', "2020-01-01T00:00:00.000000Z"),
    ("kommo", "closed_at", "253402300799", "9999-12-31T23:59:59.000000Z"),
    ("kommo", "is_price_computed", "1", True),
    ("kommo", "is_price_computed", "0", False),
    ("kommo", "custom_fields_values", "[]", "[]"),
    ("kommo", "custom_fields_values", "null", None),
    ("kommo", "custom_fields_values", '{"a": [1.10]}', '{"a":[1.10]}'),
    ("kommo", "custom_fields_values", f"[{THIRTY_DIGITS}]", f"[{THIRTY_DIGITS}]"),
    ("dashly", "$name", "12345", "12345"),
    ("dashly", "$name", "true", "true"),
    ("dashly", "$name", '["a", "b"]', '["a","b"]'),
    ("dashly", "$email", r'"a\u0000@example.org"', "a@example.org"),
    ("dashly", "$sessions", "3", 3),
    ("dashly", "$sessions", '"3"', 3),
    ("dashly", "$sessions", "3.0", 3),
    ("dashly", "$last_contacted", '"2016-02-12"', "2016-02-12T00:00:00.000000Z"),
    ("dashly", "$last_contacted", '"2016-02-12T15:33:31.25"', "2016-02-12T15:33:31.250000Z"),
    ("dashly", "$last_contacted", '"2016-02-12T15:33:31Z"', "2016-02-12T15:33:31.000000Z"),
    ("octanist", "value", "1250.10", Decimal("1250.10")),
    ("octanist", "value", '"1250.10"', Decimal("1250.10")),
    ("octanist", "value", f"{THIRTY_DIGITS}.05", Decimal(f"{THIRTY_DIGITS}.05")),
    ("octanist", "value", "0", Decimal("0.0")),
    ("octanist", "custom", r'"{\"a\":  1.10}"', '{"a":  1.10}'),
    ("octanist", "custom", '"not JSON at all"', "not JSON at all"),
    ("octanist", "custom", '{"a": 1.10}', '{"a":1.10}'),
    ("octanist", "custom", '["a"]', '["a"]'),
    ("octanist", "googleAdsAdId", '"0067"', "0067"),
    ("octanist", "googleAdsAdId", THIRTY_DIGITS, THIRTY_DIGITS),
    ("octanist", "note", r'"\u0000Лид"', "Лид"),
    ("octanist", "expiresAt", '"2026-01-15T10:30:00.123Z"', "2026-01-15T10:30:00.123000Z"),
    ("octanist", "expiresAt", '"2026-01-15T10:30:00+02:00"', "2026-01-15T08:30:00.000000Z"),
    ("octanist", "status", '"archived"', "archived"),
    ("octanist", "source", '"carrier pigeon"', "carrier pigeon"),
]


MISFITS = [
    ("kommo", "price", "1.5", "1.5"),
    ("kommo", "price", "true", "true"),
    ("kommo", "price", '"much"', '"much"'),
    ("kommo", "price", "[250]", "[250]"),
    ("kommo", "price", str(LARGEST + 1), str(LARGEST + 1)),
    ("kommo", "price", str(SMALLEST - 1), str(SMALLEST - 1)),
    ("kommo", "price", THIRTY_DIGITS, THIRTY_DIGITS),
    ("kommo", "price", f'"{LARGEST + 1}"', f'"{LARGEST + 1}"'),
    ("kommo", "price_with_minor_units", "NaN", "null"),
    ("kommo", "price_with_minor_units", "-Infinity", "null"),
    ("kommo", "price_with_minor_units", '"NaN"', '"NaN"'),
    ("kommo", "price_with_minor_units", "true", "true"),
    ("kommo", "price_with_minor_units", '"12,50"', '"12,50"'),
    ("kommo", "price_with_minor_units", '"1_000"', '"1_000"'),
    ("kommo", "price_with_minor_units", "{}", "{}"),
    ("kommo", "price_with_minor_units", "1e400", "1E+400"),
    ("kommo", "score", "1.5", "1.5"),
    ("kommo", "closed_at", '"soon"', '"soon"'),
    ("kommo", "closed_at", '""', '""'),
    ("kommo", "closed_at", "true", "true"),
    ("kommo", "closed_at", "1577836800000000", "1577836800000000"),
    ("kommo", "closed_at", "[]", "[]"),
    ("kommo", "is_price_computed", '"yes"', '"yes"'),
    ("kommo", "is_price_computed", "2", "2"),
    ("kommo", "is_price_computed", "[]", "[]"),
    ("kommo", "labour", "12", "12"),
    ("kommo", "label", '"Лид \\ud83d\\ude00"', '"Лид 😀"'),
    ("dashly", "$sessions", '"many"', '"many"'),
    ("dashly", "$sessions", "2.5", "2.5"),
    ("dashly", "$sessions", THIRTY_DIGITS, THIRTY_DIGITS),
    ("dashly", "$last_contacted", '"never"', '"never"'),
    ("dashly", "$last_contacted", '"0000-00-00T00:00:00"', '"0000-00-00T00:00:00"'),
    ("dashly", "$last_contacted", "1455291211", "1455291211"),
    ("octanist", "value", '"a lot"', '"a lot"'),
    ("octanist", "value", "NaN", "null"),
    ("octanist", "ad_storage", '"granted"', '"granted"'),
    ("octanist", "qualifiedAt", '"15.01.2026"', '"15.01.2026"'),
    ("octanist", "qualifiedAt", "1768473000", "1768473000"),
    ("octanist", "currency", '"EUR"', '"EUR"'),
    ("octanist", "wonAt", '{"deep": [1.10, null]}', '{"deep":[1.10,null]}'),
]


MIXED = {
    "order number": ("42", "42"),
    "order_number": ('"0042"', "0042"),
    "Тариф": ('"Про"', "Про"),
    "newsletter": ("false", "false"),
    "list": ('["a", 1]', '["a",1]'),
    "empty": ('""', ""),
    "large": (THIRTY_DIGITS, THIRTY_DIGITS),
    "small": ("0.10", "0.10"),
    "nothing": ("null", None),
    "$event_18_first": ('"2014-06-15T22:14:08"', "2014-06-15T22:14:08"),
}
