"""An optional list that keeps failing holds up no other stream; an empty account is no failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_leads.sources import collection
from tap_leads.sources.kommo import KOMMO
from tests.support.catalogs import catalog_for
from tests.support.run import everyone
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from sandbox.kommo.api import Kommo
    from tests.support.run import Run

    Runner = Callable[..., Run]


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("stream", ["kommo_tags", "kommo_pipelines"])
def test_an_optional_list_that_keeps_failing_is_given_up_early_and_the_rest_is_read(
    box: Sandbox, run_here: Runner, monkeypatch: pytest.MonkeyPatch, stream: str
) -> None:
    monkeypatch.setattr(collection, "OPTIONAL_SECONDS", 0)
    box.kommo.faults.plan(503)
    catalog = catalog_for(stream, "kommo_leads")
    run = run_here({"kommo": settings_for(box.kommo)}, catalog=catalog)
    assert set(run.ids("kommo_leads")) == everyone(box.kommo)
    if stream == "kommo_tags":
        assert run.code == 1
        assert run.records("kommo_tags") == []
        assert run.said()[-1].startswith("1 of 2 streams failed. First: kommo_tags, account acme: ")
    else:
        assert run.code == 0
        assert run.records("kommo_pipelines")


def test_leads_and_what_they_refer_to_by_stage_are_not_optional() -> None:
    assert collection.OPTIONAL_SECONDS <= 60
    optional = {stream.name for stream in KOMMO.streams if stream.optional}
    assert {"kommo_users", "kommo_tags", "kommo_sources", "kommo_lists"} <= optional
    assert not optional & {"kommo_account", "kommo_pipelines", "kommo_stages", "kommo_leads"}


def test_an_account_without_leads_is_no_failure(kommo: Kommo, run_here: Runner) -> None:
    run = run_here({"kommo": settings_for(kommo)}, catalog=None)
    assert run.code == 0
    assert run.records("kommo_leads") == []
    assert run.said() == []
