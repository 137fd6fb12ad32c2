"""What the tests of settings share: two sources, good settings for them, and their errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_leads.settings import oauth
from tap_leads.settings.load import tidy
from tap_leads.settings.model import (
    Defaults,
    SourceSettings,
    integer,
    list_of,
    object_of,
    secret,
    source,
    text,
    top_level,
)
from tap_leads.settings.validate import validate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_leads.settings.model import Config, Schema

CANARY = "canary-4f1c"
"""Stands in every secret, and must never be seen in a message."""


def _filters() -> Schema:
    return object_of(
        {
            "status": text("Status", "A status.", enum=["open", "won"]),
            "ids": list_of(integer("ID", "An ID."), minItems=1),
            "value": object_of({"gte": {"type": "number"}, "lt": {"type": "number"}}),
            "stages": list_of(
                object_of({"id": integer("ID", "An ID.")}, required=["id"]), minItems=1
            ),
            "either": {"type": ["array", "integer"]},
            "label": text("Label", "A label.", pattern="^[a-z]+$"),
        }
    )


def _problems(settings: Config) -> Iterator[tuple[str, str]]:
    if "api_key" not in settings:
        yield "api_key", "is required"


def settings_of(name: str, problems: Any, **own: Any) -> SourceSettings:
    """Declare the settings of a source."""
    return SourceSettings(
        name=name,
        schema=source(
            name,
            f"Leads of {name}.",
            own,
            filters=_filters(),
            defaults=Defaults("https://api.example.com", "Default: `default`.", 5, 300),
        ),
        label=lambda settings: str(settings.get("app", "default")),
        problems=problems,
    )


def sources() -> tuple[SourceSettings, SourceSettings]:
    """Declare the settings of a source with an API key, and of one with OAuth."""
    shop = settings_of(
        "shop",
        _problems,
        api_key=secret("API key", "The key."),
        app=text("App", "The app."),
    )
    crm = settings_of(
        "crm",
        oauth.problems,
        access_token=secret("Access token", "The token."),
        oauth=oauth.setting("How.", "The code."),
    )
    return shop, crm


COLUMNS = {"shop_leads": ["email", "phone"], "crm_people": ["email", "rank"]}
DYNAMIC = {"crm_people": r"cf_\d+"}
GOOD: Config = {
    "shop": {"api_key": CANARY},
    "crm": {
        "oauth": {
            "client_id": "1",
            "client_secret": CANARY,
            "redirect_uri": "https://example.com",
            "code": CANARY,
        }
    },
}


def errors_of(config: Config) -> list[str]:
    """Return the errors in settings."""
    declared = sources()
    schema = top_level({each.name: each.schema for each in declared})
    return validate(tidy(config), schema, declared, COLUMNS, DYNAMIC)
