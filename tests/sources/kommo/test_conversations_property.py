"""Property: after any changes, faults and kills, one quiet run makes the tables equal Kommo's."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox import Sandbox, faults
from tests.support.kommo_talks import MESSAGES, messages_of, talks_of
from tests.support.moments import moment
from tests.support.run import read
from tests.support.runtime import set_runtime
from tests.support.settings import DAY

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from sandbox import Api
    from sandbox.kommo.api import Kommo

TALKS = "kommo_talks"
NOTES = {"kommo_contact_notes": "contacts/notes", "kommo_lead_notes": "leads/notes"}
KEYS = {TALKS: "talk_id"}
STREAMS = (TALKS, MESSAGES, *NOTES)

FAULTS = st.lists(
    st.sampled_from(
        [
            *[faults.none()] * 12,
            faults.reset(),
            faults.truncate(),
            faults.lost_reply(),
            faults.html200(),
            faults.status(429, retry_after=0, body="html"),
            faults.status(503),
        ]
    ),
    max_size=30,
)
# What happens after a request, and where: talks and notes are chosen by their place.
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["say", "start", "end", "edit", "note", "edit note"]), st.integers(0, 99)
    ),
    max_size=25,
)


def change(kommo: Kommo, what: str, place: int) -> None:
    """Make a change to a conversation or a note."""
    talks, notes = talks_of(kommo), kommo.tables[[*NOTES.values()][place % len(NOTES)]]
    talk, note = (sorted(table.rows)[place % len(table.rows)] for table in (talks, notes))
    match what:
        case "say":
            messages_of(kommo).insert(1 + place % 3, talk_id=talk)
        case "start":
            messages_of(kommo).insert(2, talk_id=talks.insert(1)[0])
        case "end":
            talks.delete([talk])
        case "edit":
            talks.edit([talk])
        case "note":
            notes.insert(1 + place % 3)
        case "edit note":
            notes.edit([note])


def with_early_end(planned: list[faults.Fault], place: int | None) -> list[faults.Fault]:
    """Add one page that is empty by mistake: two in a row look like an end."""
    if place is None:
        return planned
    padded = [*planned, *[faults.none()] * (place - len(planned))]
    return [*padded[:place], faults.early_204(), *padded[place:]]


def load(tables: dict[str, dict[Any, Any]], messages: Sequence[dict[str, Any]]) -> None:
    """Upsert the records of a run."""
    for message in messages:
        if message["type"] == "RECORD":
            stream, record = message["stream"], message["record"]
            tables[stream][record[KEYS.get(stream, "id")]] = record


def expected(kommo: Kommo) -> dict[str, dict[Any, Any]]:
    """Return the rows that each table must have."""
    talks = talks_of(kommo).rows
    messages = {n: row for n, row in messages_of(kommo).rows.items() if row["talk_id"] in talks}
    notes = {name: kommo.tables[path].rows for name, path in NOTES.items()}
    return {TALKS: talks, MESSAGES: messages, **notes}


@pytest.mark.usefixtures("no_waits")
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    planned=FAULTS,
    early_end=st.none() | st.integers(0, 20),
    changes=CHANGES,
    later=CHANGES,
    kills=st.lists(st.integers(0, 400), max_size=2),
    talks_order=st.sampled_from(["newest_first", "oldest_first", "edited_first", "edited_last"]),
    form=st.sampled_from(["talk", "contact", "empty"]),
    moves=st.booleans(),
    late=st.booleans(),
    page_cap=st.sampled_from([None, 7]),
    threads=st.sampled_from([1, 4]),
)
def test_after_any_changes_faults_and_kills_a_quiet_run_makes_the_tables_equal_the_source(
    planned: list[faults.Fault],
    early_end: int | None,
    changes: list[tuple[str, int]],
    later: list[tuple[str, int]],
    kills: list[int],
    talks_order: Any,
    form: Any,
    *,
    moves: bool,
    late: bool,
    page_cap: int | None,
    threads: int,
) -> None:
    with pytest.MonkeyPatch.context() as patch, Sandbox(leads=60, seed=3) as box:
        set_runtime(patch, records_per_state=7)
        kommo, options = box.kommo, box.kommo.options
        box.clock.freeze()
        options.rate_limit, options.page_cap, options.late_rows = None, page_cap, late
        options.talks_order, options.message_events = talks_order, form
        options.messages_move_talks = moves
        left = iter(changes)

        def after_request(_api: Api, _rng: random.Random) -> None:
            box.clock.advance(1)
            if following := next(left, None):
                change(kommo, *following)

        kommo.after_request = after_request
        tables: dict[str, dict[Any, Any]] = {stream: {} for stream in STREAMS}
        state: dict[str, Any] | None = None
        for kill_at in [*kills, None]:
            kommo.faults.plan(*with_early_end(planned, early_end))
            run = read(kommo, *STREAMS, state=deepcopy(state), concurrency=threads)
            kommo.faults.clear()
            load(tables, run.messages[:kill_at])
            states = [m["value"] for m in run.messages[:kill_at] if m["type"] == "STATE"]
            state = states[-1] if states else state
            box.clock.advance(DAY)
            for following in later:
                change(kommo, *following)
        kommo.after_request = None
        box.clock.advance(2)
        load(tables, read(kommo, *STREAMS, state=state).messages)
        for stream, rows in expected(kommo).items():
            table = tables[stream]
            assert rows.keys() <= table.keys(), stream
            if stream != MESSAGES:
                for number, row in rows.items():
                    assert table[number]["updated_at"] == moment(row["updated_at"])
