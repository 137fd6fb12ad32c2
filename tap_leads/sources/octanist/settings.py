"""The settings of Octanist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_leads.settings.model import Defaults, SourceSettings, object_of, secret, source, text
from tap_leads.sources.octanist.filters import DATES
from tap_leads.sources.octanist.leads import CLICK_IDS
from tap_leads.timestamps import from_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_leads.settings.model import Config, Schema

_UTM = ("utm_source", "utm_medium", "utm_campaign")
_STATUSES = ("open", "qualified", "won", "lost")
_SOURCES = ("inbound", "gtm", "api", "manual", "wordpress", "import")


def _problems(settings: Config) -> Iterator[tuple[str, str]]:
    if "api_key" not in settings:
        yield "api_key", "is required"
    for name in DATES:
        span = settings.get("filters", {}).get(name)
        bounds = span.values() if isinstance(span, dict) else [] if span is None else [span]
        if any(isinstance(bound, str) and from_text(bound) is None for bound in bounds):
            yield f"filters.{name}", "must be a date-time, such as 2026-01-01T00:00:00.000Z"


_TEXT: Schema = {"type": "string"}
_EXISTS = {"exists": {"type": "boolean"}}


def _comparisons(kind: str) -> dict[str, Schema]:
    return {name: {"type": kind} for name in ("gte", "gt", "lte", "lt")}


def _value_or(schema: Schema, kind: str) -> Schema:
    return {**schema, "type": [kind, "object"]}


_STATUS = "|".join(_STATUSES)
_FILTERS = object_of(
    {
        "status": {
            "type": ["array", "string"],
            "items": {"type": "string", "enum": [*_STATUSES]},
            "minItems": 1,
            "pattern": f"^({_STATUS})(,({_STATUS}))*$",
            "description": f"{', '.join(_STATUSES)}: one, or several as a list.",
        },
        "source": {
            "type": "string",
            "enum": [*_SOURCES],
            "description": f"One of {', '.join(_SOURCES)}.",
        },
        "labelId": {**_TEXT, "description": "ID of a label."},
        "website": {**_TEXT, "description": "Website that the lead came from."},
        "value": {
            **_value_or(object_of(_comparisons("number")), "number"),
            "description": "A value, or `gte`, `gt`, `lte`, `lt`.",
        },
        **{
            name: {
                **_value_or(object_of(_comparisons("string") | _EXISTS), "string"),
                "description": "A date-time, or `gte`, `gt`, `lte`, `lt` with one, or `exists`.",
            }
            for name in DATES
        },
        **{
            name: {
                **_value_or(object_of(_EXISTS), "string"),
                "description": f"{description[:-1]}, or `exists`.",
            }
            for name, description in CLICK_IDS.items()
        },
        **{name: {**_TEXT, "description": "UTM value."} for name in _UTM},
    },
    description="Filters, by the API's own names: a value, or operators. They are combined with "
    "the bookmark.",
    examples=[{"status": ["won", "lost"], "createdAt": {"gte": "2026-01-01T00:00:00.000Z"}}],
)

SETTINGS = SourceSettings(
    name="octanist",
    schema=source(
        "Octanist",
        "Leads of Octanist.",
        {
            "api_key": secret(
                "API key", "API key of the organization: Settings > General > API Keys. Required."
            ),
            "search": text(
                "Search", "Sync only leads whose name, email or phone matches this search text."
            ),
        },
        filters=_FILTERS,
        defaults=Defaults(
            "https://octanist.com/api",
            "Default: `default`.",
            requests_per_second=5,
            lookback_seconds=300,
        ),
    ),
    label=lambda _: "default",
    problems=_problems,
)
