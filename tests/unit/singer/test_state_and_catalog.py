"""State and catalog files that cannot be used: one line for each, without its content."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_leads.settings.errors import SettingsError
from tap_leads.singer.command import read_catalog, read_state
from tests.support.refusals import CANARY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def error_of(read: Callable[[Any], object], path: Path, content: Any) -> str:
    """Return the line with which `read` rejects a file with this content."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    path.write_bytes(data)
    with path.open(encoding="utf-8") as file, pytest.raises(SettingsError) as caught:
        read(file)
    (line,) = caught.value.lines
    assert CANARY not in line
    return line


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (CANARY.encode(), "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b"\xff", "not a JSON object"),
        ({"bookmarks": [CANARY]}, "not a Singer state"),
        ({"bookmarks": {"kommo_leads": [CANARY]}}, "not a Singer state"),
        ({"bookmarks": {"kommo_leads": {"partitions": CANARY}}}, "not a Singer state"),
        ({"bookmarks": {"kommo_leads": {"partitions": [CANARY]}}}, "not a Singer state"),
        ({"bookmarks": {"kommo_leads": {"partitions": [{}]}}}, "not a Singer state"),
        ({"value": {"bookmarks": {}}}, "not a Singer state"),
    ],
)
def test_a_state_that_is_none_is_refused(tmp_path: Path, state: Any, said: str) -> None:
    path = tmp_path / "state.json"
    assert error_of(read_state, path, state).startswith(f"--state {path}: {said}")


@pytest.mark.parametrize(
    ("catalog", "said"),
    [
        (CANARY.encode(), "not a JSON object"),
        (b"[]", "not a JSON object"),
        ({}, "not a Singer catalog; create one with --discover"),
        ({"streams": CANARY}, "not a Singer catalog; create one with --discover"),
        ({"streams": [CANARY]}, "not a Singer catalog; create one with --discover"),
        ({"streams": [{"stream": CANARY}]}, "not a Singer catalog; create one with --discover"),
        (
            {"streams": [{"tap_stream_id": "kommo_leads", "schema": CANARY, "metadata": []}]},
            "not a Singer catalog; create one with --discover",
        ),
        (
            {"streams": [{"tap_stream_id": "kommo_leads", "schema": {}, "metadata": CANARY}]},
            "not a Singer catalog; create one with --discover",
        ),
    ],
)
def test_a_catalog_that_is_none_is_refused(tmp_path: Path, catalog: Any, said: str) -> None:
    path = tmp_path / "catalog.json"
    assert error_of(read_catalog, path, catalog) == f"--catalog {path}: {said}"
