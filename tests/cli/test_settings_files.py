"""Files that are no settings, state or catalog are refused before anything is asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.refusals import CANARY, changed, good, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from tests.support.run import Run

    Runner = Callable[..., Run]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_rate_that_is_no_number_is_refused(box: Sandbox, run_here: Runner, number: str) -> None:
    text = json.dumps(changed(good(box), "kommo.requests_per_second", 4321))
    (line,) = refused(box, run_here(text.replace("4321", number)))
    assert "is not valid JSON" in line or line.startswith("kommo.requests_per_second: ")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f'{{"kommo": {{"access_token": "{CANARY}"', "is not valid JSON (line 1)"),
        (f'{{\n"{CANARY}"\n}}', "is not valid JSON (line 3)"),
        (f'["{CANARY}"]', "must contain a JSON object"),
        (f'"{CANARY}"', "must contain a JSON object"),
        ("", "is not valid JSON"),
        (b"\xff\xfe" + CANARY.encode(), "is not valid JSON"),
    ],
)
def test_a_config_file_that_is_no_json_object_is_refused(
    box: Sandbox, run_here: Runner, content: str | bytes, said: str
) -> None:
    (line,) = refused(box, run_here(content))
    assert line.startswith("the config file ")
    assert said in line


def test_a_config_file_that_cannot_be_read_is_refused(box: Sandbox, run_here: Runner) -> None:
    for path in ("nowhere.json", "."):
        (line,) = refused(box, run_here(None, "--config", path))
        assert line.startswith(f"cannot read the config file {path}: ")


def test_settings_in_place_of_a_file_are_not_repeated(box: Sandbox, run_here: Runner) -> None:
    given = json.dumps({"kommo": {"access_token": CANARY}})
    (line,) = refused(box, run_here(None, "--config", given))
    assert line == "--config expects the path of a file or ENV, not the settings themselves"


@pytest.mark.parametrize(
    ("state", "named"),
    [
        (CANARY, "not a JSON object"),
        ("[]", "not a JSON object"),
        (b"\xff", "not a JSON object"),
        ({"bookmarks": [CANARY]}, "not a Singer state"),
        ({"bookmarks": {"kommo_leads": [CANARY]}}, "not a Singer state"),
        ({"bookmarks": {"kommo_leads": {"partitions": CANARY}}}, "not a Singer state"),
        ({"bookmarks": {"kommo_leads": {"partitions": [CANARY]}}}, "not a Singer state"),
        ({"bookmarks": {"kommo_leads": {"partitions": [{}]}}}, "not a Singer state"),
        ({"type": "STATE", "value": {"bookmarks": {}}}, "not a Singer state"),
    ],
)
def test_a_state_that_is_none_is_refused(
    box: Sandbox, run_here: Runner, state: Any, named: str
) -> None:
    (line,) = refused(box, run_here(good(box), state=state))
    assert line.startswith("--state ")
    assert named in line


@pytest.mark.parametrize(
    ("catalog", "named"),
    [
        (CANARY, "not a JSON object"),
        ("[]", "not a JSON object"),
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
def test_a_catalog_that_is_none_is_refused(
    box: Sandbox, run_here: Runner, catalog: Any, named: str
) -> None:
    (line,) = refused(box, run_here(good(box), catalog=catalog))
    assert line.startswith("--catalog ")
    assert line.endswith(named)
