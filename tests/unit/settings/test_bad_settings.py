"""Invalid settings of the real sources: one line for each error, without its value."""

from __future__ import annotations

from typing import Any

import pytest

from tap_leads.settings.errors import SettingsError
from tap_leads.settings.load import from_environment
from tap_leads.tap import TapLeads
from tests.support.refusals import CANARY, GOOD, NOTHING, changed, errors_of
from tests.support.settings import CREDENTIALS, SOURCES

# Where the value is wrong, the setting that the one line names, and what it says besides.
BAD: list[tuple[str, Any, str, str]] = [
    ("startdate", "2026-01-01", "startdate", "did you mean start_date?"),
    ("kommo.acess_token", "x", "kommo.acess_token", "did you mean kommo.access_token?"),
    ("access_token", "x", "access_token", "unknown setting; did you mean kommo.access_token?"),
    ("subdomain", "x", "subdomain", "unknown setting; did you mean kommo.subdomain?"),
    ("kommo.tokens", ["x"], "kommo.tokens", "unknown setting"),
    ("octanist.auth_token", "x", "octanist.auth_token", "unknown setting"),
    ("dashly.accounts", [{"app": "1"}], "dashly.accounts[0].app", "unknown setting"),
    ("dashly.accounts", [{"accounts": []}], "dashly.accounts[0].accounts", "unknown"),
    ("kommo", "acme", "kommo", "must be an object"),
    ("octanist", [], "octanist", "must be an object"),
    ("start_date", "yesterday", "start_date", "must be an ISO 8601 date or date-time"),
    ("start_date", "2026-02-30", "start_date", "must be an ISO 8601 date or date-time"),
    ("start_date", " ", "start_date", "must be an ISO 8601 date or date-time"),
    ("start_date", 1770000000, "start_date", "must be an ISO 8601 date or date-time"),
    ("start_date", ["2026-01-01"], "start_date", "must be a string"),
    ("nested_values", "json", "nested_values", "must be one of text, native"),
    ("concurrency", 0, "concurrency", "must be at least 1"),
    ("concurrency", 33, "concurrency", "must be at most 32"),
    ("concurrency", 1.5, "concurrency", "must be an integer"),
    ("concurrency", "four", "concurrency", "must be an integer"),
    ("request_timeout", 0, "request_timeout", "must be greater than 0"),
    ("request_timeout", -1, "request_timeout", "must be greater than 0"),
    ("user_agent", "our\nrobot", "user_agent", "has an invalid format"),
    ("kommo.domain", "kommo.com.evil.com", "kommo.domain", "must be one of kommo.com, amocrm.ru"),
    ("kommo.subdomain", NOTHING, "kommo.subdomain", "is required"),
    ("kommo.subdomain", True, "kommo.subdomain", "must be a string"),
    ("kommo.with", ["only_deleted"], "kommo.with", "supports only contacts, "),
    ("kommo.with", "contacts,deals", "kommo.with", "supports only contacts, "),
    ("kommo.with", [1], "kommo.with[0]", "must be a string"),
    ("dashly.timezone", "Mars/Olympus", "dashly.timezone", "time zone name, such as Europe/Berlin"),
    ("dashly.timezone", " ", "dashly.timezone", "time zone name, such as Europe/Berlin"),
    ("dashly.timezone", "Europe", "dashly.timezone", "time zone name, such as"),
    ("dashly.timezone", "/etc/localtime", "dashly.timezone", "time zone name, such as"),
    ("dashly.timezone", 3, "dashly.timezone", "time zone name, such as"),
    ("dashly.app_id", "42/../43", "dashly.app_id", "must be an app ID or $self_app"),
    ("dashly.app_id", " ", "dashly.app_id", "must be an app ID or $self_app"),
    ("dashly.app_id", 4.2, "dashly.app_id", "must be a string"),
    ("carrotquest.timezone", "Europe", "carrotquest.timezone", "time zone name, such as"),
    ("stream_maps", "none", "stream_maps", "must be an object"),
    ("flattening_max_depth", "two", "flattening_max_depth", "must be an integer"),
]
BAD += [
    ("kommo.access_token", nothing, "kommo.access_token", "is required, unless `oauth` is set")
    for nothing in (NOTHING, None, "")
]
BAD += [
    (f"{slot}.{name}", value, f"{slot}.{name}", said)
    for slot in SOURCES
    for name, value, said in (
        (CREDENTIALS[slot], " ", "must not be empty"),
        (CREDENTIALS[slot], [CANARY], "must be a string"),
        (CREDENTIALS[slot], {CANARY: CANARY}, "must be a string"),
        (CREDENTIALS[slot], 7, "must be a string"),
        (CREDENTIALS[slot], True, "must be a string"),
        (CREDENTIALS[slot], f"{CANARY}\n{CANARY}", "has an invalid format"),
        (CREDENTIALS[slot], f"{CANARY} Лид", "has an invalid format"),
        ("requests_per_second", 0, "must be at least 0.001"),
        ("requests_per_second", -6, "must be at least 0.001"),
        ("requests_per_second", "six", "must be a number"),
        ("requests_per_second", True, "must be a number"),
        ("lookback_seconds", -1, "must be at least 0"),
        ("lookback_seconds", 1.5, "must be an integer"),
        ("accounts", {}, "must be a list"),
        ("accounts", [], "must not be empty"),
        ("filters", [], "must be an object"),
        ("filters", "won", "must be an object"),
        ("api_url", "http://example.com", "must be https, or http on a loopback address"),
    )
]


