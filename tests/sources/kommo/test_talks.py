"""Kommo's conversations: one list that can be neither filtered by date nor sorted."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, cast

import pytest

from sandbox import faults
from tests.support.kommo_streams import assert_equal, count_requests
from tests.support.run import read

if TYPE_CHECKING:
    from sandbox import Sandbox
    from sandbox.kommo.api import Kommo
    from sandbox.kommo.talks import Talks

TALKS = "kommo_talks"
ORDERS = ["newest_first", "oldest_first", "edited_first", "edited_last"]
# The account's first pages, and those after them.
MANY = 900


@pytest.fixture
def kommo(box: Sandbox) -> Kommo:
    return box.kommo


def talks_of(kommo: Kommo) -> Talks:
    return cast("Talks", kommo.tables["talks"])


def ids(records: list[dict[str, Any]]) -> set[int]:
    return {record["talk_id"] for record in records}


def test_a_conversation_has_its_contact_and_its_lead(kommo: Kommo) -> None:
    run = read(kommo, TALKS)
    assert run.schemas[TALKS]["key_properties"] == ["account", "talk_id"]
    rows = talks_of(kommo).rendered(base=kommo.url)
    assert_equal(run.records(TALKS), rows, "talk_id")
    assert {None, "lead"} == {record["entity_type"] for record in run.records(TALKS)}


def test_a_quiet_run_reads_the_list_again_and_finds_the_same(kommo: Kommo) -> None:
    kommo.clock.freeze()
    first = read(kommo, TALKS)
    again = read(kommo, TALKS, state=first.state)
    assert again.records(TALKS) == first.records(TALKS)
    assert again.state == first.state
    assert count_requests(kommo, "talks") == 2


def test_an_account_without_conversations_has_no_rows(kommo: Kommo) -> None:
    talks_of(kommo).delete(list(talks_of(kommo).rows))
    assert read(kommo, TALKS).records(TALKS) == []


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("workers", [1, 4])
def test_a_conversation_that_is_edited_while_the_list_is_read_is_not_lost(
    kommo: Kommo, order: Any, workers: int
) -> None:
    table = talks_of(kommo)
    table.grow(MANY)
    kommo.options.talks_order = order
    lasting = set(table.rows)
    ends = iter([sorted(lasting)[:3], sorted(lasting)[-3:]] * 20)

    def after_request(_api: Any, _rng: random.Random) -> None:
        table.edit(3)
        table.edit(next(ends))

    kommo.after_request = after_request
    records = read(kommo, TALKS, concurrency=workers).records(TALKS)
    assert ids(records) == lasting


@pytest.mark.parametrize("order", ORDERS)
def test_conversations_that_come_and_go_while_the_list_is_read_cost_no_other(
    kommo: Kommo, order: Any
) -> None:
    table = talks_of(kommo)
    table.grow(MANY)
    kommo.options.talks_order = order
    gone = iter(random.Random(7).sample(sorted(table.rows), 40))
    before = set(table.rows)

    def after_request(_api: Any, _rng: random.Random) -> None:
        table.delete([each for each in (next(gone, None), next(gone, None)) if each])
        table.insert(2)
        table.edit(2)

    kommo.after_request = after_request
    records = read(kommo, TALKS).records(TALKS)
    assert before & set(table.rows) <= ids(records)


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("fault", ["reset", "truncate", "html200", 429, 503])
def test_a_fault_costs_no_conversation(kommo: Kommo, fault: str | int) -> None:
    talks_of(kommo).grow(MANY)
    kommo.faults.plan(fault, after=1)
    assert ids(read(kommo, TALKS).records(TALKS)) == set(talks_of(kommo).rows)


def test_an_empty_page_in_mid_list_is_asked_for_again(kommo: Kommo) -> None:
    talks_of(kommo).grow(MANY)
    kommo.faults.plan(faults.early_204(), after=1)
    assert ids(read(kommo, TALKS).records(TALKS)) == set(talks_of(kommo).rows)
