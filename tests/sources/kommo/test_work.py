"""Kommo's tasks, incoming leads and the elements of lists."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.kommo.reference import BRANDS, PRODUCTS
from tests.support.kommo_streams import assert_equal, count_requests
from tests.support.run import Table, read
from tests.support.settings import DAY

if TYPE_CHECKING:
    import random

    from sandbox import Api, Sandbox
    from sandbox.kommo.api import Kommo

TASKS = "kommo_tasks"
INCOMING, ELEMENTS = "kommo_incoming_leads", "kommo_list_elements"
Row = dict[str, Any]


@pytest.fixture
def kommo(box: Sandbox) -> Kommo:
    box.clock.freeze()
    return box.kommo


def tasks_of(kommo: Kommo) -> list[Row]:
    """Return the tasks of the source, each with the text of its result."""
    rows: list[Row] = kommo.tasks.rendered(base=kommo.url)
    return [{**row, "result": row["result"]["text"] if row["result"] else None} for row in rows]


# Tasks


def test_every_task_arrives_once_with_what_its_source_has(kommo: Kommo) -> None:
    kommo.tasks.insert(3, at=kommo.clock.now() - DAY)
    records = read(kommo, TASKS).records(TASKS)
    assert_equal(records, tasks_of(kommo))
    assert {record["extra"] for record in records} == {None}
    assert any(record["entity_id"] is None for record in records)


def test_a_task_without_result_has_none_though_the_source_has_an_empty_list(kommo: Kommo) -> None:
    results = {row["id"]: row["result"] for row in kommo.tasks.rendered()}
    assert [] in results.values()
    for record in read(kommo, TASKS).records(TASKS):
        told = results[record["id"]]
        assert record["result"] == (told["text"] if told else None)


@pytest.mark.parametrize("threads", [1, 4, 8])
def test_tasks_come_in_the_order_of_their_change_however_many_threads_read(
    kommo: Kommo, threads: int
) -> None:
    for days in range(1, 40):
        kommo.tasks.insert(60, at=kommo.clock.now() - days * DAY)
    records = read(kommo, TASKS, concurrency=threads).records(TASKS)
    assert_equal(records, tasks_of(kommo))
    moments = [record["updated_at"] for record in records]
    assert moments == sorted(moments)
    assert not any("order[updated_at]" in request.query for request in kommo.journal)


def test_tasks_of_one_second_are_read_whole(kommo: Kommo) -> None:
    kommo.tasks.insert(1200, at=kommo.clock.now() - 2 * DAY)
    kommo.options.page_cap = 100
    assert_equal(read(kommo, TASKS).records(TASKS), tasks_of(kommo))


def test_tasks_changed_while_they_are_read_are_whole_after_the_next_run(kommo: Kommo) -> None:
    kommo.options.page_cap = 50
    for days in range(1, 20):
        kommo.tasks.insert(30, at=kommo.clock.now() - days * DAY)
    lasting = set(kommo.tasks.rows)

    def after_request(_api: Api, _rng: random.Random) -> None:
        kommo.clock.advance(1)
        lasting.difference_update(kommo.tasks.edit(4), kommo.tasks.delete(1))
        kommo.tasks.insert(1)

    table = Table()
    kommo.after_request = after_request
    first = read(kommo, TASKS)
    kommo.after_request = None
    assert lasting <= {record["id"] for record in first.records(TASKS)}
    table.load(first.messages)
    table.load(read(kommo, TASKS, state=first.state).messages)
    kept = [row for row in table.rows[TASKS].values() if row["id"] not in kommo.tasks.removed]
    assert_equal(kept, tasks_of(kommo))


def test_a_quiet_run_over_tasks_costs_a_request(kommo: Kommo) -> None:
    kommo.tasks.insert(600, at=kommo.clock.now() - 9 * DAY)
    first = read(kommo, TASKS)
    kommo.clock.advance(90 * DAY)
    kommo.journal.clear()
    read(kommo, TASKS, state=first.state)
    assert len(kommo.journal) == 1
    done = kommo.tasks.edit(3)
    again = read(kommo, TASKS, state=first.state)
    told = {r["id"]: (r["is_completed"], r["result"]) for r in again.records(TASKS)}
    assert [told[task] for task in done] == [(True, "Done")] * 3


def test_an_account_that_ignores_the_filter_of_tasks_is_read_whole(
    kommo: Kommo, caplog: pytest.LogCaptureFixture
) -> None:
    kommo.tasks.insert(3000, at=kommo.clock.now() - 9 * DAY)
    kommo.options.ignore_filters = True
    first = read(kommo, TASKS)
    assert_equal(first.records(TASKS), tasks_of(kommo))
    edited = kommo.tasks.edit(3)
    again = read(kommo, TASKS, state=first.state)
    assert "the API ignored the requested filter" in caplog.text
    assert set(edited) <= {record["id"] for record in again.records(TASKS)}
    assert len(again.records(TASKS)) < 20


# Incoming leads


def test_incoming_leads_are_those_that_nobody_has_accepted_yet(kommo: Kommo) -> None:
    kommo.insert(300, at=kommo.clock.now() - DAY, pipeline_id=12215168, status_id=94386183)
    run = read(kommo, INCOMING)
    assert run.schemas[INCOMING]["key_properties"] == ["account", "uid"]
    assert_equal(run.records(INCOMING), kommo.unsorted.rendered(base=kommo.url), "uid")
    waiting = {json.loads(record["leads"])[0]["id"] for record in run.records(INCOMING)}
    assert waiting == {n for n, lead in kommo.leads.items() if lead["status_id"] in
                       {94386183, 95100411}}  # fmt: skip
    kommo.edit(waiting, status_id=142)
    assert read(kommo, INCOMING, state=run.state).records(INCOMING) == []


def test_incoming_leads_accepted_while_they_are_read_cost_no_other(kommo: Kommo) -> None:
    stage = {"pipeline_id": 12215168, "status_id": 94386183}
    for hours in range(100):
        kommo.insert(3, at=kommo.clock.now() - hours * 3600, **stage)
    kommo.options.page_cap = 30
    lasting = {row["uid"] for row in kommo.unsorted.rendered()}

    def after_request(_api: Api, _rng: random.Random) -> None:
        waiting = [n for n, lead in kommo.leads.items() if lead["status_id"] == 94386183]
        kommo.edit(waiting[:3], status_id=142)

    kommo.after_request = after_request
    seen = {record["uid"] for record in read(kommo, INCOMING).records(INCOMING)}
    kommo.after_request = None
    assert lasting & {row["uid"] for row in kommo.unsorted.rendered()} <= seen


# Lists


def test_the_elements_of_every_list_are_read_to_the_end(kommo: Kommo) -> None:
    kommo.elements.insert(1000, catalog_id=BRANDS)
    (other,) = kommo.catalogs.insert(1)
    kommo.elements.insert(300, catalog_id=other)
    kommo.catalogs.insert(1)
    run = read(kommo, "kommo_lists", ELEMENTS)
    assert len(run.records("kommo_lists")) == 4
    assert_equal(run.records(ELEMENTS), kommo.elements.rendered(base=kommo.url))
    assert {row["catalog_id"] for row in run.records(ELEMENTS)} == {BRANDS, PRODUCTS, other}
    assert count_requests(kommo, f"catalogs/{BRANDS}/elements") < 7


def test_an_account_without_lists_has_no_elements(kommo: Kommo) -> None:
    kommo.catalogs.delete(list(kommo.catalogs.rows))
    run = read(kommo, "kommo_lists", ELEMENTS)
    assert run.records("kommo_lists") == run.records(ELEMENTS) == []
