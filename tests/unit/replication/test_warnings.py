"""What a run says of an API that does not do as it is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tap_leads.replication.keyset import Keyset
from tap_leads.replication.model import Bounds
from tap_leads.timestamps import HOUR
from tests.unit.replication.fake_list import START, fake_list
from tests.unit.replication.fake_run import read

if TYPE_CHECKING:
    from tap_leads.timestamps import Micros

HINT = "; check `timezone`"
IGNORED = (
    "the API ignored the requested filter or sort order; falling back to a full scan and "
    "filtering in the tap (slower, nothing is missed)"
)


@pytest.mark.parametrize("null", [None, True, False])
def test_an_ignored_filter_is_one_warning_and_a_full_scan(*, null: bool | None) -> None:
    source = fake_list(page_size=10, ignore_filters=True, nullable=True)
    source.traits = replace(source.traits, cursor_hint=HINT)
    for number in range(25):
        source.insert(at=START - (30 - number) * HOUR)
    (without,) = source.insert(null=True)
    run = read(source, Keyset(), Bounds(after=START - 10 * HOUR, null=null))
    assert run.warnings == [IGNORED + HINT]
    assert sorted(run.ids) == [*range(21, 26), *([] if null is False else [without])]


@pytest.mark.parametrize(
    ("ahead", "hours"), [(0, None), (HOUR, None), (HOUR + 1000, "1.0"), (26 * HOUR, "26.0")]
)
def test_rows_dated_ahead_of_the_clock_are_a_warning(ahead: Micros, hours: str | None) -> None:
    source = fake_list(granularity=1000, seconds=0.0)
    source.traits = replace(source.traits, cursor_hint=HINT)
    source.insert(at=START - HOUR)
    source.items[source.insert()[0]].cursor = START + ahead
    run = read(source, Keyset())
    assert run.ids == [1, 2]
    said = (
        f"records are dated up to {hours} hours ahead of the API's clock; they are synced again in "
        f"every run{HINT}"
    )
    assert run.warnings == ([] if hours is None else [said])
