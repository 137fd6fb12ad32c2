"""Look at what a run in this process logged."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the messages at ERROR."""
    return [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the messages at WARNING or ERROR."""
    levels = {"WARNING", "ERROR"}
    return [record.getMessage() for record in caplog.records if record.levelname in levels]
