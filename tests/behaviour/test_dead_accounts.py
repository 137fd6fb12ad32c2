"""An account that is down costs the tries of one stream and one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.catalogs import catalog_for
from tests.support.run import everyone, sync
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from sandbox import Sandbox

TRIES = 20
STREAMS = ("kommo_pipelines", "kommo_users", "kommo_leads", "kommo_tasks", "octanist_leads")


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize(("fault", "calls"), [("reset", 1), (503, 2)])
def test_an_account_that_is_down_is_reported_once_and_the_other_source_is_read(
    box: Sandbox, caplog: pytest.LogCaptureFixture, fault: str | int, calls: int
) -> None:
    box.kommo.faults.random(1.0, [fault])
    config = {"kommo": settings_for(box.kommo), "octanist": settings_for(box.octanist)}
    run = sync(config, catalog=catalog_for(*STREAMS))
    assert run.code == 1
    assert len(box.kommo.journal) == calls * TRIES
    assert len([r for r in caplog.records if r.levelname == "ERROR"]) == calls
    assert set(run.ids("octanist_leads")) == everyone(box.octanist)
