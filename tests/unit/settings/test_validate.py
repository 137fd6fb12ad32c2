"""Settings that cannot be used: one line for each error, with the setting and never its value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_leads.settings.errors import SettingsError
from tests.support.logs import uncoded
from tests.support.refusals import NOTHING, changed
from tests.unit.settings.support import CANARY, GOOD, errors_of

if TYPE_CHECKING:
    from tap_leads.settings.model import Config

_DATE = "must be an ISO 8601 date or date-time, such as 2026-01-01T00:00:00Z"
_EXPECTED = "has an invalid format; expected: "
_FORMAT = "has an invalid format, such as a space, a line break or `Bearer ` in a token"
_LOOPBACK = "must be https, or http on a loopback address, because the credential is sent there"
_PLAIN = "must be a plain URL, without a username, query or fragment"
_TWO_CREDENTIALS = "cannot be combined with `oauth`; keep one of the two"
_TWO_GRANTS = "cannot be combined with `refresh_token`; keep the newer of the two"
# A setting, a wrong value for it, the setting that the one line names, and what it says.
BAD: list[tuple[str, Any, str, str]] = [
    ("startdate", "2026-01-01", "startdate", "unknown setting; did you mean start_date?"),
    ("shop.apikey", "x", "shop.apikey", "unknown setting; did you mean shop.api_key?"),
    ("shop.tokens", ["x"], "shop.tokens", "unknown setting"),
    ("shop.a\n\x1b[2J\u2028b", "x", r"shop.a\n\x1b[2J\u2028b", "unknown setting"),
    ("shop.name", "a\nb", "shop.name", "must not contain line breaks or control characters"),
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
    ("start_date", "yesterday", "start_date", _DATE),
    ("start_date", "2026-02-30", "start_date", _DATE),
    ("start_date", "", "start_date", _DATE),
    ("start_date", 1770000000, "start_date", "must be a string"),
    ("nested_values", "json", "nested_values", "must be one of text, native"),
    ("concurrency", 0, "concurrency", "must be at least 1"),
    ("concurrency", 33, "concurrency", "must be at most 32"),
    ("concurrency", 1.5, "concurrency", "must be an integer"),
    ("request_timeout", 0, "request_timeout", "must be greater than 0"),
    ("user_agent", "", "user_agent", "must not be empty"),
    (
        "user_agent",
        "our\nrobot",
        "user_agent",
        f"{_EXPECTED}User-Agent header of all requests, in printable ASCII characters",
    ),
    ("hash_key", "", "hash_key", "must not be empty"),
    ("hash_fields", "email", "hash_fields", "must be a list"),
    ("hash_fields", [1], "hash_fields[0]", "must be a string"),
    ("hash_fields", ["email"], "hash_key", "is required with `hash_fields`"),
    ("shop.api_key", "", "shop.api_key", "must not be empty"),
    ("shop.api_key", [CANARY], "shop.api_key", "must be a string"),
    ("shop.api_key", {CANARY: CANARY}, "shop.api_key", "must be a string"),
    ("shop.api_key", 7, "shop.api_key", "must be a string"),
    ("shop.api_key", True, "shop.api_key", "must be a string"),
    ("shop.api_key", f"{CANARY}\n", "shop.api_key", _FORMAT),
    ("shop.api_key", f"{CANARY} é", "shop.api_key", _FORMAT),
    ("shop.requests_per_second", 0, "shop.requests_per_second", "must be at least 0.001"),
    ("shop.requests_per_second", "six", "shop.requests_per_second", "must be a number"),
    ("shop.requests_per_second", True, "shop.requests_per_second", "must be a number"),
    ("shop.lookback_seconds", -1, "shop.lookback_seconds", "must be at least 0"),
    ("shop.lookback_seconds", 1.5, "shop.lookback_seconds", "must be an integer"),
    ("shop.name", "", "shop.name", "must not be empty"),
    ("shop.accounts", {}, "shop.accounts", "must be a list"),
    ("shop.accounts", [], "shop.accounts", "must not be empty"),
    ("shop.filters", [], "shop.filters", "must be an object"),
    (
        "shop.filters",
        {"stauts": 1},
        "shop.filters.stauts",
        "unknown setting; did you mean shop.filters.status?",
    ),
    ("shop.filters", {"status": "lost"}, "shop.filters.status", "must be one of open, won"),
    ("shop.filters", {"ids": []}, "shop.filters.ids", "must not be empty"),
    ("shop.filters", {"value": {"min": 1}}, "shop.filters.value.min", "unknown setting"),
    ("shop.filters", {"value[gte]": "1"}, "shop.filters.value.gte", "must be a number"),
    ("shop.filters", {"stages": [{}]}, "shop.filters.stages[0].id", "is required"),
    ("shop.filters", {"either": "x"}, "shop.filters.either", "must be a list or an integer"),
    ("shop.filters", {"label": "A"}, "shop.filters.label", f"{_EXPECTED}A label"),
    ("shop.api_url", "http://example.com", "shop.api_url", _LOOPBACK),
    ("shop.api_url", "", "shop.api_url", _PLAIN),
    ("crm.oauth", CANARY, "crm.oauth", "must be an object"),
    ("crm.oauth.client_id", NOTHING, "crm.oauth.client_id", "is required"),
    ("crm.oauth.client_secret", NOTHING, "crm.oauth.client_secret", "is required"),
    ("crm.oauth.redirect_uri", NOTHING, "crm.oauth.redirect_uri", "is required"),
    ("crm.oauth.client_id", "", "crm.oauth.client_id", "must not be empty"),
    ("crm.oauth.client_secret", [CANARY], "crm.oauth.client_secret", "must be a string"),
    ("crm.oauth.code", {CANARY: CANARY}, "crm.oauth.code", "must be a string"),
    ("crm.oauth.code", f"{CANARY}\n", "crm.oauth.code", _FORMAT),
    ("crm.oauth.token_file", True, "crm.oauth.token_file", "must be a string"),
    ("crm.oauth.refresh_token", CANARY, "crm.oauth.code", _TWO_GRANTS),
    ("crm.access_token", CANARY, "crm.access_token", _TWO_CREDENTIALS),
    (
        "crm.oauth.secret",
        CANARY,
        "crm.oauth.secret",
        "unknown setting; did you mean crm.oauth.client_secret?",
    ),
    (
        "crm.oauth.scopes",
        [CANARY],
        "crm.oauth.scopes",
        "unknown setting; did you mean crm.oauth.code?",
    ),
]


def test_good_settings_have_no_error() -> None:
    assert errors_of(GOOD) == []
    assert errors_of({"shop": GOOD["shop"]}) == []
    assert errors_of({"crm": {"access_token": CANARY}}) == []
    assert errors_of({**GOOD, "hash_key": "k", "user_agent": "t"}) == []


@pytest.mark.parametrize(("place", "value", "named", "said"), BAD)
def test_one_line_names_the_setting_that_is_wrong(
    place: str, value: Any, named: str, said: str
) -> None:
    (line,) = errors_of(changed(GOOD, place, value))
    assert line == f"{named}: {said}"
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


def test_all_that_oauth_lacks_is_named_at_once() -> None:
    oauth = {"code": CANARY, "refresh_token": CANARY}
    assert errors_of({"crm": {"oauth": oauth}}) == [
        "crm.oauth.client_id: is required",
        "crm.oauth.client_secret: is required",
        "crm.oauth.redirect_uri: is required",
        f"crm.oauth.code: {_TWO_GRANTS}",
    ]


@pytest.mark.parametrize("config", [{}, {"start_date": "2026-01-01"}, {"shop": None}])
def test_at_least_one_source_must_be_configured(config: Config) -> None:
    assert errors_of(config) == [
        "no source is configured; add the settings of at least one of shop, crm"
    ]


def test_a_settings_error_has_its_lines() -> None:
    error = SettingsError(["a: is required", "b: is required"])
    assert error.lines == ["a: is required", "b: is required"]
    assert uncoded(str(error)) == "a: is required; b: is required"
