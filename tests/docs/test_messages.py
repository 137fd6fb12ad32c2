"""Messages in the reference are those of the tap, and none is missing."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tap_leads.errors import Code
from tap_leads.rest.errors import (
    BLOCKED,
    MEANINGS,
    OPTIONAL_MEANINGS,
    REDIRECT,
    REDIRECT_ELSEWHERE,
    SERVER_FAULT,
    UNKNOWN,
)
from tests.support.pages import ROOT
from tools.messages import messages

GAP = "…"
"""Stands in the reference for the part of a message that differs."""


@cache
def templates() -> set[str]:
    """Return the strings in the tap's code, with a gap for each part that is filled in."""
    found: set[str] = set()
    for path in (ROOT / "tap_leads").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = node.values
                found.add(
                    "".join(str(p.value) if isinstance(p, ast.Constant) else GAP for p in parts)
                )
    return {re.sub(r"%s|%d|%\.\df|\{\w*\}", GAP, text) for text in found}


def says(template: str, text: str) -> bool:
    """True if a text is a part of a template, or all of it with some of its gaps filled in."""
    fixed = template.replace(GAP, "").strip(" :")
    pattern = ".+".join(re.escape(part) for part in template.split(GAP))
    return text in template or (len(fixed) > 12 and re.fullmatch(pattern, text) is not None)


MESSAGES = [line for each in messages().values() for message in each for line in message.lines]


STATUSES = {
    f"{re.sub(r'{.*?}', GAP, meaning.cause)} (HTTP {status})": meaning
    for status, meaning in (
        *MEANINGS.items(),
        *OPTIONAL_MEANINGS.items(),
        (403, BLOCKED),
        (GAP, SERVER_FAULT),
        (GAP, REDIRECT),
        (GAP, REDIRECT_ELSEWHERE),
        (GAP, UNKNOWN),
    )
}


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_in_the_reference_is_one_of_the_taps(message: str) -> None:
    assert message in STATUSES or any(says(template, message) for template in templates())


def test_the_reference_says_what_to_do_about_each_status() -> None:
    assert STATUSES.keys() <= set(MESSAGES)


def test_each_code_is_used_and_has_a_section_in_the_reference() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tap_leads").rglob("*.py"))
    made = {"state-file", "catalog-file"}  # from the name of an option
    page = (ROOT / "docs/reference/messages.md").read_text(encoding="utf-8")
    for each in Code:
        assert f"Code.{each.name}" in code or each in made, each
        assert f"\n## {each}\n" in page
