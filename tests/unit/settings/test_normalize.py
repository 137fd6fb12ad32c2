"""Settings in the forms in which programs and people write them."""

from __future__ import annotations

from typing import Any

import pytest

from tap_leads.tap import TapLeads
from tests.support.refusals import CANARY, GOOD, NOTHING, changed, errors_of

OAUTH = {
    "client_id": "1",
    "client_secret": "2",
    "redirect_uri": "https://example.com",
    "code": "3",
}


def taken(place: str, value: Any) -> Any:
    """Return what the tap makes of the value of a setting."""
    found: Any = TapLeads(config=changed(GOOD, place, value)).config
    for part in place.split("."):
        found = found[part]
    return found


@pytest.mark.parametrize(
    ("place", "value", "number"),
    [
        ("kommo.requests_per_second", "4", 4),
        ("kommo.requests_per_second", "0.5", 0.5),
        ("kommo.lookback_seconds", "0", 0),
        ("kommo.lookback_seconds", 600.0, 600),
        ("concurrency", " 2 ", 2),
        ("concurrency", 2.0, 2),
        ("request_timeout", "1.5", 1.5),
        ("flattening_max_depth", "2", 2),
        ("flattening_enabled", "off", False),
        ("octanist.share_rate_limit", "No", False),
        ("kommo.filters", {"price": {"from": "100"}}, {"price": {"from": 100}}),
        ("kommo.filters", {"pipeline_id": "7"}, {"pipeline_id": 7}),
        ("kommo.filters", {"pipeline_id": ["7"]}, {"pipeline_id": [7]}),
        ("octanist.filters", {"value[gte]": "0.5"}, {"value": {"gte": 0.5}}),
        ("octanist.filters", {"gclid[exists]": "yes"}, {"gclid": {"exists": True}}),
    ],
)
def test_a_number_or_a_boolean_may_be_given_as_text(place: str, value: Any, number: Any) -> None:
    found = taken(place, value)
    assert found == number
    assert type(found) is type(number)


@pytest.mark.parametrize(
    ("place", "value", "text"),
    [
        ("dashly.app_id", 3568, "3568"),
        ("kommo.name", 2026, "2026"),
        ("kommo.subdomain", 7, "7"),
        ("octanist.filters", {"labelId": 12}, {"labelId": "12"}),
        ("start_date", 20260101, "20260101"),
    ],
)
def test_an_id_may_be_given_as_a_number(place: str, value: Any, text: Any) -> None:
    assert taken(place, value) == text


def test_the_settings_of_each_account_take_the_same_forms() -> None:
    accounts = [{"app_id": 3568, "auth_token": f"Bearer {CANARY}", "requests_per_second": "4"}]
    wanted = {"app_id": "3568", "auth_token": CANARY, "requests_per_second": 4}
    assert wanted.items() <= taken("dashly.accounts", accounts)[0].items()


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("concurrency", "four", "must be an integer"),
        ("concurrency", "1.5", "must be an integer"),
        ("concurrency", " ", "must be an integer"),
        ("request_timeout", "NaN", "must be a number"),
        ("request_timeout", "Infinity", "must be a number"),
        ("request_timeout", "1e999", "must be a number"),
        ("kommo.requests_per_second", "true", "must be a number"),
        ("kommo.requests_per_second", "0", "must be at least 0.001"),
        ("flattening_enabled", CANARY, "must be a boolean"),
        ("dashly.app_id", True, "must be a string"),
        ("dashly.app_id", 1.5, "must be a string"),
        ("octanist.api_key", 42, "must be a string"),
    ],
)
def test_text_that_is_not_of_the_type_is_refused(place: str, value: Any, said: str) -> None:
    (line,) = errors_of(changed(GOOD, place, value))
    assert line.startswith(f"{place}: {said}")


# Credentials


@pytest.mark.parametrize(
    "given", ["{}\n", " {}", "\t{}\r\n", "Bearer {}", "bearer  {}\n", " BEARER {} ", "Bearer\t{}"]
)
@pytest.mark.parametrize(
    "place",
    ["kommo.access_token", "dashly.auth_token", "carrotquest.auth_token", "octanist.api_key"],
)
def test_what_a_paste_adds_to_a_token_is_removed(place: str, given: str) -> None:
    assert taken(place, given.format(CANARY)) == CANARY


def test_what_a_paste_adds_to_oauth_is_removed() -> None:
    pasted = {**OAUTH, "client_secret": f" {CANARY}", "code": f"{CANARY}\n"}
    config = changed(changed(GOOD, "kommo.access_token", NOTHING), "kommo.oauth", pasted)
    found = TapLeads(config=config).config["kommo"]["oauth"]
    assert (found["client_secret"], found["code"]) == (CANARY, CANARY)


