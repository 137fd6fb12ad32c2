"""Invalid settings: how tests make them, and what all rejections have in common."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import ConfigValidationError

from tap_leads.tap import TapLeads
from tests.support.settings import CREDENTIALS, Config, every_source

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.support.run import Run

CANARY = "canary-4f1c"
"""Stands in every secret, and must not appear in any output."""
NOTHING = object()
"""Stands for the absence of a setting."""
GOOD: Config = {slot: {credential: CANARY} for slot, credential in CREDENTIALS.items()}
"""Valid settings of all sources."""
GOOD["kommo"]["subdomain"] = "acme"


def good(box: Sandbox) -> Config:
    """Return valid settings of all sources for the sandbox, each credential a canary."""
    config = every_source(box)
    for slot, credential in CREDENTIALS.items():
        config[slot][credential] = f"{CANARY}-{slot}"
    return config


def changed(config: Config, place: str, value: Any) -> Config:
    """Return the settings with another value at `kommo.accounts`; without it for NOTHING."""
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
    """Return the lines with which the tap rejects its settings."""
    with pytest.raises(ConfigValidationError) as caught:
        TapLeads(config=config)
    lines = list(caught.value.errors)
    assert CANARY not in str(lines)
    return lines


def refused(box: Sandbox, run: Run) -> list[str]:
    """Return the lines of a run that was rejected before any request, and revealed no secret."""
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
