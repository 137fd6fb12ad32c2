"""Notes, events and customers through faults, kills and with other accounts beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Sandbox, faults
from tests.support.catalogs import catalog_for
from tests.support.run import Table, read, sync
from tests.support.runtime import set_runtime
from tests.support.settings import DAY

if TYPE_CHECKING:
    from sandbox.kommo.api import Kommo

STREAMS = {
    "kommo_contact_notes": "contacts/notes",
    "kommo_customers": "customers",
    "kommo_customer_segments": "customers/segments",
    "kommo_customer_transactions": "customers/transactions",
}
EVENTS = "kommo_events"


@pytest.fixture
def kommo(box: Sandbox) -> Kommo:
    kommo = box.kommo
    kommo.options.customers_mode = "periodicity"
    kommo.options.page_cap = 40
    now = kommo.clock.now()
    for days in range(1, 9):
        for path in STREAMS.values():
            kommo.tables[path].insert(20, at=now - days * DAY)
        kommo.contacts.edit(20, at=now - days * DAY)
    return kommo


def wanted(kommo: Kommo) -> dict[str, set[str]]:
    found = {name: {str(n) for n in kommo.tables[path].rows} for name, path in STREAMS.items()}
    events = {each["id"] for each in kommo.events() if each["entity_type"] != "lead"}
    return found | {EVENTS: events}


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("concurrency", [1, 4])
def test_faults_that_pass_cost_no_row(kommo: Kommo, concurrency: int) -> None:
    kinds: list[Any] = ["reset", "truncate", "lost_reply", "html200", "early_204", 429, 500, 503]
    kommo.faults.random(0.2, kinds)
    run = read(kommo, *STREAMS, EVENTS, concurrency=concurrency)
    assert {name: set(run.ids(name)) for name in (*STREAMS, EVENTS)} == wanted(kommo)


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("after", [1, 5, 20])
def test_a_run_that_breaks_off_is_completed_by_the_next(
    kommo: Kommo, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_runtime(monkeypatch, records_per_state=17)
    table, whole = Table(), wanted(kommo)
    kommo.faults.plan(*["none"] * after, *[faults.status(418)] * 500)
    first = read(kommo, *STREAMS, EVENTS, code=1)
    kommo.faults.clear()
    table.load(first.messages)
    table.load(read(kommo, *STREAMS, EVENTS, state=first.state).messages)
    assert {name: set(rows) for name, rows in table.rows.items()} == whole


def test_an_account_without_customers_takes_none_from_one_that_has_them(box: Sandbox) -> None:
    box.kommo.options.customers_mode = "periodicity"
    with Sandbox(leads=30, seed=9) as others:
        accounts = [
            {"name": name, "access_token": each.kommo.token, "api_url": each.kommo.url}
            for name, each in (("south", others), ("north", box))
        ]
        config = {"kommo": {"accounts": accounts}}
        run = sync(config, catalog=catalog_for(*STREAMS))
        assert not any("/customers" in request.path for request in others.kommo.journal)
    assert run.code == 0
    for stream in ("kommo_customers", "kommo_customer_segments", "kommo_customer_transactions"):
        assert {row["account"] for row in run.records(stream)} == {"north"}
