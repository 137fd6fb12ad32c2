"""A position goes back to the API with the characters that the API wrote."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_leads.replication.errors import PagingError
from tap_leads.replication.positions import Token
from tap_leads.sources.dashly.positions import decode_page, next_token, position_params

DIGITS = st.text("0123456789", min_size=1, max_size=25)
NUMBERS = st.builds(
    "{}{}.{}{}".format, st.integers(1, 9), DIGITS, DIGITS, st.sampled_from(("", "e5", "E-3"))
)
IDS = st.integers(1, 2**64 - 1).map(str)
SPACES = st.sampled_from(("", " ", "  ", "\n"))
FIRST = Token(None, 50)


def returned(text: str, name: str = "next_before_position", data: str = "[]") -> dict[str, Any]:
    """Return the parameters of the page after a body with a position."""
    body = decode_page(f'{{"meta": {{"status": 200, "{name}": {text}}}, "data": {data}}}'.encode())
    token = next_token(body["meta"], 50, FIRST)
    assert token is not None
    return position_params(Token(token, 50))


@given(number=NUMBERS, row=IDS, space=SPACES)
def test_every_digit_and_space_comes_back(number: str, row: str, space: str) -> None:
    text = f"[{number},{space}{row}]"
    assert returned(text)["paginate_position"] == text
    quoted = f'[{number},{space}"{row}"]'
    assert returned(quoted)["paginate_position"] == quoted


def test_half_a_surrogate_pair_elsewhere_changes_nothing() -> None:
    text = "[1684739969.3580850, 1160406004324630614]"
    for data in (r'["\ud83d"]', r'["\\ud83d \udc00"]', r'["\uD83D\uDE00 \ud83d"]'):
        assert returned(text, data=data)["paginate_position"] == text


def test_a_position_that_is_text_is_sent_without_its_quotes() -> None:
    assert returned('"1684739969.3580850"')["paginate_position"] == "1684739969.3580850"


def test_the_older_name_has_the_older_parameters_as_well() -> None:
    params = returned("1684739969.3580850", "next_after")
    assert params["after"] == params["paginate_position"] == "1684739969.3580850"
    assert params["count"] == params["paginate_count"] == 50
    assert "after" not in returned("[1]")


@pytest.mark.parametrize("end", ["null", "[]", '""', "false", "0"])
def test_a_position_that_is_null_or_empty_ends_the_list(end: str) -> None:
    body = decode_page(f'{{"meta": {{"next_before_position": {end}}}, "data": []}}'.encode())
    assert next_token(body["meta"], 50, FIRST) is None


def test_a_short_page_without_a_position_is_the_last_and_a_full_one_is_an_error() -> None:
    assert next_token({"status": 200}, 49, FIRST) is None
    assert next_token({"status": 200}, 80, Token(None, 0)) is None
    with pytest.raises(PagingError):
        next_token({"status": 200}, 50, FIRST)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"meta": {"next_after": [1'])
def test_what_is_not_json_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_page(body)


@pytest.mark.parametrize("value", [None, [], 7, {"meta": None}, {"meta": []}, {"meta": {"a": 1}}])
def test_bodies_without_positions_are_decoded_as_usual(value: Any) -> None:
    assert decode_page(json.dumps(value).encode()) == value
