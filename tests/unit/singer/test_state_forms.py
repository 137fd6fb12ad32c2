"""States in the forms in which they are kept: by targets, by Meltano, and in an empty file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_leads.settings.errors import SettingsError
from tap_leads.singer.command import read_state
from tests.support.refusals import CANARY

if TYPE_CHECKING:
    from pathlib import Path

PARTITION = {"context": {"account": "acme"}, "replication_key_value": "2026-01-01T00:00:00.000000Z"}
STATE = {"bookmarks": {"kommo_leads": {"partitions": [PARTITION]}}}
OTHER = {"bookmarks": {"kommo_contacts": {"partitions": [PARTITION]}}}
BOTH = {"bookmarks": {**STATE["bookmarks"], **OTHER["bookmarks"]}}


def state_in(tmp_path: Path, content: Any) -> Any:
    path = tmp_path / "state.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with path.open(encoding="utf-8") as file:
        return read_state(file)


@pytest.mark.parametrize(
    ("content", "state"),
    [
        (STATE, STATE),
        ({"type": "STATE", "value": STATE}, STATE),
        ({"singer_state": STATE}, STATE),
        ({"completed": {"singer_state": STATE}}, STATE),
        ({"completed": {"singer_state": STATE}, "partial": {}}, STATE),
        ({"completed": {}, "partial": {"singer_state": STATE}}, STATE),
        ({"completed": {"singer_state": STATE}, "partial": {"singer_state": OTHER}}, BOTH),
        ({"completed": {"singer_state": OTHER}, "partial": None}, OTHER),
        ({"type": "STATE", "value": {"singer_state": STATE}}, STATE),
        ("", {}),
        (" \n", {}),
        ({}, {}),
        ({"bookmarks": {}}, {"bookmarks": {}}),
        ({"singer_state": {}}, {}),
        ({"completed": {}}, {}),
        ({"type": "STATE", "value": {}}, {}),
    ],
)
def test_a_state_is_unwrapped(tmp_path: Path, content: Any, state: Any) -> None:
    assert state_in(tmp_path, content) == state


@pytest.mark.parametrize(
    "content",
    [
        CANARY,
        "[]",
        "null",
        '"text"',
        {"kommo_leads": {"replication_key_value": CANARY}},
        {"value": STATE},
        {"type": "RECORD", "value": STATE},
        {"type": "STATE", "value": None},
        {"type": "STATE", "value": [CANARY]},
        {"singer_state": [CANARY]},
        {"singer_state": {"kommo_leads": CANARY}},
        {"completed": {"singer_state": CANARY}},
        {"completed": CANARY},
        {"completed": {"singer_state": {"bookmarks": [CANARY]}}},
        json.dumps(STATE) + "\n" + json.dumps(STATE),
    ],
)
def test_anything_else_is_refused_with_the_form_that_is_expected(
    tmp_path: Path, content: Any
) -> None:
    with pytest.raises(SettingsError) as caught:
        state_in(tmp_path, content)
    (line,) = caught.value.lines
    assert line.startswith(f"--state {tmp_path / 'state.json'}: not a ")
    assert line.endswith('; expected the value of a STATE message, such as {"bookmarks": {...}}')
    assert CANARY not in line
