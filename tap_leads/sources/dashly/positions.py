"""Positions in lists that are paged by a cursor, exactly as the API wrote them.

https://developers.dashly.io/webapi/pagination
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from tap_leads.replication.errors import PagingError
from tap_leads.rest.body import decode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_leads.replication.positions import Token

# The older name has the older parameters (apis/dashly.md 23).
_NAMES = {
    "next_before_position": ("paginate_position",),
    "next_after": ("paginate_position", "after"),
}
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


class _Body(msgspec.Struct):
    meta: dict[str, msgspec.Raw]


_decode_meta = msgspec.json.Decoder(_Body).decode


def decode_page(body: bytes) -> Any:
    """Return the value of a JSON body, with positions as the text that the API wrote.

    A position holds numbers that no number type keeps unchanged (apis/dashly.md 22).

    Raises:
        ValueError: The body is not JSON.
    """
    value = decode(body)
    meta = value.get("meta") if isinstance(value, dict) else None
    if isinstance(meta, dict) and not meta.keys().isdisjoint(_NAMES):
        exact = _exact_meta(body)
        for name in meta.keys() & _NAMES:
            meta[name] = _text(meta[name], exact[name])
    return value


def _exact_meta(body: bytes) -> Mapping[str, msgspec.Raw]:
    """Return the `meta` of a body, with each value as the API wrote it."""
    try:
        return _decode_meta(body).meta
    except msgspec.DecodeError:  # half of a surrogate pair, see `decode`
        return _decode_meta(_SURROGATE.sub(rb"\\u003f", body)).meta


def _text(value: Any, exact: msgspec.Raw) -> str | None:
    """Return a position as text; None if it is null or empty, which ends the list."""
    if not value:
        return None
    return value if isinstance(value, str) else bytes(exact).decode()


def next_token(meta: Mapping[str, Any], rows: int, at: Token) -> str | None:
    """Return a token for the page after one, None if that is the last page.

    Raises:
        PagingError: A full page does not show whether more rows follow.
    """
    for name in _NAMES:
        if meta.get(name) is not None:
            return f"{name} {meta[name]}"
    if meta.keys().isdisjoint(_NAMES) and at.limit and rows >= at.limit:
        raise PagingError("the API returned a full page without the position of the next page")
    return None


def position_params(at: Token) -> dict[str, Any]:
    """Return the parameters for the page at a token of `next_token`, or for the first page.

    A list whose page size is 0 has no parameters for its first page.
    """
    params: dict[str, Any] = {"id_as_string": "true"}  # IDs use all 64 bits (apis/dashly.md 9)
    if at.limit:
        params |= {"paginate_count": at.limit, "paginate_direction": "before"}
    if at.value is not None:
        name, _, position = at.value.partition(" ")
        params |= dict.fromkeys(_NAMES[name], position)
        if "after" in params and at.limit:
            params["count"] = at.limit
    return params