@pytest.mark.parametrize(
    ("place", "value", "named", "said"),
    BAD,
    ids=[f"{place}={'nothing' if value is NOTHING else value}" for place, value, _, _ in BAD],
)
def test_one_line_names_the_setting_of_a_source_that_is_wrong(
    place: str, value: Any, named: str, said: str
) -> None:
    (line,) = errors_of(changed(GOOD, place, value))
    assert line.startswith(f"{named}: ")
    assert said in line


@pytest.mark.parametrize(
    "subdomain",
    [
        "acme.example.com",
        "a.b",
        "evil.com#",
        "evil.com/",
        "evil.com?x=",
        "https://acme.example.com",
        "user@evil",
        "evil:443",
        "evil\\",
        "ac\nme",
        "ac me",
        "-acme",
        "acme-",
        "a" * 64,
        "аcme",  # noqa: RUF001  # its first letter is Cyrillic
        " ",
    ],
)
def test_a_subdomain_is_one_word_of_an_address(subdomain: str) -> None:
    (line,) = errors_of(changed(GOOD, "kommo.subdomain", subdomain))
    assert line.startswith("kommo.subdomain: must be mycompany or an address such as")


# Accounts


@pytest.mark.parametrize("slot", SOURCES)
def test_two_accounts_of_a_source_cannot_have_one_name(slot: str) -> None:
    same = [{"name": "north"}, {"name": "south"}, {"name": "north"}]
    assert errors_of(changed(GOOD, f"{slot}.accounts", same)) == [
        f"{slot}.accounts[2]: has the name of {slot}.accounts[0], north; give each a unique `name`"
    ]
    label = "acme" if slot == "kommo" else "default"
    assert errors_of(changed(GOOD, f"{slot}.accounts", [{}, {}])) == [
        (
            f"{slot}.accounts[1]: has the name of {slot}.accounts[0], {label}; give each a unique "
            "`name`"
        )
    ]


@pytest.mark.parametrize("slot", SOURCES)
def test_each_account_of_a_source_needs_a_credential_of_its_own_or_a_shared_one(slot: str) -> None:
    credential = CREDENTIALS[slot]
    accounts = [{"name": "north", credential: CANARY}, {"name": "south"}]
    config = changed(GOOD, f"{slot}.accounts", accounts)
    instead = ", unless `oauth` is set" if slot == "kommo" else ""
    assert errors_of(changed(config, f"{slot}.{credential}", NOTHING)) == [
        f"{slot}.accounts[1].{credential}: is required{instead}"
    ]


# All at once


def test_the_settings_of_no_source_are_not_enough() -> None:
    for config in ({}, {"start_date": "2026-01-01"}, {"kommo": None}):
        (line,) = errors_of(config)
        assert line == (
            "no source is configured; add the settings of at least one of kommo, dashly, "
            "carrotquest, octanist"
        )


def test_settings_given_as_null_are_not_set() -> None:
    names = ("name", "filters", "requests_per_second", "lookback_seconds", "accounts")
    config = {slot: {**dict.fromkeys(names), **own} for slot, own in GOOD.items()}
    others = dict.fromkeys(["start_date", "concurrency", "nested_values", "user_agent"])
    tap = TapLeads(config={**others, **config})
    assert (tap.config["concurrency"], tap.config["nested_values"]) == (4, "text")


# The environment


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("CONCURRENCY", f"{CANARY} four", "an integer"),
        ("CONCURRENCY", "4.5", "an integer"),
        ("REQUEST_TIMEOUT", CANARY, "a number"),
        ("KOMMO", CANARY, "an object"),
        ("KOMMO", f'{{"access_token": "{CANARY}"', "an object"),
        ("KOMMO", f'["{CANARY}"]', "an object"),
        ("KOMMO_REQUESTS_PER_SECOND", "fast", "a number"),
        ("KOMMO_REQUESTS_PER_SECOND", "true", "a number"),
        ("KOMMO_REQUESTS_PER_SECOND", "NaN", "a number"),
        ("DASHLY_FILTERS", CANARY, "an object"),
        ("OCTANIST_ACCOUNTS", f'{{"name": "{CANARY}"}}', "a list"),
        ("OCTANIST_LOOKBACK_SECONDS", "1h", "an integer"),
        ("STREAM_MAPS", CANARY, "an object"),
        ("FLATTENING_ENABLED", CANARY, "a boolean"),
    ],
)
def test_a_variable_of_the_wrong_kind_is_refused_by_its_name(
    name: str, value: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    TapLeads.append_builtin_config(TapLeads.config_jsonschema)
    monkeypatch.setenv(f"TAP_LEADS_{name}", value)
    with pytest.raises(SettingsError) as caught:
        from_environment(TapLeads.config_jsonschema, "TAP_LEADS_")
    assert caught.value.lines == [f"TAP_LEADS_{name}: must be {kind}, in JSON syntax"]
