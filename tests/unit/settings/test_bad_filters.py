"""Filters that a source does not have: one line for each error."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.refusals import GOOD, changed, errors_of

# The source, its filters, the filter that the one line names, and what it says besides.
BAD_FILTERS: list[tuple[str, Any, str, str]] = [
    ("kommo", {"pipeline": [1]}, "pipeline", "did you mean kommo.filters.pipeline_id?"),
    ("kommo", {"updated_at": {"form": 1}}, "updated_at.form", "unknown setting"),
    ("kommo", {"created_at": {"from": "soon"}}, "created_at", "Unix timestamp in seconds or a"),
    ("kommo", {"updated_at": {"to": "soon"}}, "updated_at", "Unix timestamp in seconds or a"),
    ("kommo", {"id": "all"}, "id", "must be a list or an integer"),
    ("kommo", {"id": []}, "id", "must not be empty"),
    ("kommo", {"statuses": []}, "statuses", "must not be empty"),
    ("kommo", {"price": {"from": 9.5}}, "price.from", "must be an integer"),
    ("kommo", {"price": "much"}, "price", "must be an integer or an object"),
    ("kommo", {"statuses": [{"status_id": 7}]}, "statuses[0].pipeline_id", "is required, unless"),
    (
        "dashly",
        {"type": "xor", "filters": [{"type": "known", "property_name": "$email", "value": {}}]},
        "type",
        "must be one of and, or",
    ),
    (
        "dashly",
        {"type": "and", "filters": [{"type": "knows", "property_name": "$email", "value": {}}]},
        "filters[0].type",
        "must be one of known, unknown, ",
    ),
    (
        "dashly",
        {"type": "and", "filters": [{"type": "known", "value": {}}]},
        "filters[0].property_name",
        "is required",
    ),
    ("dashly", {"type": "and", "filters": []}, "filters", "must not be empty"),
    ("dashly", {"type": "and"}, "filters", "is required"),
    ("octanist", {"stauts": "won"}, "stauts", "did you mean octanist.filters.status?"),
    ("octanist", {"status": "new"}, "status", "has an invalid format"),
    ("octanist", {"status": ["new"]}, "status[0]", "must be one of open"),
    ("octanist", {"source": "gtm,api"}, "source", "must be one of"),
    ("octanist", {"value": {"min": 1}}, "value.min", "unknown setting"),
    ("octanist", {"value[gte]": "one"}, "value.gte", "must be a number"),
    ("octanist", {"createdAt": {"gte": "soon"}}, "createdAt", "must be a date-time"),
    ("octanist", {"gclid[exists]": "maybe"}, "gclid.exists", "must be a boolean"),
]


@pytest.mark.parametrize(
    ("source", "filters", "named", "said"), BAD_FILTERS, ids=[str(row[1]) for row in BAD_FILTERS]
)
def test_one_line_names_the_filter_that_is_wrong(
    source: str, filters: Any, named: str, said: str
) -> None:
    (line,) = errors_of(changed(GOOD, f"{source}.filters", filters))
    assert line.startswith(f"{source}.filters.{named}: ")
    assert said in line
