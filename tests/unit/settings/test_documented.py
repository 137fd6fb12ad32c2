"""Each setting is in plugin.yml and in the reference, with its texts, type and default."""

from __future__ import annotations

import runpy
from typing import TYPE_CHECKING

import pytest

from tap_leads.settings.model import top_level
from tap_leads.sources.dashly.settings import settings_of
from tap_leads.sources.kommo import settings as kommo
from tap_leads.sources.octanist import settings as octanist
from tools import docs, plugin, reference
from tools.settings import own_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_leads.settings.model import Schema
    from tools.settings import Setting


@pytest.fixture
def schema() -> Schema:
    """Declare all settings now: the tap declared its own when it was imported."""
    kommo_schema, octanist_schema = (
        runpy.run_path(str(module.__file__))["SETTINGS"].schema for module in (kommo, octanist)
    )
    return top_level(
        {
            "kommo": kommo_schema,
            "dashly": settings_of("dashly", "Dashly", "https://api.dashly.app").schema,
            "carrotquest": settings_of(
                "carrotquest", "Carrot", "https://api.carrotquest.io"
            ).schema,
            "octanist": octanist_schema,
        }
    )


@pytest.mark.parametrize(
    ("file", "written"),
    [
        ("plugin.yml", plugin.meltano_settings),
        ("docs/reference/settings.md", reference.settings_table),
    ],
)
def test_every_setting_is_documented_as_it_is_declared(
    schema: Schema, file: str, written: Callable[[list[Setting]], str]
) -> None:
    text = (docs.ROOT / file).read_text(encoding="utf-8")
    lines = [line.strip() for line in text.splitlines()]
    declared = written(own_settings(schema)).splitlines()
    assert "\n".join(each.strip() for each in declared) in "\n".join(lines)


def test_an_object_says_what_its_settings_are_for(schema: Schema) -> None:
    crm = schema["properties"]["kommo"]
    oauth = crm["properties"]["oauth"]
    assert (crm["title"], crm["description"]) == ("Kommo", "Leads of Kommo (formerly amoCRM).")
    assert oauth["title"] == "OAuth"
    assert oauth["description"].startswith(
        "Alternative to `access_token`: tokens that the tap renews itself. "
    )


def test_a_schema_says_what_a_text_is(schema: Schema) -> None:
    settings = schema["properties"]
    assert settings["start_date"]["format"] == "date-time"
    assert settings["kommo"]["properties"]["api_url"]["format"] == "uri"
    assert settings["hash_fields"]["items"] == {
        "type": "string",
        "title": "Column",
        "description": "Name of a column.",
    }


def test_what_is_secret_is_never_shown(schema: Schema) -> None:
    crm = schema["properties"]["kommo"]["properties"]
    grant = crm["oauth"]["properties"]
    secrets = [crm["access_token"], grant["client_secret"], grant["code"], grant["refresh_token"]]
    for each in [*secrets, schema["properties"]["hash_key"]]:
        assert each["secret"] is True
        assert each["writeOnly"] is True
