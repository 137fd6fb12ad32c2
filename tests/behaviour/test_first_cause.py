"""The last line of a failed run names the first cause, because Meltano shows that line alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_leads.sources import SOURCES as TAP_SOURCES
from tests.support.settings import CREDENTIALS, SOURCES, settings_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from tests.support.run import Run

    Runner = Callable[..., Run]

STREAMS = {source.name: source.streams for source in TAP_SOURCES}


@pytest.mark.parametrize("slot", SOURCES)
def test_the_last_line_names_the_rejected_credential_and_what_to_do(
    box: Sandbox, run_here: Runner, slot: str
) -> None:
    config = {slot: settings_for(box.apis[slot], name="north") | {CREDENTIALS[slot]: "wrong"}}
    run = run_here(config, catalog=None)
    count = sum(stream.selected_by_default for stream in STREAMS[slot])
    line, summary = run.said()
    assert line.startswith("account north: ")
    assert f"`{slot}.{CREDENTIALS[slot]}`" in line
    assert summary == f"{count} of {count} streams failed. First: {line}"
    assert run.stderr.splitlines()[-1].endswith(f"{summary} [http-401]")
    assert len(box.apis[slot].journal) == 1


@pytest.mark.usefixtures("no_waits")
def test_the_first_of_several_causes_is_named_with_its_stream(
    box: Sandbox, run_here: Runner
) -> None:
    box.kommo.faults.plan(400)
    box.octanist.options.ban_html = True
    run = run_here({slot: settings_for(api) for slot, api in box.apis.items()})
    first, second, summary = run.said()
    assert first.startswith("kommo_leads, account acme: ")
    assert second.startswith("account default: ")
    assert summary == f"2 of 4 streams failed. First: {first}"


def test_a_test_run_names_the_account_alone(box: Sandbox, run_here: Runner) -> None:
    run = run_here({"kommo": settings_for(box.kommo) | {"access_token": "wrong"}}, "--test")
    assert run.code == 1
    (line,) = run.said()
    assert line.startswith("account acme: ")
