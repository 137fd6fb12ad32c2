"""A page whose rows were read after an edit or a deletion is no sign of an ignored filter."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Sandbox
from tests.support.catalogs import catalog_for
from tests.support.run import Table, everyone, read, sync
from tests.support.settings import DAY, KEYS, SOURCES, settings_for

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from sandbox import Api

START = 1_770_000_030.0
"""The clock: where a minute begins decides on how a set of ties is split."""
PAGE = 20
CHANGES = {"edits": (1, 0), "deletions": (0, 1), "both": (1, 1)}


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """A sandbox with 600 leads, in pages of 20."""
    with sandbox() as made:
        yield made


def sandbox(start: float | None = None) -> Sandbox:
    """Make that sandbox; `start` is what its clock shows first."""
    box = Sandbox(leads=600, seed=7, start=start)
    for api in box.apis.values():
        api.options.rate_limit = None
        api.options.page_cap = PAGE
    return box


def on_the_page(edited: int, deleted: int) -> Callable[..., None]:
    """Return a hook that changes leads of every third page."""
    pages = [0]

    def after_request(api: Api, rng: random.Random) -> None:
        pages[0] += 1
        there = [each for each in api.page if each in api.leads]
        if pages[0] % 3 == 0 and len(there) > edited + deleted:
            chosen = rng.sample(there, edited + deleted)
            api.edit(chosen[:edited])
            api.delete(chosen[edited:])

    return after_request


def requests_of(source: str, *, late: bool, tied: int, ties: Any, changes: str) -> int:
    """Count the requests of a run over a moving list."""
    with sandbox(START) as box:
        api = box.apis[source]
        api.insert(tied, at=box.clock.now() - 3 * DAY)
        api.options.ties, api.options.late_rows = ties, late
        change = on_the_page(*CHANGES[changes])
        box.clock.freeze()  # how fast the machine is decides on no request

        def after_request(api: Api, rng: random.Random) -> None:
            box.clock.advance(0.02)
            change(api, rng)

        api.after_request = after_request
        read(api, concurrency=1)
        return len(api.journal)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    ("changes", "tied", "ties", "concurrency"),
    [
        ("both", 0, "stable", 1),
        ("edits", 150, "stable", 4),
        ("deletions", 150, "shuffled", 1),
        ("both", 150, "shuffled", 4),
    ],
)
def test_rows_that_are_read_late_cause_no_warning_and_no_loss(
    box: Sandbox,
    source: str,
    changes: str,
    tied: int,
    ties: Any,
    concurrency: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    api, stream, table = box.apis[source], f"{source}_leads", Table()
    api.insert(tied, at=time.time() - 3 * DAY)
    api.options.ties, api.options.late_rows = ties, True
    before = {str(lead["id"]): lead for lead in api.rendered()}
    api.after_request = on_the_page(*CHANGES[changes])
    first = read(api, concurrency=concurrency)
    table.load(first.messages)
    assert [r.getMessage() for r in caplog.records if r.levelname == "WARNING"] == []
    untouched = {str(x["id"]) for x in api.rendered() if before.get(str(x["id"])) == x}
    assert untouched - set(table.rows[stream]) == set()

    api.after_request = None
    table.load(read(api, state=first.state, concurrency=concurrency).messages)
    now = {str(r["id"]): r[KEYS[source]] for r in read(api, concurrency=1).records(stream)}
    assert now.keys() == everyone(api)
    assert {each: table.rows[stream].get(each, {}).get(KEYS[source]) for each in now} == now


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    ("changes", "tied", "ties"),
    [("both", 0, "stable"), ("edits", 150, "stable"), ("both", 150, "shuffled")],
)
def test_rows_that_are_read_late_cost_no_second_read(
    source: str, changes: str, tied: int, ties: Any
) -> None:
    without = requests_of(source, late=False, tied=tied, ties=ties, changes=changes)
    late = requests_of(source, late=True, tied=tied, ties=ties, changes=changes)
    assert late <= 1.3 * without


@pytest.mark.parametrize("concurrency", [1, 4])
def test_events_that_are_edited_and_deleted_before_they_are_read_cause_no_warning_and_no_loss(
    box: Sandbox, concurrency: int, caplog: pytest.LogCaptureFixture
) -> None:
    api = box.kommo

    def after_request(_api: Api, rng: random.Random) -> None:
        if len(api.journal) % 3 == 0 and len(api.page) > 4:
            chosen = rng.sample(api.page, 2)
            api.edit_events(chosen[:1], created_by=7)
            api.delete_events(chosen[1:])

    api.options.late_rows = True
    api.after_request = after_request
    run = sync(
        {"kommo": settings_for(api), "concurrency": concurrency},
        catalog=catalog_for("kommo_lead_events"),
    )
    assert run.code == 0
    assert [r.getMessage() for r in caplog.records if r.levelname == "WARNING"] == []
    left = {event["id"] for event in api.events() if event["entity_type"] == "lead"}
    assert left - set(run.ids("kommo_lead_events")) == set()


@pytest.mark.parametrize("stream", ["kommo_contacts", "kommo_tasks", "kommo_customers"])
@pytest.mark.parametrize("concurrency", [1, 4])
def test_other_lists_of_kommo_that_are_read_late_cause_no_warning_and_no_loss(
    box: Sandbox, stream: str, concurrency: int, caplog: pytest.LogCaptureFixture
) -> None:
    api = box.kommo
    api.options.customers_mode = "periodicity"
    rows = api.tables[stream.removeprefix("kommo_")]
    rows.grow(400)

    def after_request(_api: Api, rng: random.Random) -> None:
        there = [each for each in api.page if each in rows.store.rows]
        if len(api.journal) % 3 == 0 and len(there) > 4:
            chosen = rng.sample(there, 2)
            rows.edit(chosen[:1], updated_by=7)
            rows.delete(chosen[1:])

    shown = {row["id"]: row for row in rows.rendered() if not row.get("is_unsorted")}
    api.options.late_rows = True
    api.after_request = after_request
    run = sync(
        {"kommo": settings_for(api), "concurrency": concurrency}, catalog=catalog_for(stream)
    )
    assert run.code == 0
    assert [r.getMessage() for r in caplog.records if r.levelname == "WARNING"] == []
    untouched = {str(row["id"]) for row in rows.rendered() if shown.get(row["id"]) == row}
    assert untouched - set(run.ids(stream)) == set()
