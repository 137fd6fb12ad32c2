"""JSON bodies."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tap_leads.rest.body import decode


@pytest.mark.parametrize("body", [b"", b"{", b'{"a": ', b"<html></html>", b'{"a": "\xff"}'])
def test_a_body_that_is_not_json_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"Expecting|codec|Invalid"):
        decode(body)


def test_half_a_surrogate_pair_is_dropped_and_the_rest_kept() -> None:
    assert decode(b'{"a\\ud83d": ["x\\ude00y", "\\ud83d\\ude00"]}') == {"a": ["xy", "\U0001f600"]}


@pytest.mark.parametrize("suffix", ["", '", "b": "\\ud83d'])
def test_numbers_keep_all_their_digits(suffix: str) -> None:
    digits = "12345678901234567890.12345678901234567890"
    decoded = decode(f'{{"n": {digits}, "i": 9007199254740993, "a": "{suffix}"}}'.encode())
    assert decoded["n"] == Decimal(digits)
    assert decoded["i"] == 9007199254740993


def test_a_body_that_is_nested_too_deeply_is_a_recursion_error() -> None:
    with pytest.raises(RecursionError):
        decode(b"[[" * 50_000)
