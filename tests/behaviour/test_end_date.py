"""`end_date`: records modified later are left out, and a later run without it misses nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_leads.timestamps import from_text, to_text
from tests.support.run import Table, everyone, read
from tests.support.settings import CREDENTIALS, KEYS

if TYPE_CHECKING:
    from sandbox import Api, Sandbox
    from tests.support.run import Run


def middle_of(api: Api) -> str:
    """Return the modification date of the lead in the middle."""
    values = sorted(cursors(read(api)))
    return values[len(values) // 2]


def cursors(run: Run) -> list[str]:
    """Return the modification dates of all leads of a run."""
    (stream,) = run.schemas
    key = KEYS[stream.partition("_")[0]]
    return [record[key] for record in run.records(stream) if record[key] is not None]


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("slot", CREDENTIALS)
@pytest.mark.parametrize("ignored", ["nothing", "filters", "order"])
def test_records_modified_later_are_left_out(box: Sandbox, slot: str, ignored: str) -> None:
    api = box.apis[slot]
    box.clock.freeze()
    dates = cursors(read(api))
    end = sorted(dates)[len(dates) // 2]
    api.options.ignore_filters = ignored == "filters"
    api.options.ignore_order = ignored == "order"
    run = read(api, end_date=end)
    assert sorted(set(cursors(run))) == sorted({date for date in dates if date <= end})
    assert run.bookmark(f"{slot}_leads") == end


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("slot", CREDENTIALS)
def test_a_later_run_without_it_misses_nothing(box: Sandbox, slot: str) -> None:
    api, table = box.apis[slot], Table()
    end = middle_of(api)
    first = read(api, end_date=end)
    table.load(first.messages)
    box.clock.advance(3600)
    api.edit(20)  # also leads that the first run emitted
    api.insert()
    second = read(api, state=first.state)
    table.load(second.messages)
    assert table.rows[f"{slot}_leads"].keys() == everyone(api)
    assert table.rows[f"{slot}_leads"] == {
        str(record["id"]): record for record in read(api).records(f"{slot}_leads")
    }


@pytest.mark.parametrize("slot", CREDENTIALS)
def test_spans_one_after_another_are_the_whole(box: Sandbox, slot: str) -> None:
    api = box.apis[slot]
    box.clock.freeze()
    whole = read(api)
    middle = middle_of(api)
    early, late = read(api, end_date=middle), read(api, start_date=middle)
    assert {*cursors(early), *cursors(late)} == {*cursors(whole)}
    between = read(api, start_date=middle, end_date=middle)
    assert {*cursors(between)} == {middle}


@pytest.mark.parametrize("slot", CREDENTIALS)
def test_an_end_before_the_bookmark_leaves_the_bookmark(box: Sandbox, slot: str) -> None:
    api = box.apis[slot]
    first = read(api)
    run = read(api, state=first.state, end_date="2001-01-01")
    assert cursors(run) == []
    assert run.bookmark(f"{slot}_leads") == first.bookmark(f"{slot}_leads")


def test_an_end_and_a_filter_hold_together(box: Sandbox) -> None:
    whole = sorted(cursors(read(box.kommo)))
    low, high = whole[len(whole) // 4], whole[-len(whole) // 4]
    span: dict[str, Any] = {"updated_at": {"from": low, "to": high}}
    middle = whole[len(whole) // 2]
    found = cursors(read(box.kommo, filters=span, end_date=middle))
    assert {*found} == {date for date in whole if low <= date <= middle}
    assert {*cursors(read(box.kommo, filters=span, end_date=whole[-1]))} == {
        date for date in whole if low <= date <= high
    }


@pytest.mark.parametrize("stream", ["kommo_lead_stage_changes", "kommo_lead_events"])
def test_events_after_the_end_are_left_out(box: Sandbox, stream: str) -> None:
    key = "changed_at" if stream.endswith("changes") else "created_at"
    whole = sorted(record[key] for record in read(box.kommo, stream).records(stream))
    middle = whole[len(whole) // 2]
    run = read(box.kommo, stream, end_date=middle)
    assert sorted(record[key] for record in run.records(stream)) == [
        date for date in whole if date <= middle
    ]
    assert run.bookmark(stream) == middle
    again = read(box.kommo, stream, state=run.state)
    assert {record[key] for record in again.records(stream)} >= {d for d in whole if d > middle}


def test_full_tables_are_complete(box: Sandbox) -> None:
    stream = "kommo_pipelines"
    run = read(box.kommo, stream, end_date="2001-01-01")
    assert run.ids(stream) == read(box.kommo, stream).ids(stream) != []


def test_the_clock_of_the_end_may_have_an_offset(box: Sandbox) -> None:
    end = middle_of(box.octanist)
    moment = from_text(end)
    assert moment is not None
    shifted = (to_text(moment + 2 * 3_600_000_000) or "").replace("Z", "+02:00")
    assert sorted(cursors(read(box.octanist, end_date=shifted))) == sorted(
        cursors(read(box.octanist, end_date=end))
    )
