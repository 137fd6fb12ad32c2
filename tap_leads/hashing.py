"""Values that leave as keyed hashes: the same for the same person in every source."""

from __future__ import annotations

import difflib
import hmac
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tap_leads.columns import TEXT, MisfitError, Nested, Type, json_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_leads.settings import Config


# Columns of custom fields are known only once an account was asked.
_CUSTOM_FIELD = re.compile(r"(^|_(leads|contacts|companies)\.)cf_\d+(_enum_id)?$")


def hashed(kind: Type | Nested, key: str) -> Type:
    """The type of a column whose values leave as HMAC-SHA256 in hex, null where nothing is left."""
    normal = kind.normal if isinstance(kind, Type) else str.strip

    def put(value: Any) -> str | None:
        with suppress(MisfitError, TypeError, ValueError):  # it must not be told in `extra` either
            value = kind.put(value)
        text = normal(value if isinstance(value, str) else json_text(value))
        return hmac.digest(key.encode(), text.encode(), "sha256").hex() if text else None

    return Type(TEXT.schema, put)


def hashed_columns(stream: str, config: Mapping[str, Any]) -> frozenset[str]:
    """The columns of a stream that are to be hashed."""
    names = (name.rpartition(".") for name in config.get("hash_fields", ()))
    return frozenset(column for prefix, _, column in names if prefix in {"", stream})


def problems(config: Config, columns: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """What is wrong with `hash_fields`; `columns` has those of each stream that may be hashed."""
    known = {name for names in columns.values() for name in names}
    known |= {f"{stream}.{name}" for stream, names in columns.items() for name in names}
    for index, name in enumerate(config.get("hash_fields", ())):
        if name not in known and not _CUSTOM_FIELD.search(name):
            close = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {close[0]}?" if close else ""
            yield f"hash_fields[{index}]: no stream has such a column, or it is a key{hint}"
    if config.get("hash_fields") and "hash_key" not in config:
        yield "hash_key: must be set where `hash_fields` is"