@pytest.mark.parametrize("given", [f"{CANARY} {CANARY}", f"a\n{CANARY}", f"Token {CANARY}", "é"])
def test_a_token_with_anything_else_in_it_is_refused(given: str) -> None:
    (line,) = errors_of(changed(GOOD, "kommo.access_token", given))
    assert line.startswith("kommo.access_token: has an invalid format")


@pytest.mark.parametrize("given", [" ", "Bearer ", "\n"])
def test_a_token_of_which_nothing_is_left_is_refused(given: str) -> None:
    (line,) = errors_of(changed(GOOD, "kommo.access_token", given))
    assert line.startswith("kommo.access_token: must not be empty")


def test_the_hash_key_is_taken_as_it_is() -> None:
    config = {**GOOD, "hash_fields": ["email"], "hash_key": " Bearer key "}
    assert TapLeads(config=config).config["hash_key"] == " Bearer key "


# The subdomain of Kommo


@pytest.mark.parametrize(
    ("given", "subdomain", "domain"),
    [
        ("acme", "acme", None),
        (" acme\n", "acme", None),
        ("acme.kommo.com", "acme", "kommo.com"),
        ("https://acme.kommo.com", "acme", "kommo.com"),
        ("https://acme.kommo.com/leads/", "acme", "kommo.com"),
        ("https://acme.amocrm.ru/leads/pipeline/1?a=b#c", "acme", "amocrm.ru"),
        ("http://acme.amocrm.com/", "acme", "amocrm.com"),
        ("HTTPS://Acme.Kommo.com", "acme", "kommo.com"),
    ],
)
def test_a_subdomain_may_be_a_whole_address(given: str, subdomain: str, domain: str | None) -> None:
    for place in ("kommo", "account"):
        own: dict[str, Any] = {"subdomain": given, "access_token": CANARY}
        config = {"kommo": own if place == "kommo" else {"accounts": [own]}}
        kommo = TapLeads(config=config).config["kommo"]
        found = kommo if place == "kommo" else kommo["accounts"][0]
        assert found["subdomain"] == subdomain
        assert found.get("domain") in {domain, "kommo.com" if domain is None else domain}


def test_the_domain_of_an_accounts_address_wins_over_a_shared_domain() -> None:
    accounts = [{"subdomain": "https://acme.amocrm.ru/"}]
    config = {"kommo": {"access_token": CANARY, "domain": "kommo.com", "accounts": accounts}}
    tap = TapLeads(config=config)
    (source,) = (each for each in tap.sources if each.name == "kommo")
    ((_, label, settings),) = source.settings.accounts(tap.config["kommo"])
    assert (label, settings["domain"]) == ("acme", "amocrm.ru")


@pytest.mark.parametrize(
    "given",
    [
        "https://acme.kommo.com@evil.com/",
        "https://user@acme.kommo.com/",
        "https://acme.kommo.com:8443/",
        "https://acme.kommo.com.evil.com/",
        "https://evil.com/acme.kommo.com",
        "https://a.b.kommo.com",
        "https://kommo.com",
        "https://acme.evil.com",
        "ftp://acme.kommo.com",
        "acme.kommo.com evil",
        "https:acme.kommo.com",
    ],
)
def test_another_address_is_refused(given: str) -> None:
    (line,) = errors_of(changed(GOOD, "kommo.subdomain", given))
    assert line.startswith("kommo.subdomain: must be mycompany or an address such as")


def test_an_address_and_a_domain_that_differ_are_refused() -> None:
    config = changed(GOOD, "kommo.domain", "amocrm.ru")
    (line,) = errors_of(changed(config, "kommo.subdomain", "https://acme.kommo.com"))
    assert line == "kommo.domain: differs from the domain in `subdomain`; keep one of the two"


@pytest.mark.parametrize("place", ["start_date", "hash_key", "concurrency", "kommo.oauth.code"])
def test_an_empty_text_is_not_set(place: str) -> None:
    config = changed(changed(GOOD, "kommo.access_token", NOTHING), "kommo.oauth", OAUTH)
    empty = changed(config, place, "")
    assert TapLeads(config=empty).config == TapLeads(config=changed(empty, place, NOTHING)).config


def test_an_empty_text_in_a_filter_does_not_widen_it() -> None:
    (line,) = errors_of(changed(GOOD, "octanist.filters", {"status": ""}))
    assert line.startswith("octanist.filters.status: ")
