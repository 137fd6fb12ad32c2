"""Settings that cannot be used are refused before anything is asked, one line for each thing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Sandbox
from tests.support.refusals import CANARY, NOTHING, changed, good, refused
from tests.support.settings import CREDENTIALS, settings_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.run import Run

    Runner = Callable[..., Run]

SOURCES = list(CREDENTIALS)


@pytest.fixture(scope="module")
def served() -> Iterator[Sandbox]:
    """One sandbox for all: nothing here reaches it, or so it should be."""
    with Sandbox(leads=20, seed=7) as sandbox:
        sandbox.kommo.options.rate_limit = None
        yield sandbox


@pytest.fixture
def box(served: Sandbox) -> Sandbox:
    """The sandbox, without a memory of requests."""
    for api in served.apis.values():
        api.journal.clear()
    return served


# Where the value is wrong, the setting that the one line names, and what it says besides.
BAD: list[tuple[str, Any, str, str]] = [
    ("startdate", "2026-01-01", "startdate", "did you mean start_date?"),
    ("kommo.acess_token", "x", "kommo.acess_token", "did you mean kommo.access_token?"),
    ("kommo.tokens", ["x"], "kommo.tokens", "unknown setting"),
    ("octanist.auth_token", "x", "octanist.auth_token", "unknown setting"),
    ("dashly.accounts", [{"app": "1"}], "dashly.accounts[0].app", "unknown setting"),
    ("carrotquest.accounts", [{"accounts": []}], "carrotquest.accounts[0].accounts", "unknown"),
    ("kommo", "acme", "kommo", "must be an object"),
    ("octanist", [], "octanist", "must be an object"),
    ("start_date", "yesterday", "start_date", "must be an ISO 8601 date or date-time"),
    ("start_date", "2026-02-30", "start_date", "must be an ISO 8601 date or date-time"),
    ("start_date", "", "start_date", "must be an ISO 8601 date or date-time"),
    ("start_date", 1770000000, "start_date", "must be a string"),
    ("nested_values", "json", "nested_values", "must be one of text, native"),
    ("concurrency", 0, "concurrency", "must be at least 1"),
    ("concurrency", 33, "concurrency", "must be at most 32"),
    ("concurrency", 1.5, "concurrency", "must be an integer"),
    ("concurrency", "4", "concurrency", "must be an integer"),
    ("request_timeout", 0, "request_timeout", "must be greater than 0"),
    ("request_timeout", -1, "request_timeout", "must be greater than 0"),
    ("user_agent", "", "user_agent", "must not be empty"),
    ("user_agent", "our\nrobot", "user_agent", "has an invalid format"),
    ("kommo.domain", "kommo.com.evil.com", "kommo.domain", "must be one of kommo.com, amocrm.ru"),
    ("kommo.subdomain", 7, "kommo.subdomain", "must be a string"),
    ("kommo.with", ["only_deleted"], "kommo.with", "supports only contacts, "),
    ("kommo.with", "contacts,deals", "kommo.with", "supports only contacts, "),
    ("kommo.with", [1], "kommo.with[0]", "must be a string"),
    ("dashly.timezone", "Mars/Olympus", "dashly.timezone", "time zone name, such as Europe/Berlin"),
    ("dashly.timezone", "", "dashly.timezone", "time zone name, such as Europe/Berlin"),
    ("carrotquest.timezone", "Europe", "carrotquest.timezone", "time zone name, such as"),
    ("carrotquest.timezone", "/etc/localtime", "carrotquest.timezone", "time zone name, such as"),
    ("carrotquest.timezone", 3, "carrotquest.timezone", "must be a string"),
    ("dashly.app_id", "42/../43", "dashly.app_id", "must be an app ID or $self_app"),
    ("dashly.app_id", "", "dashly.app_id", "must be an app ID or $self_app"),
    ("dashly.app_id", 42, "dashly.app_id", "must be a string"),
    (
        "kommo.filters",
        {"pipeline": [1]},
        "kommo.filters.pipeline",
        "did you mean kommo.filters.pipeline_id?",
    ),
    ("kommo.filters", {"updated_at": {"form": 1}}, "kommo.filters.updated_at.form", "unknown"),
    ("kommo.filters", {"created_at": {"from": "soon"}}, "kommo.filters.created_at", "date-time"),
    ("kommo.filters", {"updated_at": {"to": "soon"}}, "kommo.filters.updated_at", "date-time"),
    ("kommo.filters", {"id": "all"}, "kommo.filters.id", "must be a list or an integer"),
    ("kommo.filters", {"id": []}, "kommo.filters.id", "must not be empty"),
    ("kommo.filters", {"statuses": []}, "kommo.filters.statuses", "must not be empty"),
    ("kommo.filters", {"price": {"from": 9.5}}, "kommo.filters.price.from", "an integer"),
    ("kommo.filters", {"price": "much"}, "kommo.filters.price", "must be an integer or"),
    (
        "kommo.filters",
        {"statuses": [{"status_id": 142}]},
        "kommo.filters.statuses[0].pipeline_id",
        "is required",
    ),
    (
        "dashly.filters",
        {"type": "xor", "filters": [{"type": "known", "property_name": "$email", "value": {}}]},
        "dashly.filters.type",
        "must be one of and, or",
    ),
    (
        "dashly.filters",
        {"type": "and", "filters": [{"type": "knows", "property_name": "$email", "value": {}}]},
        "dashly.filters.filters[0].type",
        "must be one of known, unknown, ",
    ),
    (
        "dashly.filters",
        {"type": "and", "filters": [{"type": "known", "value": {}}]},
        "dashly.filters.filters[0].property_name",
        "is required",
    ),
    ("dashly.filters", {"type": "and", "filters": []}, "dashly.filters.filters", "not be empty"),
    ("dashly.filters", {"type": "and"}, "dashly.filters.filters", "is required"),
    (
        "octanist.filters",
        {"stauts": "won"},
        "octanist.filters.stauts",
        "did you mean octanist.filters.status?",
    ),
    ("octanist.filters", {"status": "new"}, "octanist.filters.status", "has an invalid format"),
    ("octanist.filters", {"status": ["new"]}, "octanist.filters.status[0]", "must be one of open"),
    ("octanist.filters", {"source": "gtm,api"}, "octanist.filters.source", "must be one of"),
    ("octanist.filters", {"value": {"min": 1}}, "octanist.filters.value.min", "unknown setting"),
    ("octanist.filters", {"value[gte]": "1"}, "octanist.filters.value.gte", "must be a number"),
    ("octanist.filters", {"createdAt": {"gte": "soon"}}, "octanist.filters.createdAt", "date-time"),
    ("octanist.filters", {"gclid[exists]": "yes"}, "octanist.filters.gclid.exists", "a boolean"),
    ("stream_maps", "none", "stream_maps", "must be an object"),
    ("flattening_max_depth", "2", "flattening_max_depth", "must be an integer"),
]
BAD += [
    (f"{slot}.{name}", value, f"{slot}.{name}", said)
    for slot, credential in CREDENTIALS.items()
    for name, value, said in (
        (credential, NOTHING, "is required"),
        (credential, None, "is required"),
        (credential, "", "must not be empty"),
        (credential, [CANARY], "must be a string"),
        (credential, {CANARY: CANARY}, "must be a string"),
        (credential, 7, "must be a string"),
        (credential, True, "must be a string"),
        (credential, f"{CANARY}\n", "has an invalid format"),
        (credential, f"{CANARY} Лид", "has an invalid format"),
        ("requests_per_second", 0, "must be at least 0.001"),
        ("requests_per_second", -6, "must be at least 0.001"),
        ("requests_per_second", "six", "must be a number"),
        ("requests_per_second", True, "must be a number"),
        ("lookback_seconds", -1, "must be at least 0"),
        ("lookback_seconds", 1.5, "must be an integer"),
        ("name", "", "must not be empty"),
        ("accounts", {}, "must be a list"),
        ("accounts", [], "must not be empty"),
        ("filters", [], "must be an object"),
        ("filters", "won", "must be an object"),
    )
]


@pytest.mark.parametrize(
    ("place", "value", "named", "said"),
    BAD,
    ids=[f"{place}={'nothing' if value is NOTHING else value}" for place, value, _, _ in BAD],
)
def test_one_line_names_the_setting_that_is_wrong(
    box: Sandbox, run_here: Runner, place: str, value: Any, named: str, said: str
) -> None:
    (line,) = refused(box, run_here(changed(good(box), place, value)))
    assert line.startswith(f"{named}: ")
    assert said in line


@pytest.mark.parametrize(
    "subdomain",
    [
        "acme.kommo.com",
        "a.b",
        "evil.com#",
        "evil.com/",
        "evil.com?x=",
        "https://acme.kommo.com",
        "user@evil",
        "evil:443",
        "evil\\",
        "acme\n",
        " acme",
        "-acme",
        "acme-",
        "a" * 64,
        "аcme",  # noqa: RUF001  # its first letter is Cyrillic
        "",
    ],
)
def test_a_subdomain_is_one_word_of_an_address(
    box: Sandbox, run_here: Runner, subdomain: str
) -> None:
    config = changed(good(box), "kommo.subdomain", subdomain)
    (line,) = refused(box, run_here(changed(config, "kommo.api_url", NOTHING)))
    assert line.startswith("kommo.subdomain: must be only the first part, such as mycompany")


@pytest.mark.parametrize("slot", SOURCES)
def test_an_address_that_a_credential_must_not_go_to_is_refused(
    box: Sandbox, run_here: Runner, slot: str
) -> None:
    (line,) = refused(box, run_here(changed(good(box), f"{slot}.api_url", "http://example.com")))
    assert line.startswith(f"{slot}.api_url: must be ")


def test_the_settings_of_no_source_are_not_enough(box: Sandbox, run_here: Runner) -> None:
    for config in ({}, {"start_date": "2026-01-01"}, {"kommo": None}):
        (line,) = refused(box, run_here(config))
        assert line == (
            "no source is configured; add the settings of at least one of kommo, dashly, "
            "carrotquest, octanist"
        )


@pytest.mark.parametrize("slot", SOURCES)
def test_two_accounts_with_one_name_are_refused(box: Sandbox, run_here: Runner, slot: str) -> None:
    same = [{"name": "north"}, {"name": "south"}, {"name": "north"}]
    (line,) = refused(box, run_here(changed(good(box), f"{slot}.accounts", same)))
    assert line == f"{slot}.accounts: 2 accounts have the name north; give each a unique `name`"
    (line,) = refused(box, run_here(changed(good(box), f"{slot}.accounts", [{}, {}])))
    assert line.startswith(f"{slot}.accounts: 2 accounts have the name ")


@pytest.mark.parametrize("slot", SOURCES)
def test_each_account_needs_a_credential_of_its_own_or_a_shared_one(
    box: Sandbox, run_here: Runner, slot: str
) -> None:
    credential = CREDENTIALS[slot]
    accounts = [{"name": "north", credential: CANARY}, {"name": "south"}]
    config = changed(good(box), f"{slot}.accounts", accounts)
    (line,) = refused(box, run_here(changed(config, f"{slot}.{credential}", NOTHING)))
    instead = ", unless `oauth` is set" if slot == "kommo" else ""
    assert line == f"{slot}.accounts[1].{credential}: is required{instead}"


def test_everything_that_is_wrong_is_told_at_once(box: Sandbox, run_here: Runner) -> None:
    config = good(box)
    for place, value in (
        ("start_date", "soon"),
        ("kommo.subdomain", 1),
        ("dashly.auth_token", [CANARY]),
        ("octanist.filters", {"no": 1, "nor": 2}),
    ):
        config = changed(config, place, value)
    named = {line.partition(":")[0] for line in refused(box, run_here(config))}
    assert named == {
        "start_date",
        "kommo.subdomain",
        "dashly.auth_token",
        "octanist.filters.no",
        "octanist.filters.nor",
    }


def test_no_config_at_all_is_told_as_no_source(box: Sandbox, run_here: Runner) -> None:
    (line,) = refused(box, run_here())
    assert line.startswith("no source is configured")


@pytest.mark.parametrize("slot", SOURCES)
def test_settings_given_as_null_are_not_set(box: Sandbox, run_here: Runner, slot: str) -> None:
    names = ("name", "filters", "requests_per_second", "lookback_seconds", "accounts")
    config = {slot: {**dict.fromkeys(names), **settings_for(box.apis[slot])}}
    others = dict.fromkeys([*SOURCES, "start_date", "concurrency", "nested_values", "user_agent"])
    run = run_here({**others, **config})
    assert run.code == 0
    assert len(run.records(f"{slot}_leads")) == box.apis[slot].count


def test_a_refusal_is_the_same_on_a_real_command_line(box: Sandbox, run_tap: Runner) -> None:
    config = changed(good(box), "kommo.access_token", [CANARY])
    lines = refused(box, run_tap(changed(config, "octanist.apikey", CANARY)))
    assert lines == [
        "kommo.access_token: must be a string",
        "octanist.apikey: unknown setting; did you mean octanist.api_key?",
    ]
