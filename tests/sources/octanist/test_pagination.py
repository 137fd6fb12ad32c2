"""Pagination of Octanist loses no lead."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sandbox.core.people import iso_ms
from sandbox.octanist import api as octanist_api
from sandbox.octanist import query as octanist_query
from sandbox.octanist.leads import CLICK_IDS
from tests.support.run import everyone, read
from tests.support.settings import DAY

if TYPE_CHECKING:
    import pytest

    from sandbox import Sandbox
    from sandbox.octanist.options import OctanistOptions


def test_octanist_leads_of_one_moment_are_told_apart_by_their_click_ids(box: Sandbox) -> None:
    api = box.octanist
    shared = {"email": "a@example.org", "name": "Anna", "value": 250, "status": "open"}
    for click_id in (None, "Cj0KCQ"):
        fields: dict[str, Any] = dict.fromkeys(CLICK_IDS) | shared | {CLICK_IDS[-1]: click_id}
        api.insert(90, at=1_700_000_000, **fields)
    assert set(read(api).ids("octanist_leads")) == everyone(api)
    asked = {name for request in api.journal for name in request.query if "[exists]" in name}
    assert asked == {f"{name}[exists]" for name in (*CLICK_IDS, "updatedAt")}


def test_a_store_that_keeps_finer_moments_than_it_shows_costs_no_lead(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = box.octanist
    read_filters = octanist_query.read_filters

    def finer(pairs: list[tuple[str, str]], options: OctanistOptions) -> octanist_query.Filters:
        """Compare as a store that shows .123456 as .123: a bound of .123 excludes it."""
        filters = read_filters(pairs, options)
        if bound := filters.high.get("updatedAt"):
            moment = datetime.fromisoformat(bound).timestamp()
            filters.high["updatedAt"] = iso_ms(moment - 0.001)
        return filters

    monkeypatch.setattr(octanist_api, "read_filters", finer)
    api.insert(250, at=time.time() - DAY)
    assert set(read(api).ids("octanist_leads")) == everyone(api)
    moments = sorted(lead["updatedAt"] for lead in api.rendered() if lead["updatedAt"])
    bound = moments[100]
    run = read(api, filters={"updatedAt": {"lte": bound}})
    assert len(run.ids("octanist_leads")) == sum(moment <= bound for moment in moments)


def test_the_millisecond_more_that_octanist_is_asked_for_does_not_leave(box: Sandbox) -> None:
    api = box.octanist
    at = round(time.time()) - 30 * DAY
    (last,) = api.insert(1, updatedAt=iso_ms(at))
    (behind,) = api.insert(1, updatedAt=iso_ms(at + 0.001))
    ids = read(api, filters={"updatedAt": {"lte": iso_ms(at)}}).ids("octanist_leads")
    assert (last in ids, behind in ids) == (True, False)
    assert all(request.query["updatedAt[lte]"][0] > iso_ms(at) for request in api.journal)
