"""Settings that cannot be used: one line for each error, with the setting and never its value."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_leads.settings import oauth
from tap_leads.settings.errors import SettingsError
from tap_leads.settings.load import tidy
from tap_leads.settings.model import (
    Config,
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

CANARY = "canary-4f1c"
"""Stands in every secret, and must never be seen in a message."""
NOTHING = object()
_FILTERS = object_of(
    {
        "status": text("Status", "A status.", enum=["open", "won"]),
        "ids": list_of(integer("ID", "An ID."), minItems=1),
        "value": object_of({"gte": {"type": "number"}, "lt": {"type": "number"}}),
        "stages": list_of(object_of({"id": integer("ID", "An ID.")}, required=["id"]), minItems=1),
        "either": {"type": ["array", "integer"]},
        "label": text("Label", "A label.", pattern="^[a-z]+$"),
    }
)


def _problems(settings: Config) -> Iterator[tuple[str, str]]:
    if "api_key" not in settings:
        yield "api_key", "is required"


def settings_of(name: str, problems: Any, **own: Any) -> SourceSettings:
    return SourceSettings(
        name=name,
        schema=source(
            name,
            f"Leads of {name}.",
            own,
            filters=_FILTERS,
            defaults=Defaults("https://api.example.com", "Default: `default`.", 5, 300),
        ),
        label=lambda settings: str(settings.get("app", "default")),
        problems=problems,
    )


SHOP = settings_of(
    "shop",
    _problems,
    api_key=secret("API key", "The key."),
    app=text("App", "The app."),
)
CRM = settings_of(
    "crm",
    oauth.problems,
    access_token=secret("Access token", "The token."),
    oauth=oauth.setting("How.", "The code."),
)
SOURCES = (SHOP, CRM)
SCHEMA = top_level({each.name: each.schema for each in SOURCES})
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


def changed(config: Config, place: str, value: Any) -> Config:
    """Return the settings with another value at `shop.accounts`; without it if it is NOTHING."""
    config = deepcopy(config)
    inside: Any = config
    *path, last = place.split(".")
    for part in path:
        inside = inside.setdefault(part, {})
    if value is NOTHING:
        del inside[last]
    else:
        inside[last] = value
    return config


def errors_of(config: Config) -> list[str]:
    return validate(tidy(config), SCHEMA, SOURCES, COLUMNS, DYNAMIC)


# Where the value is wrong, the start of the one line, and what the line says besides.
BAD: list[tuple[str, Any, str, str]] = [
    ("startdate", "2026-01-01", "startdate", "unknown setting; did you mean start_date?"),
    ("shop.apikey", "x", "shop.apikey", "unknown setting; did you mean shop.api_key?"),
    ("shop.tokens", ["x"], "shop.tokens", "unknown setting"),
    ("shop.accounts", [{"application": "1"}], "shop.accounts[0].application", "unknown setting"),
    ("shop.accounts", [{"accounts": []}], "shop.accounts[0].accounts", "unknown setting"),
    (
        "shop.accounts",
        [{"share_rate_limit": False}],
        "shop.accounts[0].share_rate_limit",
        "unknown setting",
    ),
    ("shop.share_rate_limit", "no", "shop.share_rate_limit", "must be a boolean"),
    ("shop", "acme", "shop", "must be an object"),
    ("start_date", "yesterday", "start_date", "must be an ISO 8601 date or date-time"),
    ("start_date", "2026-02-30", "start_date", "must be an ISO 8601 date or date-time"),
    ("start_date", "", "start_date", "must be an ISO 8601 date or date-time"),
    ("start_date", 1770000000, "start_date", "must be a string"),
    ("nested_values", "json", "nested_values", "must be one of text, native"),
    ("concurrency", 0, "concurrency", "must be at least 1"),
    ("concurrency", 33, "concurrency", "must be at most 32"),
    ("concurrency", 1.5, "concurrency", "must be an integer"),
    ("request_timeout", 0, "request_timeout", "must be greater than 0"),
    ("user_agent", "", "user_agent", "must not be empty"),
    ("user_agent", "our\nrobot", "user_agent", "has an invalid format"),
    ("hash_key", "", "hash_key", "must not be empty"),
    ("hash_fields", "email", "hash_fields", "must be a list"),
    ("hash_fields", [1], "hash_fields[0]", "must be a string"),
    ("hash_fields", ["email"], "hash_key", "is required with `hash_fields`"),
    ("shop.api_key", "", "shop.api_key", "must not be empty"),
    ("shop.api_key", [CANARY], "shop.api_key", "must be a string"),
    ("shop.api_key", {CANARY: CANARY}, "shop.api_key", "must be a string"),
    ("shop.api_key", 7, "shop.api_key", "must be a string"),
    ("shop.api_key", True, "shop.api_key", "must be a string"),
    ("shop.api_key", f"{CANARY}\n", "shop.api_key", "has an invalid format"),
    ("shop.api_key", f"{CANARY} é", "shop.api_key", "has an invalid format"),
    ("shop.requests_per_second", 0, "shop.requests_per_second", "must be greater than 0"),
    ("shop.requests_per_second", "six", "shop.requests_per_second", "must be a number"),
    ("shop.requests_per_second", True, "shop.requests_per_second", "must be a number"),
    ("shop.lookback_seconds", -1, "shop.lookback_seconds", "must be at least 0"),
    ("shop.lookback_seconds", 1.5, "shop.lookback_seconds", "must be an integer"),
    ("shop.name", "", "shop.name", "must not be empty"),
    ("shop.accounts", {}, "shop.accounts", "must be a list"),
    ("shop.accounts", [], "shop.accounts", "must not be empty"),
    ("shop.filters", [], "shop.filters", "must be an object"),
    ("shop.filters", {"stauts": 1}, "shop.filters.stauts", "did you mean shop.filters.status?"),
    ("shop.filters", {"status": "lost"}, "shop.filters.status", "must be one of open, won"),
    ("shop.filters", {"ids": []}, "shop.filters.ids", "must not be empty"),
    ("shop.filters", {"value": {"min": 1}}, "shop.filters.value.min", "unknown setting"),
    ("shop.filters", {"value[gte]": "1"}, "shop.filters.value.gte", "must be a number"),
    ("shop.filters", {"stages": [{}]}, "shop.filters.stages[0].id", "is required"),
    ("shop.filters", {"either": "x"}, "shop.filters.either", "a list or an integer"),
    ("shop.filters", {"label": "A"}, "shop.filters.label", "has an invalid format"),
    ("shop.api_url", "http://example.com", "shop.api_url", "must be https, or http on a loopback"),
    ("shop.api_url", "", "shop.api_url", "must be a plain URL"),
    ("crm.oauth", CANARY, "crm.oauth", "must be an object"),
    ("crm.oauth.client_id", NOTHING, "crm.oauth.client_id", "is required"),
    ("crm.oauth.client_secret", NOTHING, "crm.oauth.client_secret", "is required"),
    ("crm.oauth.redirect_uri", NOTHING, "crm.oauth.redirect_uri", "is required"),
    ("crm.oauth.client_id", "", "crm.oauth.client_id", "must not be empty"),
    ("crm.oauth.client_secret", [CANARY], "crm.oauth.client_secret", "must be a string"),
    ("crm.oauth.code", {CANARY: CANARY}, "crm.oauth.code", "must be a string"),
    ("crm.oauth.code", f"{CANARY}\n", "crm.oauth.code", "has an invalid format"),
    ("crm.oauth.token_file", True, "crm.oauth.token_file", "must be a string"),
    ("crm.oauth.refresh_token", CANARY, "crm.oauth.code", "keep the newer of the two"),
    ("crm.access_token", CANARY, "crm.access_token", "cannot be combined with `oauth`"),
    ("crm.oauth.secret", CANARY, "crm.oauth.secret", "did you mean crm.oauth.client_secret?"),
    ("crm.oauth.scopes", [CANARY], "crm.oauth.scopes", "unknown setting"),
]


def test_good_settings_have_no_error() -> None:
    assert errors_of(GOOD) == []
    assert errors_of({"shop": GOOD["shop"]}) == []


@pytest.mark.parametrize(("place", "value", "named", "said"), BAD)
def test_one_line_names_the_setting_that_is_wrong(
    place: str, value: Any, named: str, said: str
) -> None:
    (line,) = errors_of(changed(GOOD, place, value))
    assert line.startswith(f"{named}: ")
    assert said in line
    assert CANARY not in line


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.just(CANARY),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["name", "oauth", "code", "x[gte]"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(place=st.sampled_from([place for place, *_ in BAD]), value=ANYTHING)
def test_whatever_a_setting_is_no_error_shows_a_value(place: str, value: Any) -> None:
    lines = errors_of(changed(GOOD, place, value))
    assert not [line for line in lines if CANARY in line]


def test_all_errors_are_named_at_once_and_in_order() -> None:
    config = changed(changed(GOOD, "start_date", "soon"), "shop.api_key", [1])
    lines = errors_of(changed(config, "crm.filters", {"no": 1, "nor": 2}))
    named = [line.partition(":")[0] for line in lines]
    assert named == ["crm.filters.no", "crm.filters.nor", "shop.api_key", "start_date"]


@pytest.mark.parametrize("config", [{}, {"start_date": "2026-01-01"}, {"shop": None}])
def test_at_least_one_source_must_be_configured(config: Config) -> None:
    assert errors_of(config) == [
        "no source is configured; add the settings of at least one of shop, crm"
    ]


# Accounts


def test_two_accounts_cannot_have_one_name() -> None:
    same = [{"name": "north"}, {"name": "south"}, {"name": "north"}]
    assert errors_of(changed(GOOD, "shop.accounts", same)) == [
        "shop.accounts: 2 accounts have the name north; give each a unique `name`"
    ]
    assert errors_of(changed(GOOD, "shop.accounts", [{}, {}])) == [
        "shop.accounts: 2 accounts have the name default; give each a unique `name`"
    ]


def test_each_account_needs_a_credential_of_its_own_or_a_shared_one() -> None:
    config = changed(GOOD, "shop.accounts", [{"name": "a", "api_key": CANARY}, {"name": "b"}])
    assert errors_of(config) == []
    assert errors_of(changed(config, "shop.api_key", NOTHING)) == [
        "shop.accounts[1].api_key: is required"
    ]


def test_what_an_account_lacks_is_named_with_the_account() -> None:
    accounts = [{"name": "north"}, {"name": "south", "oauth": {"client_id": "x"}}]
    config = changed(GOOD, "crm.accounts", accounts)
    assert errors_of(changed(config, "crm.oauth.redirect_uri", NOTHING)) == [
        "crm.accounts[0].oauth.redirect_uri: is required",
        "crm.accounts[1].oauth.redirect_uri: is required",
    ]


@pytest.mark.parametrize("other", ["shared.json", "./shared.json", "folder/../shared.json"])
def test_two_accounts_cannot_keep_their_tokens_in_one_file(other: str) -> None:
    files = [{"code": "1", "token_file": "shared.json"}, {"code": "2", "token_file": other}]
    accounts = [{"name": str(n), "oauth": file} for n, file in enumerate(files)]
    (line,) = errors_of(changed(GOOD, "crm.accounts", accounts))
    assert line == (
        "crm.accounts[1].oauth.token_file: is also the file of crm.accounts[0]; give each account "
        "its own file"
    )


# Columns to hash


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("email", None),
        ("crm_people.rank", None),
        ("cf_7", None),
        ("crm_people.cf_7", None),
        ("emial", "did you mean email?"),
        ("shop_leads.emial", "did you mean shop_leads.email?"),
        ("id", "unknown column, or a key, which cannot be hashed"),
        ("shop_leads.cf_7", "unknown column"),
        ("cf_7x", "unknown column"),
        ("crm_people.rank.", "unknown column"),
    ],
)
def test_a_column_to_hash_must_exist(name: str, said: str | None) -> None:
    lines = errors_of({**GOOD, "hash_fields": [name], "hash_key": CANARY})
    assert bool(lines) is bool(said)
    if said:
        assert lines[0].startswith("hash_fields[0]: ")
        assert said in lines[0]
        assert CANARY not in lines[0]


def test_a_settings_error_has_its_lines() -> None:
    error = SettingsError(["a: is required", "b: is required"])
    assert error.lines == ["a: is required", "b: is required"]
    assert str(error) == "a: is required; b: is required"


def test_a_schema_has_a_title_and_a_description_for_each_setting() -> None:
    def check(schema: Config) -> None:
        for name, each in schema["properties"].items():
            assert each.get("title"), name
            assert each.get("description") or name == "filters", name

    for schema in (SCHEMA, SHOP.schema, CRM.schema, CRM.schema["properties"]["oauth"]):
        check(schema)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
