"""Dashly's API: version, app, presence and brand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_leads.sources.dashly import CARROT_QUEST, DASHLY
from tests.support.run import everyone, read
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from tests.support.run import Run

    Runner = Callable[..., Run]


def test_the_second_version_of_the_api_is_asked_unless_the_address_names_one(
    box: Sandbox,
) -> None:
    api = box.dashly
    for end, version in (("", "v2"), ("/", "v2"), ("/v1", "v1"), ("/v2", "v2")):
        api.journal.clear()
        run = read(api, api_url=api.url + end)
        assert len(run.ids("dashly_leads")) == api.count
        assert {request.path.split("/")[1] for request in api.journal} == {version}


def test_the_app_of_the_token_is_read_where_none_is_named(box: Sandbox) -> None:
    api = box.dashly
    named: dict[str, Any] = {"app_id": api.app_id}
    for settings, app in (({}, "$self_app"), (named, api.app_id)):
        api.journal.clear()
        run = read(api, **settings)
        assert len(run.ids("dashly_leads")) == api.count
        assert {request.path.split("/")[3] for request in api.journal} == {app}


def test_presence_is_what_it_was_when_the_lead_was_read(box: Sandbox) -> None:
    api = box.dashly
    box.clock.freeze()
    (lead_id,) = api.insert(1, at=box.clock.now())
    first = read(api)
    before = {r["id"]: r["presence"] for r in first.records("dashly_leads")}
    box.clock.advance(600)
    second = read(api, state=first.state)
    after = {r["id"]: r["presence"] for r in second.records("dashly_leads")}
    assert (before[str(lead_id)], after[str(lead_id)]) == ("online", "offline")


def test_carrot_quest_is_dashly_under_another_brand(box: Sandbox, run_here: Runner) -> None:
    api = box.carrotquest
    run = read(api)
    assert set(run.ids("carrotquest_leads")) == everyone(api)
    assert run.bookmark("carrotquest_leads", "default") is not None
    assert {request.path for request in api.journal} == {"/v2/apps/$self_app/users"}
    urls = [source.api({"app_id": "1"}).base_url for source in (CARROT_QUEST, DASHLY)]
    assert urls == ["https://api.carrotquest.io/v2/apps/1", "https://api.dashly.app/v2/apps/1"]
    rejected = run_here({"carrotquest": settings_for(api, auth_token="wrong")})
    assert rejected.code == 1
    line = rejected.said()[0]
    assert line.startswith("account default: Carrot quest rejected `carrotquest.auth_token` ")
