"""Deletions: what events that name both leads of a merge say about them."""

from __future__ import annotations

from typing import Any

import pytest

from tap_leads.sources.kommo.deletion_history import DeletionHistory


def merge(lead: int, at: int, *values: int) -> dict[str, Any]:
    after = [{"link": {"entity": {"type": "lead", "id": each}}} for each in values]
    event = {"type": "entity_merged", "entity_id": lead, "created_by": 7, "created_at": at}
    return {**event, "value_before": [], "value_after": after}


@pytest.mark.parametrize("seconds", [0, 1])
@pytest.mark.parametrize("named_first", ["survivor", "other"])
def test_leads_merged_one_after_the_other_are_gone_also_within_a_second(
    seconds: int, named_first: str
) -> None:
    pairs = [(1, 2), (2, 3)] if named_first == "other" else [(2, 1), (3, 2)]
    events = [merge(one, 100 + n * seconds, other) for n, (one, other) in enumerate(pairs)]
    history = DeletionHistory(events)
    assert history.doubtful == [1, 2, 3]
    history.alive = {3: {"updated_at": 50}}
    into = {row["id"]: row["merged_into"] for row in history.rows(settled=1000)}
    assert into == {1: 2, 2: 3}
