"""The stream `kommo_events`: events of contacts, companies, tasks, customers and list elements."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.kommo.reference import PRODUCTS
from tests.support.kommo_events import in_order
from tests.support.kommo_streams import assert_equal, frozen_kommo
from tests.support.run import Table, read
from tests.support.runtime import set_runtime
from tests.support.settings import DAY

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from sandbox import Api
    from sandbox.kommo.api import Kommo

EVENTS = "kommo_events"
TABLES = {"contact": "contacts", "company": "companies", "task": "tasks", "customer": "customers"}
Row = dict[str, Any]


@pytest.fixture
def kommo() -> Iterator[Kommo]:
    yield from frozen_kommo(leads=200)


def happen(kommo: Kommo, count: int, within: float) -> None:
    """Change rows of the tables at random moments within a number of seconds."""
    rng, now = kommo.rng, kommo.clock.now()
    tables = [name for name in TABLES.values() if name in kommo.tables]
    for _ in range(count):
        kommo.tables[rng.choice(tables)].edit(1, at=now - int(rng.random() * within))


def events_of(kommo: Kommo, *entities: str) -> list[Row]:
    return [event for event in kommo.events() if event["entity_type"] in (entities or TABLES)]


def once(rows: list[Row]) -> list[Row]:
    """Return each row once: a fallback emits what was read before it a second time."""
    return list({row["id"]: row for row in rows}.values())


@pytest.mark.parametrize("entity_filter", ["one", "several", "ignored"])
@pytest.mark.parametrize("order", ["newest_first", "oldest_first", "shuffled"])
def test_every_event_comes_once_and_in_order_whatever_the_filter_of_entities_does(
    kommo: Kommo, order: Any, entity_filter: Any
) -> None:
    kommo.options.entity_filter, kommo.options.events_order = entity_filter, order
    kommo.options.events_limit = 100
    happen(kommo, 1500, within=300 * DAY)
    kommo.edit(50)
    rows = read(kommo, EVENTS).records(EVENTS)
    assert_equal(rows, events_of(kommo))
    assert in_order(rows, "created_at")
    assert {row["entity_type"] for row in rows} >= {"contact", "company", "task"}


def test_events_of_customers_are_none_where_the_account_has_none_and_refuses_them(
    kommo: Kommo,
) -> None:
    kommo.options.customer_events = "refused"
    happen(kommo, 100, within=DAY)
    rows = read(kommo, EVENTS).records(EVENTS)
    assert_equal(rows, events_of(kommo, "contact", "company", "task"))


def test_refused_events_of_customers_are_a_failure_where_the_account_has_customers(
    kommo: Kommo,
) -> None:
    kommo.options.customers_mode = "periodicity"

    def refuse(request: Any, reply: Any) -> None:
        if request.query.get("filter[entity]") == ["customer"]:
            reply.status = 400

    kommo.rewrite = refuse
    happen(kommo, 20, within=DAY)
    assert read(kommo, EVENTS, code=1).state


def test_an_event_names_the_integration_that_caused_it(kommo: Kommo) -> None:
    kommo.contacts.edit(1, name="By an integration", updated_by=0)
    (row,) = read(kommo, EVENTS).records(EVENTS)
    assert row["created_by"] == 0
    assert row["oauth_client_uuid"] == kommo.events()[-1]["oauth_client_uuid"] is not None


def test_events_of_an_account_that_ignores_all_filters_are_filtered_here(
    kommo: Kommo, caplog: pytest.LogCaptureFixture
) -> None:
    happen(kommo, 1500, within=300 * DAY)
    kommo.edit(300)
    kommo.options.ignore_filters = True
    first = read(kommo, EVENTS)
    assert_equal(once(first.records(EVENTS)), events_of(kommo))
    again = read(kommo, EVENTS, state=first.state)
    assert len(again.records(EVENTS)) < 20
    assert caplog.text.count("the API ignored the requested filter") == 1


def test_events_are_of_the_entities_in_the_settings(kommo: Kommo) -> None:
    kommo.elements.edit(3, catalog_id=PRODUCTS, name="Renamed")
    kommo.contacts.edit(2, name="Renamed")
    kommo.edit(2, name="Renamed")
    entities = ["lead", f"catalog_{PRODUCTS}"]
    rows = read(kommo, EVENTS, event_entities=entities).records(EVENTS)
    assert_equal(rows, events_of(kommo, *entities))
    assert Counter(row["entity_type"] for row in rows)[f"catalog_{PRODUCTS}"] == 3
    rows = read(kommo, EVENTS, event_entities=f"catalog_{PRODUCTS}").records(EVENTS)
    assert len(rows) == 3


@pytest.mark.parametrize("named", ["catalog", "catalog_element", "catalog_elements"])
def test_an_event_of_a_list_element_is_kept_though_its_entity_does_not_name_the_list(
    kommo: Kommo, named: str
) -> None:
    kommo.elements.edit(2, catalog_id=PRODUCTS, name="Renamed")
    ids = [event["id"] for event in events_of(kommo, f"catalog_{PRODUCTS}")]
    kommo.edit_events(ids, entity_type=named)
    kommo.options.entity_filter = "ignored"
    rows = read(kommo, EVENTS, event_entities=["contact", f"catalog_{PRODUCTS}"]).records(EVENTS)
    assert [row["id"] for row in rows] == ids


@pytest.mark.parametrize("ignored", [False, True])
def test_event_types_limit_these_events_too(kommo: Kommo, *, ignored: bool) -> None:
    kommo.contacts.edit(3, name="Renamed")
    kommo.contacts.edit(2, responsible_user_id=1)
    kommo.tasks.delete(2)
    kommo.options.ignore_filters = ignored
    types = ["name_field_changed", "task_deleted"]
    rows = once(read(kommo, EVENTS, event_types=types).records(EVENTS))
    assert Counter(row["type"] for row in rows) == {"name_field_changed": 3, "task_deleted": 2}


@pytest.mark.parametrize("days", [0, 30])
def test_a_quiet_run_costs_a_request_for_each_entity_twice_where_there_is_none(
    kommo: Kommo, days: int
) -> None:
    happen(kommo, 1000, within=300 * DAY)
    first = read(kommo, EVENTS)
    kommo.clock.advance(days * DAY + 3600)
    runs = []
    for _ in range(2):
        kommo.journal.clear()
        runs.append(read(kommo, EVENTS, state=first.state))
        assert len(kommo.journal) <= 2 * len(TABLES)
    assert runs[0].records(EVENTS) == runs[1].records(EVENTS)
    assert runs[0].state == runs[1].state == first.state


def test_an_account_without_such_events_has_no_rows_and_no_bookmark(kommo: Kommo) -> None:
    run = read(kommo, EVENTS)
    assert run.records(EVENTS) == []
    assert run.bookmark(EVENTS) is None
    assert len(kommo.journal) == 2 * len(TABLES)


@pytest.mark.parametrize("threads", [1, 4, 8])
def test_records_and_state_do_not_depend_on_the_threads(kommo: Kommo, threads: int) -> None:
    happen(kommo, 1500, within=300 * DAY)
    one, other = (read(kommo, EVENTS, concurrency=n) for n in (2, threads))
    assert one.records(EVENTS) == other.records(EVENTS)
    assert one.state == other.state
    assert len(kommo.journal) < 2 * 2 * (len(one.records(EVENTS)) / 250 + 2 * len(TABLES))


def test_events_that_happen_during_runs_and_come_late_are_not_lost(kommo: Kommo) -> None:
    table, state = Table(), None
    happen(kommo, 500, within=DAY)
    kommo.options.events_limit, kommo.options.events_lag = 50, 300
    kommo.options.late_events = 0.5

    def after_request(_api: Api, _rng: random.Random) -> None:
        kommo.clock.advance(1)
        happen(kommo, 3, within=1)

    for _ in range(4):
        kommo.after_request = after_request
        run = read(kommo, EVENTS, state=state)
        kommo.after_request = None
        table.load(run.messages)
        state = run.state
        kommo.clock.advance(500)
    table.load(read(kommo, EVENTS, state=state).messages)
    assert set(table.rows[EVENTS]) == {event["id"] for event in events_of(kommo)}


def test_every_state_of_a_run_can_be_resumed_from(
    kommo: Kommo, monkeypatch: pytest.MonkeyPatch
) -> None:
    kommo.options.events_limit = 20
    happen(kommo, 300, within=300 * DAY)
    wanted = {event["id"] for event in events_of(kommo)}
    set_runtime(monkeypatch, records_per_state=17)
    run = read(kommo, EVENTS)
    assert len(run.states) > len(wanted) / 20
    seen: set[str] = set()
    for number, message in enumerate(run.messages):
        if message["type"] == "RECORD":
            seen.add(message["record"]["id"])
        elif message["type"] == "STATE" and number % 5 == 0:
            again = read(kommo, EVENTS, state=message["value"], lookback_seconds=0)
            assert seen | set(again.ids(EVENTS)) == wanted
