"""The SDK's metrics agree with the outcome, and the log of a run is short."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.run import sync
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from tests.support.run import Run

    Runner = Callable[..., Run]


def metrics(caplog: pytest.LogCaptureFixture, name: str) -> list[tuple[int, dict[str, Any]]]:
    """Return the level and the tags of the SDK's metrics with a name."""
    points = [
        (record.levelno, json.loads(record.getMessage().removeprefix("METRIC: ")))
        for record in caplog.records
        if record.getMessage().startswith("METRIC: ")
    ]
    return [(level, point["tags"]) for level, point in points if point["metric"] == name]


def test_the_duration_of_a_failed_stream_has_the_status_failed(
    box: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    box.octanist.faults.plan(400)
    run = sync({"octanist": settings_for(box.octanist), "dashly": settings_for(box.dashly)})
    assert run.code == 1
    found = {tags["stream"]: tags["status"] for _, tags in metrics(caplog, "sync_duration")}
    assert found == {"octanist_leads": "failed", "dashly_leads": "succeeded"}


@pytest.mark.parametrize("broken", ["north", "south"])
def test_one_failed_account_of_a_stream_is_enough(
    box: Sandbox, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    caplog.set_level(logging.INFO)
    accounts: list[dict[str, Any]] = [{"name": "north"}, {"name": "south"}]
    for account in accounts:
        if account["name"] == broken:
            account["api_key"] = "wrong"
    run = sync({"octanist": settings_for(box.octanist, accounts=accounts)})
    assert run.code == 1
    ((level, tags),) = metrics(caplog, "sync_duration")
    assert (level, tags["status"]) == (logging.INFO, "failed")


def test_a_skipped_stream_did_not_fail(box: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    box.kommo.options.admin = False
    assert sync({"kommo": settings_for(box.kommo)}, catalog=None).code == 0
    assert {tags["status"] for _, tags in metrics(caplog, "sync_duration")} == {"succeeded"}


def test_the_metric_of_each_request_is_at_debug_and_totals_stay_at_info(
    box: Sandbox, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAP_LEADS_LOGLEVEL", "DEBUG")
    sync({"octanist": settings_for(box.octanist)})
    requests = metrics(caplog, "http_request_duration")
    assert len(requests) == len(box.octanist.journal)
    assert {level for level, _ in requests} == {logging.DEBUG}
    for name in ("http_request_count", "record_count", "sync_duration"):
        assert [level for level, _ in metrics(caplog, name)] == [logging.INFO]


@pytest.mark.usefixtures("no_waits")
def test_no_line_names_its_stream_twice(box: Sandbox, run_here: Runner) -> None:
    box.octanist.faults.plan(503, "none", 400)
    run = run_here({"octanist": settings_for(box.octanist)})
    assert "; retrying in " in run.stderr
    lines = [line for line in run.stderr.splitlines() if "METRIC" not in line]
    assert [line for line in lines if line.count("octanist_leads") > 1] == []
