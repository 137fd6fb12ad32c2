"""Create custom fields in the sandbox's Kommo, and look at their columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.settings import settings_for

if TYPE_CHECKING:
    from sandbox.kommo.api import Kommo
    from tests.support.run import Run
    from tests.support.settings import Config

NEW_YEAR = 1_767_225_600
"""2026-01-01 in UTC, in seconds."""
OPTION = {"value": "VIP", "enum_id": 867972, "enum_code": None}


def with_columns(api: Kommo, **others: Any) -> Config:
    """Return settings with which custom fields are columns."""
    return {"kommo": settings_for(api, custom_fields="columns", **others)}


def entry(field_id: int, kind: str, *values: Any) -> dict[str, Any]:
    """Return a custom field of a lead; a value that is not an object becomes `{"value": ...}`."""
    items = [value if isinstance(value, dict) else {"value": value} for value in values]
    return {"field_id": field_id, "field_name": "F", "field_code": None, "field_type": kind,
            "values": items, "is_computed": False}  # fmt: skip


def a_lead_with(api: Kommo, kind: str, *values: Any, **known: Any) -> tuple[str, int]:
    """Create a field, and a lead with these values; return the field's column and the lead's ID."""
    (field_id,) = api.fields.insert(type=kind, name="F", enums=None, **known)
    (lead_id,) = api.insert(custom_fields_values=[entry(field_id, kind, *values)])
    return f"cf_{field_id}", lead_id


def columns_in(run: Run, stream: str = "kommo_leads") -> dict[str, Any]:
    """Return the columns of custom fields in a SCHEMA, which must be those of the records too."""
    properties: dict[str, Any] = run.schemas[stream]["schema"]["properties"]
    assert {tuple(record) for record in run.records(stream)} <= {tuple(properties)}
    return {name: it for name, it in properties.items() if name.startswith("cf_")}


def row_of(run: Run, lead_id: int) -> dict[str, Any]:
    (row,) = (row for row in run.records("kommo_leads") if row["id"] == lead_id)
    return row
