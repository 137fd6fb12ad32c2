"""Reading ahead: faster, and nothing else: the same leads, in the same order, with the same end."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Sandbox
from tests.support.run import Table, everyone, read
from tests.support.runtime import set_traits
from tests.support.settings import DAY, KEYS, SOURCES

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from sandbox import Api
    from tests.support.run import Run

# What takes this long has come to a stop.
PATIENCE = 20


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """A sandbox with so many leads that small pages make several windows of them."""
    with Sandbox(leads=600, seed=7) as sandbox:
        for api in sandbox.apis.values():
            api.options.rate_limit = None
        yield sandbox


def assert_whole(api: Api, run: Run) -> None:
    """Each lead came, and none twice."""
    assert sorted(run.ids(f"{api.slot}_leads")) == sorted(everyone(api))


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("page_cap", [None, 9])
def test_the_concurrency_changes_neither_the_records_nor_their_order_nor_the_state(
    box: Sandbox, source: str, page_cap: int | None
) -> None:
    api = box.apis[source]
    api.options.ties = "stable"
    api.options.page_cap = page_cap
    api.insert(70, at=time.time() - DAY)
    alone = read(api, concurrency=1)
    assert_whole(api, alone)
    for concurrency in (4, 8):
        run = read(api, concurrency=concurrency)
        assert run.records(f"{source}_leads") == alone.records(f"{source}_leads")
        assert run.state == alone.state


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("source", SOURCES)
def test_the_concurrency_changes_nothing_where_leads_of_one_moment_keep_changing_places(
    box: Sandbox, source: str
) -> None:
    api, stream = box.apis[source], f"{source}_leads"
    minute = time.time() // 60 * 60
    for hours in (20, 30, 31):
        api.insert(45, at=minute + 17 - hours * 3600)
        api.insert(2, at=minute + 47 - hours * 3600)
    runs = [read(api, concurrency=concurrency) for concurrency in (1, 4, 8)]
    # Dashly filters by whole minutes: the leads of one are ties, in any order.
    length = len("2026-01-01T00:00") if source == "dashly" else None
    orders = [[str(r[KEYS[source]])[:length] for r in run.records(stream)] for run in runs]
    for run, order in zip(runs, orders, strict=True):
        assert_whole(api, run)
        assert run.state == runs[0].state
        assert order == orders[0]


@pytest.mark.parametrize("concurrency", [1, 4, 8])
def test_three_thousand_leads_of_one_second_come_once_each(box: Sandbox, concurrency: int) -> None:
    box.kommo.insert(3000, at=time.time() - 30 * DAY)
    assert_whole(box.kommo, read(box.kommo, concurrency=concurrency))


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("concurrency", [4, 8])
def test_no_lead_is_lost_that_changes_while_windows_are_read_at_once(
    box: Sandbox, source: str, concurrency: int
) -> None:
    def after_request(api: Api, _rng: random.Random) -> None:
        api.edit(3)
        api.insert(2)
        api.delete(2)

    api, table = box.apis[source], Table()
    api.after_request = after_request
    first = read(api, concurrency=concurrency)
    table.load(first.messages)
    api.after_request = None
    table.load(read(api, state=first.state, concurrency=concurrency).messages)
    rows, key = table.rows[f"{source}_leads"], KEYS[source]
    current = {str(r["id"]): r[key] for r in read(api, concurrency=1).records(f"{source}_leads")}
    assert current.keys() == everyone(api)
    assert {i: rows[i][key] for i in current if i in rows} == current


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize(
    ("source", "ignored"),
    [
        ("kommo", "page"),
        ("kommo", "filter[updated_at][to]"),
        ("dashly", "offset"),
        ("octanist", "page"),
        ("octanist", "updatedAt[lte]"),
    ],
)
def test_an_api_that_takes_no_note_of_a_position_or_of_an_upper_bound_costs_no_lead(
    box: Sandbox, source: str, ignored: str, concurrency: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_traits(monkeypatch, "kommo_leads", page_size=100)  # no moment has more leads
    api = box.apis[source]
    api.options.ignored_params = (ignored,)
    assert_whole(api, read(api, concurrency=concurrency))
    assert len(api.journal) < 50


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("source", SOURCES)
def test_reading_ahead_costs_next_to_no_requests(box: Sandbox, source: str) -> None:
    api = box.apis[source]
    requests = []
    for concurrency in (1, 4, 8):
        before = len(api.journal)
        read(api, concurrency=concurrency)
        requests.append(len(api.journal) - before)
    assert max(requests) <= requests[0] * 1.15


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("concurrency", [4, 8])
def test_a_quiet_run_looks_for_no_windows(box: Sandbox, source: str, concurrency: int) -> None:
    api = box.apis[source]
    first = read(api, concurrency=concurrency)
    before = len(api.journal)
    assert read(api, state=first.state, concurrency=concurrency).state == first.state
    assert len(api.journal) - before <= 2


@pytest.mark.usefixtures("small_pages")
def test_windows_are_read_at_once(box: Sandbox) -> None:
    api, at_once, most = box.kommo, [0], [0]
    lock = threading.Lock()
    real = api.answer

    def answer(request: Any) -> Any:
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        try:
            return real(request)
        finally:
            with lock:
                at_once[0] -= 1

    api.options.latency = 0.05
    api.answer = answer  # type: ignore[method-assign]  # the sandbox's own, and counted
    read(api, concurrency=4)
    assert 2 <= most[0] <= 4
