"""Requests for Kommo's leads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.run import read
from tests.support.settings import DAY

if TYPE_CHECKING:
    from sandbox import Sandbox


def test_kommo_gets_bounds_in_brackets_and_never_a_bare_moment(box: Sandbox) -> None:
    api = box.kommo
    first = read(api)
    api.journal.clear()
    edited = api.edit(5)
    bounds = {"updated_at": {"to": int(box.clock.now()) + DAY}}
    run = read(api, state=first.state, filters=bounds)
    assert {str(lead_id) for lead_id in edited} <= set(run.ids("kommo_leads"))
    for request in api.journal:
        asked = {name for name in request.query if name.startswith("filter")}
        assert asked == {"filter[updated_at][from]", "filter[updated_at][to]"}
