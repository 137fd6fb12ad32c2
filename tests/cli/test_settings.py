"""Invalid settings end the command before any request, with one line for each error.

The errors themselves are in tests/unit/settings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.refusals import CANARY, NOTHING, changed, good, refused
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from tests.support.run import Run

    Runner = Callable[..., Run]

# Where the value is wrong, the setting that the one line names, and what it says besides.
BAD: list[tuple[str, Any, str, str]] = [
    ("kommo.access_token", [CANARY], "kommo.access_token", "must be a string"),
    ("kommo.access_token", NOTHING, "kommo.access_token", "is required, unless"),
    ("carrotquest.auth_token", f"{CANARY}\n{CANARY}", "carrotquest.auth_token", "invalid format"),
    ("octanist.apikey", CANARY, "octanist.apikey", "did you mean octanist.api_key?"),
    ("octanist.filters", {"value[gte]": "one"}, "octanist.filters.value.gte", "must be a number"),
    ("start_date", "yesterday", "start_date", "must be an ISO 8601 date or date-time"),
]


@pytest.mark.parametrize(("place", "value", "named", "said"), BAD)
def test_one_line_names_the_setting_that_is_wrong(
    box: Sandbox, run_here: Runner, place: str, value: Any, named: str, said: str
) -> None:
    (line,) = refused(box, run_here(changed(good(box), place, value)))
    assert line.startswith(f"{named}: ")
    assert said in line


def test_no_config_at_all_is_told_as_no_source(box: Sandbox, run_here: Runner) -> None:
    (line,) = refused(box, run_here())
    assert line.startswith("no source is configured")


def test_settings_given_as_null_are_not_set(box: Sandbox, run_here: Runner) -> None:
    names = ("name", "filters", "requests_per_second", "lookback_seconds", "accounts")
    config = {"kommo": {**dict.fromkeys(names), **settings_for(box.kommo)}}
    others = dict.fromkeys(["dashly", "start_date", "concurrency", "nested_values", "user_agent"])
    run = run_here({**others, **config})
    assert run.code == 0
    assert len(run.records("kommo_leads")) == box.kommo.count


def test_everything_that_is_wrong_is_told_at_once(box: Sandbox, run_here: Runner) -> None:
    config = good(box)
    for place, value in (
        ("start_date", "soon"),
        ("kommo.subdomain", True),
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


def test_a_refusal_is_the_same_on_a_real_command_line(box: Sandbox, run_tap: Runner) -> None:
    config = changed(good(box), "kommo.access_token", [CANARY])
    lines = refused(box, run_tap(changed(config, "octanist.apikey", CANARY)))
    assert lines == [
        "kommo.access_token: must be a string",
        "octanist.apikey: unknown setting; did you mean octanist.api_key?",
    ]
