"""Values of custom fields: their column types and their redaction.

https://developers.kommo.com/reference/custom-fields-by-entity
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

from tap_leads.records.columns import Nested
from tap_leads.records.convert import (
    BOOLEAN,
    INTEGER,
    JSON,
    NUMBER,
    TEXT,
    UNIX_TIME,
    MisfitError,
    Type,
)
from tap_leads.sources.kommo.api import objects
from tap_leads.timestamps import from_text, from_unix_seconds, to_text

if TYPE_CHECKING:
    from tap_leads.records.privacy import Redactor
    from tap_leads.replication.model import Record

COLUMN_OF_CODE = {"PHONE": "phone", "EMAIL": "email"}
"""The columns that repeat custom fields with these codes (apis/kommo.md 39)."""
_REPEATED = (*COLUMN_OF_CODE.values(),)
OPTIONS = frozenset({"select", "radiobutton", "category"})
"""Field types whose value is one of several options."""
DAYS = frozenset({"date", "birthday"})


def seconds_of(value: Any) -> int | None:
    """Return Unix seconds, also from a string; None for anything else."""
    if isinstance(value, str):
        return int(value) if re.fullmatch(r"-?\d{1,12}", value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _to_date_time(value: Any) -> str:
    """Return Unix seconds, including 0, or an ISO 8601 date-time as a UTC date-time."""
    seconds = seconds_of(value)
    moment = from_text(value) if seconds is None else from_unix_seconds(seconds)
    result = None if moment is None else to_text(moment)
    if result is None:
        raise MisfitError
    return result


def _to_day(value: Any) -> str:
    """Return the date of an ISO 8601 date or date-time, in its own offset."""
    if from_text(value) is None:
        raise MisfitError
    return date.fromisoformat(value[:10]).isoformat()


DATE_TIME = Type(UNIX_TIME.schema, _to_date_time)
DAY = Type({"type": ["null", "string"], "format": "date"}, _to_day)
_TYPES: dict[str, Type] = {
    **dict.fromkeys(("numeric", "monetary", "price"), NUMBER),
    **dict.fromkeys(DAYS, DAY),
    **dict.fromkeys(
        (
            "multiselect",
            "multitext",
            "smart_address",
            "legal_entity",
            "linked_entity",
            "chained_list",
            "items",
            "file",
            "payer",
            "supplier",
        ),
        JSON,
    ),
    "checkbox": BOOLEAN,
    "date_time": DATE_TIME,
}
KEPT_TYPES = {
    "text": TEXT,
    "number": NUMBER,
    "boolean": BOOLEAN,
    "date-time": DATE_TIME,
    "date": DAY,
    "integer": INTEGER,
}
"""The column types by their names in the state."""


def column_type(field_type: str) -> Type:
    """Return the column type for one of Kommo's field types; text if it is unknown."""
    return _TYPES.get(field_type, TEXT)


def redact(customs: Any, redactor: Redactor) -> Any:
    """Return `custom_fields_values` without hidden values, and with hashed values replaced.

    A field is hidden or hashed like its column `cf_<id>`, and like `phone` or `email` if it has
    their code. Deselecting `cf_<id>` removes the field; deselecting `phone` removes only values.
    """
    kept = [
        redact_field(custom, redactor)
        for custom in objects(customs)
        if f"cf_{custom.get('field_id')}" not in redactor.hidden
    ]
    return kept or None


def redact_field(custom: Record, redactor: Redactor) -> Record:
    """Return one field of `custom_fields_values`, redacted."""
    name, values = f"cf_{custom.get('field_id')}", custom.get("values") or ()
    for column in (name, f"{name}_enum_id"):
        if column in redactor.hashed:
            hashes = [redactor.redact(column, v.get("value", v)) for v in objects(values)]
            return {**custom, "values": [{"value": each} for each in hashes]}
    code = COLUMN_OF_CODE.get(str(custom.get("field_code")))
    if code and (redactor.is_hashed(code) or redactor.is_hidden(code)):
        return {**custom, "values": redact_items(values, redactor, column=code)}
    if f"{name}_enum_id" in redactor.hidden:
        bare = [{k: v for k, v in each.items() if k != "enum_id"} for each in objects(values)]
        return {**custom, "values": bare}
    return custom


def redact_items(items: Any, redactor: Redactor, *, column: str) -> list[Record]:
    """Return the values of a field that repeats a column, hidden or hashed like that column."""
    return [
        {**each, "value": redactor.redact(column, each.get("value"))} for each in objects(items)
    ]


def redact_unknown(value: Any, redactor: Redactor) -> Any:
    """Return the value of a field without a definition; None if it may contain a hidden phone."""
    is_private = any(redactor.is_hidden(c) or redactor.is_hashed(c) for c in _REPEATED)
    return None if is_private and isinstance(value, list) else value


CUSTOM_FIELDS = Nested(
    {
        "field_id": INTEGER,
        "field_name": TEXT,
        "field_code": TEXT,
        "field_type": TEXT,
        "values": Nested(
            {
                "value": TEXT,
                "enum_id": INTEGER,
                "enum_code": TEXT,
                "catalog_id": INTEGER,
                "catalog_element_id": INTEGER,
            }
        ),
        "is_computed": BOOLEAN,
    },
    members=redact,
)
"""The type of the column `custom_fields_values`."""
DYNAMIC_COLUMNS = r"cf_\d+(_enum_id)?"
"""The names of the columns of custom fields, which differ between accounts."""
