"""Files that are not settings, state or catalog end the command before any request.

The errors themselves are in tests/unit/settings/test_load.py and tests/unit/singer.
"""

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


def test_a_rate_that_is_no_number_is_refused(box: Sandbox, run_here: Runner) -> None:
    text = json.dumps(changed(good(box), "kommo.requests_per_second", 4321))
    (line,) = refused(box, run_here(text.replace("4321", "NaN")))
    assert line.startswith("the config file ")
    assert "is not valid JSON" in line


def test_a_config_file_that_is_no_json_object_is_refused(box: Sandbox, run_here: Runner) -> None:
    (line,) = refused(box, run_here(f'{{"kommo": {{"access_token": "{CANARY}"'))
    assert line.startswith("the config file ")
    assert line.endswith("is not valid JSON (line 1)")


def test_a_config_file_that_cannot_be_read_is_refused(box: Sandbox, run_here: Runner) -> None:
    (line,) = refused(box, run_here(None, "--config", "nowhere.json"))
    assert line.startswith("cannot read the config file nowhere.json: ")


def test_settings_in_place_of_a_file_are_not_repeated(box: Sandbox, run_here: Runner) -> None:
    given = json.dumps({"kommo": {"access_token": CANARY}})
    (line,) = refused(box, run_here(None, "--config", given))
    assert line == "--config expects the path of a file or ENV, not the settings themselves"


@pytest.mark.parametrize("option", ["state", "catalog"])
@pytest.mark.parametrize("content", [CANARY, {"bookmarks": [CANARY]}])
def test_a_state_or_catalog_that_is_none_is_refused(
    box: Sandbox, run_here: Runner, option: str, content: Any
) -> None:
    (line,) = refused(box, run_here(good(box), **{option: content}))
    assert line.startswith(f"--{option} ")
