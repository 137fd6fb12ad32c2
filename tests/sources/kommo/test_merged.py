"""Merged leads in `kommo_deleted_leads`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.kommo_deleted import Target, at
from tests.support.kommo_streams import frozen_kommo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.kommo.api import Kommo


@pytest.fixture
def kommo() -> Iterator[Kommo]:
    yield from frozen_kommo(leads=40)


@pytest.mark.parametrize("values", ["links", "ids", "empty"])
@pytest.mark.parametrize("deletes", [True, False])
def test_a_merged_lead_says_into_which(kommo: Kommo, values: Any, *, deletes: bool) -> None:
    kommo.options.merged_values = values
    kommo.options.merge_deletes = deletes
    first, second, into, *_ = kommo.leads
    kommo.merge([first, second], into)
    rows = Target(kommo).run()
    assert into not in rows
    told = {lead: row["merged_into"] for lead, row in rows.items()}
    if values != "empty":
        assert told == {first: into, second: into}
    else:  # nothing says into which, and without events of their own nothing says that they went
        assert told == (dict.fromkeys((first, second)) if deletes else {})
    assert {row["deleted_at"] for row in rows.values()} <= {at(kommo)}


def test_a_merged_lead_is_gone_though_nothing_says_into_which(kommo: Kommo) -> None:
    kommo.options.merged_values, kommo.options.merged_on = "empty", "merged"
    first, second, into, *_ = kommo.leads
    kommo.merge([first, second], into)
    told = {lead: row["merged_into"] for lead, row in Target(kommo).run().items()}
    assert told == {first: None, second: None}


@pytest.mark.parametrize("side", ["heir", "merged"])
@pytest.mark.parametrize("fate", ["stays", "is deleted", "is merged on", "is merged and deleted"])
def test_a_merged_lead_keeps_its_heir_whatever_becomes_of_it(
    kommo: Kommo, fate: str, side: Any
) -> None:
    kommo.options.merged_on = side
    lead, into, last, *_ = kommo.leads
    kommo.merge([lead], into)
    kommo.clock.advance(60)
    if fate == "is deleted":
        kommo.delete([into])
    elif fate != "stays":
        kommo.merge([into], last)
    if fate == "is merged and deleted":
        kommo.clock.advance(60)
        kommo.delete([last])
    rows = Target(kommo).run()
    assert rows[lead]["merged_into"] == into
    heirs: dict[str, dict[int, int | None]] = {
        "stays": {},
        "is deleted": {into: None},
        "is merged on": {into: last},
        "is merged and deleted": {into: last, last: None},
    }
    assert {i: row["merged_into"] for i, row in rows.items() if i != lead} == heirs[fate]


def test_a_lead_that_was_restored_and_then_merged_is_gone(kommo: Kommo) -> None:
    lead, into, *_ = kommo.leads
    kommo.delete([lead])
    kommo.clock.advance(60)
    kommo.restore([lead])
    kommo.clock.advance(60)
    kommo.merge([lead], into)
    row = Target(kommo).run()[lead]
    assert (row["deleted_at"], row["restored_at"], row["merged_into"]) == (at(kommo), None, into)
