"""A setting whose value has the wrong format: the line says which format is expected."""

from __future__ import annotations

from typing import Any

import pytest

from tap_leads.settings.validate import validate
from tap_leads.sources import SOURCES
from tap_leads.tap import settings_schema

TOKEN = "has an invalid format, such as a space, a line break or `Bearer ` in a token"
STATUSES = "open, qualified, won, lost: one, or several as a list"
EXPECTED = "has an invalid format; expected: "


@pytest.mark.parametrize(
    ("name", "own", "line"),
    [
        ("octanist", {"api_key": "Bearer abc"}, f"octanist.api_key: {TOKEN}"),
        (
            "octanist",
            {"api_key": "abc", "filters": {"status": "win"}},
            f"octanist.filters.status: {EXPECTED}{STATUSES}",
        ),
    ],
)
def test_only_the_line_of_a_secret_is_about_tokens(
    name: str, own: dict[str, Any], line: str
) -> None:
    assert lines({name: own}) == [line]


def test_the_line_of_the_user_agent_says_which_characters_it_may_have() -> None:
    config = {"octanist": {"api_key": "abc"}, "user_agent": "naïve"}
    assert lines(config) == [
        f"user_agent: {EXPECTED}User-Agent header of all requests, in printable ASCII characters"
    ]


def lines(config: dict[str, Any]) -> list[str]:
    return validate(config, settings_schema(SOURCES), [each.settings for each in SOURCES], {}, {})
