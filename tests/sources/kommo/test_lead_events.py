"""The stream `kommo_lead_events`: all events of leads."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.kommo_events import in_order
from tests.support.kommo_streams import assert_equal, frozen_kommo
from tests.support.run import read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.kommo.api import Kommo

EVENTS = "kommo_lead_events"


@pytest.fixture
def kommo() -> Iterator[Kommo]:
    yield from frozen_kommo(leads=200)


def test_every_event_of_a_lead_comes_with_what_was_before_and_after(kommo: Kommo) -> None:
    kommo.edit(20)
    kommo.delete(2)
    kommo.contacts.edit(3)
    events = [event for event in kommo.events() if event["entity_type"] == "lead"]
    rows = read(kommo, EVENTS).records(EVENTS)
    for row in rows:
        entity = json.loads(row["extra"])["_embedded.entity"]
        assert entity["id"] == row["entity_id"]
    assert_equal(rows, events)
    assert in_order(rows, "created_at")


@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize(
    ("types", "found"),
    [
        (["lead_added"], {"lead_added"}),
        (["lead_deleted", "name_field_changed"], {"lead_deleted", "name_field_changed"}),
        ("lead_deleted,lead_added", {"lead_deleted", "lead_added"}),
        (["lead_restored"], set[str]()),
    ],
)
def test_events_are_of_the_types_in_the_settings(
    kommo: Kommo, types: Any, found: set[str], *, ignored: bool
) -> None:
    kommo.edit(3, name="Renamed")
    kommo.delete(2)
    kommo.options.ignore_filters = ignored
    rows = read(kommo, EVENTS, event_types=types).records(EVENTS)
    counted = Counter(row["type"] for row in rows)
    wanted = Counter(each["type"] for each in kommo.events() if each["type"] in found)
    assert counted == wanted
