"""Progress lines and STATE messages come in time, also if each of many accounts is quick."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from tap_leads.singer import report
from tests.support.run import sync
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tap_leads.singer.stats import Stats

ACCOUNTS, SECONDS = 12, 9.0
"""Each account takes nine seconds, and a heartbeat is due every ten."""


@pytest.mark.parametrize("search", ["", "nobody has this name"])
def test_accounts_that_take_less_than_a_heartbeat_do_not_put_it_off(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, search: str
) -> None:
    caplog.set_level(logging.INFO)
    now = 0.0
    begin = report.RunReport.begin

    def begin_and_wait(self: report.RunReport, stats: Stats) -> None:
        nonlocal now
        begin(self, stats)
        now += SECONDS

    monkeypatch.setattr(report, "time", SimpleNamespace(monotonic=lambda: now))
    monkeypatch.setattr(report.RunReport, "begin", begin_and_wait)
    names = [{"name": f"account_{number:02}"} for number in range(ACCOUNTS)]
    own = {"search": search} if search else {}
    run = sync({"octanist": settings_for(box.octanist, accounts=names, **own)})
    assert run.code == 0
    lines = [text for record in caplog.records if " requests (" in (text := record.getMessage())]
    assert len(lines) == ACCOUNTS // 2
    since: set[str] = set()
    for message in run.messages:
        if message["type"] == "RECORD":
            since.add(message["record"]["account"])
        elif message["type"] == "STATE":
            since.clear()
        assert len(since) <= 3  # a heartbeat is noticed after a page
    assert bool(run.records("octanist_leads")) == (not search)
    assert (len(run.states) > 2) == (not search), "a STATE without a new record"
