"""Look at what a run in this process logged."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tap_leads.errors import Code

if TYPE_CHECKING:
    import pytest


def code_of(line: str) -> Code:
    """Return the code at the end of a message; each has one."""
    found = re.search(r" \[([a-z0-9-]+)\]\Z", line)
    assert found, f"no code: {line}"
    return Code(found[1])


def uncoded(line: str) -> str:
    """Return a message without the code at its end; each has one."""
    return line.removesuffix(f" [{code_of(line)}]")


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the messages at ERROR, without their codes."""
    return [uncoded(each.getMessage()) for each in caplog.records if each.levelname == "ERROR"]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the messages at WARNING or ERROR, without their codes."""
    levels = {"WARNING", "ERROR"}
    return [uncoded(each.getMessage()) for each in caplog.records if each.levelname in levels]
