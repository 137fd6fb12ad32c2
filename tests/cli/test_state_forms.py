"""A run goes on from a state in each form in which it may be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from tests.support.run import Run

    Runner = Callable[..., Run]

WRAPPERS: dict[str, Callable[[Any], Any]] = {
    "state": lambda state: state,
    "message": lambda state: {"type": "STATE", "value": state},
    "meltano state get": lambda state: {"singer_state": state},
    "meltano state backend": lambda state: {"completed": {"singer_state": state}, "partial": {}},
}


@pytest.mark.parametrize("form", WRAPPERS)
def test_a_run_goes_on_from_a_state_in_each_form(box: Sandbox, run_here: Runner, form: str) -> None:
    config = {"octanist": settings_for(box.octanist, lookback_seconds=0)}
    first = run_here(config)
    box.clock.advance(3600)
    edited = box.octanist.edit(3)
    second = run_here(config, state=WRAPPERS[form](first.state))
    assert second.code == 0
    assert {*map(str, edited)} <= {*second.ids("octanist_leads")}
    assert len(second.records("octanist_leads")) < 10


def test_an_empty_state_file_is_no_state(box: Sandbox, run_here: Runner) -> None:
    run = run_here({"octanist": settings_for(box.octanist)}, state="")
    assert run.code == 0
    assert len(run.records("octanist_leads")) == box.octanist.count
