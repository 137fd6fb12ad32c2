"""Pages that are too much for an API are halved, and grow back."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from sandbox import Sandbox, faults
from tests.support.run import everyone, read, sync
from tests.support.settings import DAY, SOURCES, settings_for

if TYPE_CHECKING:
    import random

    from sandbox import Api


THREADS = 4
FULL_PAGE = {"kommo": 250, "dashly": 50, "octanist": 100}


def limits(api: Api) -> list[int]:
    """The sizes of the pages that were asked for."""
    return [int(request.query["limit"][0]) for request in api.journal]


def leads_a_minute_apart(api: Api, count: int) -> None:
    """Leads that share no moment, up to a day ago."""
    for minutes in range(count):
        api.insert(1, at=time.time() - DAY - 60 * minutes)


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("most", [100, 60, 20])
def test_pages_are_halved_until_the_api_can_make_them(box: Sandbox, source: str, most: int) -> None:
    api, full = box.apis[source], FULL_PAGE[source]
    api.options.gateway_timeout_above = most
    api.insert(130, at=time.time() - DAY)
    run = read(api, concurrency=THREADS)
    assert sorted(run.ids(f"{source}_leads")) == sorted(everyone(api))
    failed = [limit for limit in limits(api) if limit > most]
    halves = [full // 2**step for step in range(8)]
    too_large = [half for half in halves if half > most]
    assert limits(api)[0] == full
    assert set(too_large) <= set(failed)
    # Each size fails once for each thread at the most, and so does each growth.
    assert len(failed) <= THREADS * (len(too_large) + 2)


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("source", SOURCES)
def test_pages_of_leads_that_share_a_moment_are_halved_too(box: Sandbox, source: str) -> None:
    api = box.apis[source]
    api.insert(500, at=time.time() - DAY)
    from_now = len(api.journal) + 2

    def after_request(api: Api, _rng: random.Random) -> None:
        if len(api.journal) >= from_now:
            api.options.gateway_timeout_above = FULL_PAGE[source] // 3

    api.after_request = after_request
    run = read(api, concurrency=THREADS)
    assert sorted(run.ids(f"{source}_leads")) == sorted(everyone(api))
    assert any(request.status == 504 for request in api.journal)


@pytest.mark.usefixtures("no_waits", "small_pages")
@pytest.mark.parametrize("source", SOURCES)
def test_pages_stay_large_where_one_in_twenty_fails_whatever_its_size(
    box: Sandbox, source: str
) -> None:
    api = box.apis[source]
    leads_a_minute_apart(api, 1500)
    api.faults.plan(*([faults.none()] * 19 + [faults.status(504)]) * 60)
    run = sync({source: settings_for(api), "concurrency": 1})
    assert sorted(run.ids(f"{source}_leads")) == sorted(everyone(api))
    assert sum(limits(api)) / len(limits(api)) > 10  # of 20


@pytest.mark.usefixtures("no_waits", "small_pages")
@pytest.mark.parametrize("source", SOURCES)
def test_pages_grow_back_and_more_slowly_each_time_it_was_too_early(
    box: Sandbox, source: str
) -> None:
    api = box.apis[source]
    api.options.gateway_timeout_above = 12
    leads_a_minute_apart(api, 600)
    run = sync({source: settings_for(api), "concurrency": 1})
    assert sorted(run.ids(f"{source}_leads")) == sorted(everyone(api))
    tried = [place for place, request in enumerate(api.journal) if request.status == 504]
    gaps = [later - first for first, later in pairwise(tried)]
    assert len(gaps) >= 2
    assert gaps == sorted(gaps)
    api.options.gateway_timeout_above = None
    api.journal.clear()
    api.faults.plan("none", 504)
    assert sync({source: settings_for(api), "concurrency": 1}).code == 0
    assert {limit for limit in limits(api)[:6] if limit > 10} == {20}
    assert limits(api).count(20) > 10


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("source", SOURCES)
def test_a_page_that_comes_too_slowly_is_halved(box: Sandbox, source: str) -> None:
    api, full = box.apis[source], FULL_PAGE[source]
    api.faults.plan(faults.stall(30), faults.stall(30))
    run = read(api, concurrency=THREADS, request_timeout=0.3)
    assert sorted(run.ids(f"{source}_leads")) == sorted(everyone(api))
    assert limits(api)[:3] == [full, full // 2, full // 4]
