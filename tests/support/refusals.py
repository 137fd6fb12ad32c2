"""Settings that are refused: how the tests make them, and what every refusal has in common."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from tests.support.settings import CREDENTIALS, settings_for

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.support.run import Run
    from tests.support.settings import Config

CANARY = "canary-4f1c"
"""Stands in every secret, and must never be seen again."""
NOTHING = object()


def good(box: Sandbox) -> Config:
    """Settings of all four sources with which nothing is wrong, each credential a canary."""
    config = {slot: settings_for(api) for slot, api in box.apis.items()}
    for slot, credential in CREDENTIALS.items():
        config[slot][credential] = f"{CANARY}-{slot}"
    return config


def changed(config: Config, place: str, value: Any) -> Config:
    """The settings with another value at `kommo.accounts.0.name`; without it if it is NOTHING."""
    config = deepcopy(config)
    inside: Any = config
    *path, last = [int(part) if part.isdigit() else part for part in place.split(".")]
    for part in path:
        if isinstance(inside, dict) and part not in inside:
            inside[part] = {}
        inside = inside[part]
    if value is NOTHING:
        del inside[last]
    else:
        inside[last] = value
    return config


def refused(box: Sandbox, run: Run) -> list[str]:
    """The lines of a run that was refused: before any request, without a trace of a secret."""
    assert run.code == 1
    assert run.messages == []
    assert "Traceback" not in run.stderr
    for slot, api in box.apis.items():
        assert api.journal == [], slot
        assert api.token not in run.stderr
    assert CANARY not in run.stderr
    lines = run.said()
    assert lines
    assert len(lines) == len([line for line in run.stderr.splitlines() if "| INFO " not in line])
    return lines
