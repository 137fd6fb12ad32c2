"""Removes NUL: databases reject it, raw in text and escaped in JSON (apis/kommo.md 27)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

encode = msgspec.json.Encoder(decimal_format="number").encode
"""Encodes a value as JSON; numbers keep their precision."""

ESCAPED = "\\u0000"
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
# Preceded by an even number of backslashes: `\\u0000` is a backslash and five characters.
_ESCAPED_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
_SURROGATE = re.compile("[\ud800-\udfff]")


def distinct_names(names: Iterable[str], taken: Collection[str] = ()) -> list[str]:
    """Return names without NUL, made unique so that no value overwrites another.

    A name that becomes equal to another, or to one in `taken`, gets the suffix `_2`, `_3`, ...
    """
    names = list(names)
    used = {name for name in names if "\x00" not in name} | {*taken}
    result: dict[str, None] = {}
    for name in names:
        free = plain = name.replace("\x00", "")
        if plain != name or plain in result:
            count = 1
            while free in used:
                count += 1
                free = f"{plain}_{count}"
            used.add(free)
        result[free] = None
    return [*result]


def without_nul(value: Any) -> Any:
    """Return a value without NUL in its strings and property names; the rest is unchanged."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [without_nul(item) for item in value]
    if isinstance(value, dict):
        return dict(zip(distinct_names(value), map(without_nul, value.values()), strict=True))
    return value


def clean_text(value: str) -> str:
    """Return a string without NUL and, if it is JSON, without escaped NUL.

    The rest of the string is unchanged, unless two property names become equal.
    """
    if "\x00" in value:
        value = value.replace("\x00", "")
    return _clean_json(value) if ESCAPED in value else value


def clean_json(value: Any, encoded: bytes) -> bytes:
    """Return the JSON of a value without NUL; `encoded` is its JSON with NUL."""
    try:
        return encode(without_nul(value))
    except RecursionError:  # JSON may be nested deeper than Python's stack
        return _STRING.sub(_clean_string, encoded.decode()).encode()


def _clean_json(value: str) -> str:
    """Return a string without escaped NUL if it is JSON; any other string is unchanged."""
    has_equal_names = False

    def to_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal has_equal_names
        names = distinct_names(name for name, _ in pairs)
        has_equal_names |= names != [name.replace("\x00", "") for name, _ in pairs]
        return dict(zip(names, (inner for _, inner in pairs), strict=True))

    try:
        parsed = json.loads(
            value,
            strict=False,
            object_pairs_hook=to_object,
            parse_float=_verbatim,
            parse_int=_verbatim,
            parse_constant=_verbatim,
        )
        if has_equal_names:
            return encode(without_nul(parsed)).decode()
    except (RecursionError, UnicodeEncodeError):
        pass
    except ValueError:
        return value
    return _STRING.sub(_clean_string, value)


def _clean_string(match: re.Match[str]) -> str:
    """Return a JSON string literal without escaped NUL."""
    string = match[0]
    if ESCAPED not in string:
        return string
    string = _ESCAPED_NUL.sub(r"\1", string)
    if ESCAPED not in string:
        return string
    content = json.loads(string, strict=False)  # it may be JSON itself
    cleaned = clean_text(content)
    if cleaned == content:
        return string
    ascii_only = string.isascii() or bool(_SURROGATE.search(cleaned))
    return json.dumps(cleaned, ensure_ascii=ascii_only)


def _verbatim(number: str) -> msgspec.Raw:
    """Return a number that is encoded exactly as it is written."""
    return msgspec.Raw(number.encode())
