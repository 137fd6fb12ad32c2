"""A NUL reaches no target: databases reject it, raw in a text and escaped in JSON text."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_leads.records.builder import RecordBuilder
from tap_leads.records.columns import OWN_FIELDS, UNRELATED, Column, Nested, Texts
from tap_leads.records.convert import INTEGER, JSON, TEXT, json_text, text
from tap_leads.records.privacy import Redactor

NUL = "\x00"
COLUMNS = (
    Column("name", TEXT, "Name."),
    Column("json", JSON, "JSON."),
    Column("names", Texts(), "Names."),
    Column("tags", Nested({"id": INTEGER, "name": TEXT}), "Tags."),
    Column("source", Nested({"id": INTEGER, "name": TEXT}, many=False), "Source."),
    Column("props", Nested({}, many=False, rest=TEXT, members=OWN_FIELDS), "Properties."),
    Column("list", Nested({}, rest=TEXT, members=UNRELATED), "A list."),
)
DIRTY: list[Any] = [
    f"a{NUL}b",
    NUL,
    {f"n{NUL}k": "v"},
    [{"values": [{"value": f"a{NUL}b"}]}],
    {"deep": [{f"{NUL}er": [NUL, {"est": f"{NUL}{NUL}"}]}]},
    '{"company": "a\\u0000b"}',
    {"text": '{"a\\u0000": "\\u0000"}'},
    [[['"\\u0000"']]],
    f'{{"raw{NUL}": "a\\u0000"}}',
]
FORMS = [True, False]


def row_of(fields: dict[str, Any], *, native: bool) -> dict[str, Any]:
    return RecordBuilder(COLUMNS, native=native)("acme", fields)


def has_nul(value: Any) -> bool:
    """True for a NUL in a value or name, or escaped in a text that is JSON."""
    if isinstance(value, dict):
        return any(map(has_nul, [*value, *value.values()]))
    if isinstance(value, list):
        return any(map(has_nul, value))
    if not isinstance(value, str):
        return False
    if NUL in value:
        return True
    try:
        inner = json.loads(value, strict=False)
    except ValueError:
        return False
    return has_nul(inner)


@pytest.mark.parametrize("native", FORMS)
@pytest.mark.parametrize("value", DIRTY)
def test_a_nul_is_in_no_column_and_not_in_extra(value: Any, native: bool) -> None:
    fields = dict.fromkeys((*(column.name for column in COLUMNS), "unknown"), value)
    assert any(map(has_nul, fields.values()))
    row = row_of(fields, native=native)
    assert not has_nul(row), row


# The texts of an API that are themselves JSON


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (r'{"company":  "a\u0000b", "n": 1.10}', '{"company":  "ab", "n": 1.10}'),
        (r'{"a\u0000": "\u0000\u0000é\u00e9"}', r'{"a": "é\u00e9"}'),
        (r'["\\\u0000"]', r'["\\"]'),
        (r'"\u0000"', '""'),
        (r'{"path": "C:\\u0000"}', r'{"path": "C:\\u0000"}'),
        (r"C:\u0000", r"C:\u0000"),
        (r'{"cut off": "\u0000', r'{"cut off": "\u0000'),
        ('{"lines": "a\nb\\u0000"}', '{"lines": "a\nb"}'),
        (f'{{"a": "x\\{NUL}u0000"}}', '{"a": "x"}'),
        (r'[1E400, 1.0, 100000000000000000000, NaN, "\u0000"]', None),
    ],
)
def test_an_escape_is_removed_from_a_text_and_the_rest_stays_as_it_came(
    sent: str, kept: str | None
) -> None:
    assert text(sent) == (sent.replace(r"\u0000", "") if kept is None else kept)


def test_an_escape_in_json_inside_of_json_is_removed_too() -> None:
    inner = json.dumps({"b": f"x{NUL}"})
    sent = json.dumps({"a": inner, "c": 1.10})
    assert text(sent) == json.dumps({"a": json.dumps({"b": "x"}), "c": 1.10})


@pytest.mark.parametrize("ascii_only", [True, False])
def test_json_inside_of_json_keeps_its_spelling_of_other_letters(ascii_only: bool) -> None:
    before, after = (
        json.dumps({"a": json.dumps([each], ensure_ascii=False)}, ensure_ascii=ascii_only)
        for each in (f"é{NUL}", "é")
    )
    assert text(before) == after


def test_half_a_letter_in_json_inside_of_json_is_kept_as_an_escape() -> None:
    sent = r'{"a": "é [\"\ud800\u0000\"]", "b": "[\"é\ud800\\u0000\"]"}'
    assert text(sent).encode()
    assert json.loads(text(sent))["b"] == '["é\ud800"]'


def test_json_inside_of_json_may_have_a_raw_line_break() -> None:
    sent = json.dumps({"a": json.dumps([NUL])}).replace("[", "[\n")
    assert json.loads(text(sent)) == {"a": '[\n""]'}


def test_a_very_deep_text_is_cleaned_too() -> None:
    deep = "[" * 5000 + r'"\u0000"' + "]" * 5000
    assert text(deep) == deep.replace(r"\u0000", "")
    value: Any = NUL
    for _ in range(600):
        value = [value]
    assert NUL not in json.loads(json_text(value).replace("[", "").replace("]", ""))


# Names that become equal


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({f"n{NUL}k": 1, "nk": 2}, {"nk_2": 1, "nk": 2}),
        ({"nk": 1, f"n{NUL}k": 2, f"nk{NUL}": 3}, {"nk": 1, "nk_2": 2, "nk_3": 3}),
        ({f"n{NUL}": 1, f"{NUL}n": 2, "n_2": 3}, {"n": 1, "n_3": 2, "n_2": 3}),
    ],
)
def test_no_value_is_lost_where_two_names_become_equal(
    sent: dict[str, int], kept: dict[str, int]
) -> None:
    assert json.loads(json_text(sent)) == kept
    assert json.loads(text(json.dumps(sent))) == kept
    row = row_of({"props": sent, "unknown": sent}, native=True)
    assert row["props"] == {name: str(value) for name, value in kept.items()}
    assert json.loads(row["extra"]) == {"unknown": kept}


def test_numbers_stay_exact_where_names_in_a_text_become_equal() -> None:
    assert text(r'{"a\u0000": 1.10, "a": 1e400}') == '{"a_2":1.10,"a":1e400}'
    assert text(r'{"a\u0000": -0, "a": NaN}') == '{"a_2":-0,"a":NaN}'


def test_names_that_become_equal_in_one_object_of_several_lose_no_value() -> None:
    assert text(r'[{"a\u0000": 1, "a": 2}, {"b": 3}]') == '[{"a_2":1,"a":2},{"b":3}]'


def test_a_name_does_not_become_that_of_a_declared_field() -> None:
    row = row_of({"tags": [{f"i{NUL}d": "odd", "name": "a"}]}, native=True)
    assert row["tags"] == [{"id": None, "name": "a", "id_2": "odd"}]


def test_a_field_does_not_become_one_of_a_column() -> None:
    row = row_of({f"na{NUL}me": 1, "name": "a"}, native=False)
    assert row["name"] == "a"
    assert row["extra"] == '{"name":1}'


def test_a_name_with_a_nul_is_hidden_and_hashed_as_the_one_without() -> None:
    fields = {"props": {f"na{NUL}me": "secret", "name": "secret"}, f"{NUL}name": "secret"}
    for chosen in ({"hidden": ("name",)}, {"hashed": ("name",)}):
        row = RecordBuilder(COLUMNS, Redactor(COLUMNS, **chosen), native=True)("acme", fields)  # type: ignore[arg-type]  # one of the two
        assert "secret" not in json.dumps(row)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.sampled_from('a\x00\\u0"é{}:1')),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.sampled_from("ab\x00"), max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def leaves(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(leaves, value.values()))
    return sum(map(leaves, value)) if isinstance(value, list) else 1


@given(value=JSON_VALUES, layers=st.integers(0, 2))
def test_no_nul_is_left_and_no_value_lost_in_any_json(value: Any, layers: int) -> None:
    sent = value
    for _ in range(layers):
        sent = json.dumps(sent)
    for cleaned in (text(sent), json_text(sent), text(json.dumps(sent, ensure_ascii=False))):
        assert not has_nul(cleaned)
    assert leaves(json.loads(json_text(value))) == leaves(value)
    plain = json.dumps(value, ensure_ascii=False)
    if not re.search("\x00|u0000", plain):
        assert text(plain) == plain
