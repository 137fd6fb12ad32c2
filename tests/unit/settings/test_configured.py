"""Which sources are configured: those with a credential or accounts."""

from __future__ import annotations

from typing import Any

import pytest

from tap_leads.tap import TapLeads
from tests.support.logs import warnings
from tests.support.refusals import CANARY, GOOD, errors_of

KOMMO = GOOD["kommo"]


def sources_of(config: dict[str, Any]) -> set[str]:
    """Return the sources whose streams the tap has."""
    return {name.partition("_")[0] for name in TapLeads(config=config).streams}


@pytest.mark.parametrize(
    ("source", "settings"),
    [
        ("dashly", {"requests_per_second": 2}),
        ("dashly", {"app_id": "$self_app", "timezone": "UTC"}),
        ("carrotquest", {"lookback_seconds": 1800, "share_rate_limit": True}),
        ("octanist", {"filters": {"status": "won"}, "api_url": "https://example.com"}),
        ("octanist", {"name": "north", "api_key": None}),
        ("octanist", {"name": "north", "api_key": ""}),
        ("octanist", {}),
    ],
)
def test_settings_of_a_source_without_a_credential_are_ignored_with_one_line(
    source: str, settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    assert sources_of({"kommo": KOMMO, source: settings}) == {"kommo"}
    credential = "api_key" if source == "octanist" else "auth_token"
    lines = [record for record in caplog.records if record.getMessage().startswith(f"{source}: ")]
    said = (
        f"{source}: no credential is set, so its other settings are ignored; to sync it, set "
        f"{source}.{credential}"
    )
    expected = [("INFO", said)] if settings else []
    assert [(line.levelname, line.getMessage()) for line in lines] == expected
    assert warnings(caplog) == []


def test_the_defaults_of_all_sources_configure_none() -> None:
    defaults = {
        source.name: {
            name: kind["default"]
            for name, kind in source.settings.schema["properties"].items()
            if "default" in kind
        }
        for source in TapLeads.sources
    }
    assert sources_of({**defaults, "kommo": {**defaults["kommo"], **KOMMO}}) == {"kommo"}
    (line,) = errors_of(defaults)
    assert line.startswith("no source is configured; ")


@pytest.mark.parametrize(
    ("kommo", "line"),
    [
        ({"subdomain": "acme"}, "kommo.access_token: is required, unless `oauth` is set"),
        (
            {"access_token": CANARY},
            "kommo.subdomain: is required: mycompany if you sign in at mycompany.kommo.com",
        ),
        ({"subdomain": "acme", "oauth": {}}, "kommo.oauth.client_id: is required"),
    ],
)
def test_half_a_credential_is_refused(kommo: dict[str, Any], line: str) -> None:
    assert errors_of({"kommo": kommo, "octanist": GOOD["octanist"]})[0] == line


@pytest.mark.parametrize("source", ["dashly", "octanist"])
def test_accounts_configure_a_source(source: str) -> None:
    (line,) = errors_of({"kommo": KOMMO, source: {"accounts": [{"name": "north"}]}})
    assert line.startswith(f"{source}.accounts[0].")
    assert line.endswith(": is required")


def test_a_mistyped_credential_is_an_error_and_not_an_ignored_setting() -> None:
    for others in ({}, {"kommo": KOMMO}):
        (line,) = errors_of({**others, "octanist": {"apikey": CANARY}})
        assert line == "octanist.apikey: unknown setting; did you mean octanist.api_key?"


@pytest.mark.parametrize("source", GOOD)
def test_a_name_beside_accounts_is_refused(source: str) -> None:
    accounts = [{"name": "north"}, {"name": "south"}]
    config = {source: {**GOOD[source], "name": "all", "accounts": accounts}}
    what = "cannot be combined with a list of accounts; give each account its own `name`"
    assert errors_of(config) == [f"{source}.name: {what}"]


def test_discovery_without_valid_settings_lists_the_configured_sources() -> None:
    config = {"kommo": {"access_token": [CANARY]}, "dashly": {"requests_per_second": 2}}
    tap = TapLeads(config=config, validate_config=False)
    assert {name.partition("_")[0] for name in tap.streams} == {"kommo"}
