"""Decode JSON bodies without losing digits."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import msgspec

decode_strictly = msgspec.json.Decoder(float_hook=Decimal).decode
"""Returns the value of a JSON body, numbers with a fraction as Decimal; see `decode`."""
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def decode(body: bytes) -> Any:
    """Return the value of a JSON body: numbers with a fraction as Decimal.

    Half of a surrogate pair is dropped: JSON allows it, but no database stores it. `msgspec`
    rejects a body that contains one, so the standard library decodes that body.

    Raises:
        ValueError: The body is not JSON.
        RecursionError: The body is nested too deeply.
    """
    try:
        return decode_strictly(body)
    except msgspec.DecodeError:
        return _without_surrogates(json.loads(body, parse_float=Decimal))


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("", value)
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(k): _without_surrogates(v) for k, v in value.items()}
    return value
