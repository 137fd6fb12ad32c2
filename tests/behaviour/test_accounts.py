"""Several accounts of a source: each has its settings, its leads and its state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import Sandbox
from tests.support.run import sync
from tests.support.settings import CREDENTIALS, settings_for

if TYPE_CHECKING:
    from sandbox import Api


def tokens_asked_with(api: Api) -> set[str]:
    """The credentials that came with the requests, without their schemes."""
    given = (r.headers.get("Authorization") or r.headers.get("X-API-KEY") for r in api.journal)
    return {str(credential).split(" ")[-1] for credential in given}


@pytest.mark.parametrize("slot", CREDENTIALS)
def test_each_account_has_its_token_its_leads_and_its_own_state(box: Sandbox, slot: str) -> None:
    stream = f"{slot}_leads"
    with Sandbox(leads=40, seed=8) as other:
        here, there = box.apis[slot], other.apis[slot]
        assert here.token != there.token
        north = {"name": "north"}
        south = {"name": "south", "api_url": there.url, CREDENTIALS[slot]: there.token}
        config = {slot: settings_for(here, accounts=[north, south])}
        run = sync(config)
        assert tokens_asked_with(here) == {here.token}
        assert tokens_asked_with(there) == {there.token}
        for name, api in (("north", here), ("south", there)):
            ids = {str(r["id"]) for r in run.records(stream) if r["account"] == name}
            assert ids == set(map(str, api.leads))
            assert run.bookmark(stream, name) is not None
        partitions = run.state["bookmarks"][stream]["partitions"]
        assert [part["context"] for part in partitions] == [{"account": "north"}, south_only()]
        box.clock.advance(7200)
        other.clock.advance(7200)
        (changed,) = there.edit(1)
        again = sync(config, state=run.state).records(stream)
        assert ("south", str(changed)) in {(r["account"], str(r["id"])) for r in again}
        assert len(again) < len(run.records(stream)) / 2


def south_only() -> dict[str, str]:
    """The partition of an account is its name and nothing else."""
    return {"account": "south"}


def test_an_account_is_named_after_what_it_is(box: Sandbox) -> None:
    named = {
        "kommo": settings_for(box.kommo),
        "dashly": settings_for(box.dashly, app_id="4271"),
        "carrotquest": settings_for(box.carrotquest),
        "octanist": settings_for(box.octanist, name="ours"),
    }
    run = sync(named)
    names = {slot: {r["account"] for r in run.records(f"{slot}_leads")} for slot in named}
    assert names == {
        "kommo": {"acme"},
        "dashly": {"4271"},
        "carrotquest": {"default"},
        "octanist": {"ours"},
    }


def test_an_account_overrides_what_it_shares_with_the_others(box: Sandbox) -> None:
    won, lost = ({"status": status} for status in ("won", "lost"))
    accounts = [{"name": "a"}, {"name": "b", "filters": lost}]
    config = {"octanist": settings_for(box.octanist, filters=won, accounts=accounts)}
    found = {(r["account"], r["status"]) for r in sync(config).records("octanist_leads")}
    assert found == {("a", "won"), ("b", "lost")}
