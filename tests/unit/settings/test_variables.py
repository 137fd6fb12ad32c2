"""Names of environment variables that are no setting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_leads.settings.variables import mistyped_variables, unknown_variables
from tap_leads.tap import TapLeads

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = TapLeads.config_jsonschema
PREFIX = "TAP_LEADS_"


@pytest.mark.parametrize(
    ("name", "likely"),
    [
        ("KOMMO_TOKEN", "KOMMO_ACCESS_TOKEN"),
        ("KOMO_SUBDOMAIN", "KOMMO_SUBDOMAIN"),
        ("STARTDATE", "START_DATE"),
        ("OCTANIST_APIKEY", "OCTANIST_API_KEY"),
        ("KOMMO_OAUTH_SECRET", "KOMMO_OAUTH_CLIENT_SECRET"),
        ("DASHLY_TOKEN", "DASHLY_AUTH_TOKEN"),
        ("kommo_access_token", "KOMMO_ACCESS_TOKEN"),
    ],
)
def test_a_mistyped_variable_is_named_with_the_likely_one(name: str, likely: str) -> None:
    assert unknown_variables([PREFIX + name], SCHEMA, PREFIX) == [
        f"{PREFIX}{name}: unknown variable, ignored; did you mean {PREFIX}{likely}?"
    ]


def test_a_variable_that_resembles_no_setting_is_named_alone() -> None:
    line = f"{PREFIX}XYZZY: unknown variable, ignored"
    assert unknown_variables([f"{PREFIX}XYZZY"], SCHEMA, PREFIX) == [line]


@pytest.mark.parametrize(
    "name",
    [
        "TAP_LEADS_KOMMO",
        "TAP_LEADS_KOMMO_OAUTH_CODE",
        "TAP_LEADS_KOMMO_FILTERS_PIPELINE_ID",
        "TAP_LEADS_KOMMO_ACCOUNTS",
        "TAP_LEADS__SELECT",
        "TAP_LEADS_LOGLEVEL",
        "TAP_LEADS",
        "TARGET_LEADS_TOKEN",
    ],
)
def test_variables_of_settings_and_of_others_are_known(name: str) -> None:
    assert unknown_variables([name], SCHEMA, PREFIX) == []


def test_where_the_environment_is_not_read_only_what_resembles_a_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"{PREFIX}XYZZY", "1")
    monkeypatch.setenv(f"{PREFIX}KOMMO_TOKEN", "1")
    likely, other = unknown_variables([f"{PREFIX}KOMMO_TOKEN", f"{PREFIX}XYZZY"], SCHEMA, PREFIX)
    assert mistyped_variables(SCHEMA, PREFIX, is_read=True) == [likely, other]
    assert mistyped_variables(SCHEMA, PREFIX, is_read=False) == [likely]
