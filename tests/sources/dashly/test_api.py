"""Dashly's API: version, app and presence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.run import read

if TYPE_CHECKING:
    from sandbox import Sandbox


@pytest.mark.parametrize("slot", ["dashly", "carrotquest"])
def test_the_second_version_of_the_api_is_asked_unless_the_address_names_one(
    box: Sandbox, slot: str
) -> None:
    api = box.apis[slot]
    for end, version in (("", "v2"), ("/", "v2"), ("/v1", "v1"), ("/v2", "v2")):
        api.journal.clear()
        run = read(api, api_url=api.url + end)
        assert len(run.ids(f"{slot}_leads")) == api.count
        assert {request.path.split("/")[1] for request in api.journal} == {version}


@pytest.mark.parametrize("slot", ["dashly", "carrotquest"])
def test_the_app_of_the_token_is_read_where_none_is_named(box: Sandbox, slot: str) -> None:
    api = box.apis[slot]
    app_id: str = api.app_id  # type: ignore[attr-defined]  # these two have it
    named: dict[str, Any] = {"app_id": app_id}
    for settings, app in (({}, "$self_app"), (named, app_id)):
        api.journal.clear()
        run = read(api, **settings)
        assert len(run.ids(f"{slot}_leads")) == api.count
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
