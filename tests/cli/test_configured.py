"""Sources without a credential, and settings as people paste them, on the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.refusals import CANARY
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Sandbox
    from tests.support.run import Run

    Runner = Callable[..., Run]


def variables(box: Sandbox) -> dict[str, str]:
    """Return the settings of Kommo as environment variables."""
    return {
        f"TAP_LEADS_KOMMO_{name}".upper(): str(value)
        for name, value in settings_for(box.kommo).items()
    }


@pytest.mark.parametrize("name", ["ENV", "env", "Env"])
def test_an_empty_variable_is_not_set(box: Sandbox, run_here: Runner, name: str) -> None:
    empty = {"TAP_LEADS_OCTANIST_API_KEY": "", "TAP_LEADS_CONCURRENCY": "", "TAP_LEADS_DASHLY": ""}
    run = run_here(None, "--config", name, environment=variables(box) | empty)
    assert run.code == 0
    assert len(run.records("kommo_leads")) == box.kommo.count
    assert run.said() == []


def test_an_empty_variable_does_not_hide_the_file_named_dot_env(
    box: Sandbox, run_here: Runner, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(f"TAP_LEADS_KOMMO_ACCESS_TOKEN={box.kommo.token}\n")
    environment = variables(box) | {"TAP_LEADS_KOMMO_ACCESS_TOKEN": ""}
    assert run_here(None, "--config", "ENV", environment=environment).code == 0


def test_other_settings_of_a_source_do_not_stop_the_run(box: Sandbox, run_here: Runner) -> None:
    config = {"kommo": settings_for(box.kommo), "dashly": {"requests_per_second": 2}}
    run = run_here(config)
    assert run.code == 0
    assert len(run.records("kommo_leads")) == box.kommo.count
    assert run.said() == []
    assert len([line for line in run.stderr.splitlines() if "dashly: no credential" in line]) == 1


def test_settings_as_people_paste_them_are_taken(box: Sandbox, run_here: Runner) -> None:
    own = settings_for(
        box.dashly, app_id=int(box.dashly.app_id), auth_token=f"Bearer {box.dashly.token}\n"
    )
    run = run_here({"dashly": own | {"requests_per_second": "10000"}})
    assert run.code == 0
    assert {record["account"] for record in run.records("dashly_leads")} == {box.dashly.app_id}
    assert {request.headers["Authorization"] for request in box.dashly.journal} == {
        f"Token {box.dashly.token}"
    }


def test_a_mistyped_variable_is_told_without_its_value(box: Sandbox, run_here: Runner) -> None:
    environment = variables(box) | {"TAP_LEADS_KOMMO_TOKEN": CANARY}
    run = run_here(None, "--config", "ENV", environment=environment)
    assert run.code == 0
    (line,) = run.said()
    assert line == (
        "TAP_LEADS_KOMMO_TOKEN: unknown variable, ignored; did you mean "
        "TAP_LEADS_KOMMO_ACCESS_TOKEN?"
    )
    assert CANARY not in run.stderr


def test_a_mistyped_variable_is_told_beside_a_file_of_settings(
    box: Sandbox, run_here: Runner, tmp_path: Path
) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"kommo": settings_for(box.kommo)}))
    environment = {"TAP_LEADS_STARTDATE": "2026-01-01", "TAP_LEADS_XYZZY": "1"}
    run = run_here(None, "--config", str(path), environment=environment)
    assert run.said() == [
        "TAP_LEADS_STARTDATE: unknown variable, ignored; did you mean TAP_LEADS_START_DATE?"
    ]


@pytest.mark.parametrize("name", ["ENV", "file"])
def test_no_line_says_that_variables_are_skipped(box: Sandbox, run_here: Runner, name: str) -> None:
    config = None if name == "ENV" else {"kommo": settings_for(box.kommo)}
    options = ["--config", "ENV"] if name == "ENV" else []
    run = run_here(config, *options, environment=variables(box) if options else {})
    assert run.code == 0
    assert "env var" not in run.stderr
