"""Whatever happens to the leads between two requests, one more quiet run makes the table right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox import Sandbox
from tests.support.run import Table, sync
from tests.support.runtime import set_runtime
from tests.support.settings import DAY, KEYS, settings_for

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from sandbox import Api

# Leads may show up this many seconds late: less than the shortest lookback.
LATE = 240
# Far more than any of these sweeps needs; one that never ends is blocked here.
MOST_REQUESTS = 2000


class Change(NamedTuple):
    """What happens to the leads after a request."""

    edited: int
    inserted: int
    deleted: int
    late: int
    seconds: int


CHANGES = st.lists(
    st.builds(
        Change,
        edited=st.integers(0, 3),
        inserted=st.integers(0, 2),
        deleted=st.integers(0, 2),
        late=st.integers(0, LATE),
        seconds=st.sampled_from([0, 0, 1, 70]),
    ),
    max_size=25,
)
# Groups of leads that share a moment: how many, and how many hours ago.
TIES = st.lists(st.tuples(st.integers(1, 30), st.integers(1, 4)), min_size=1, max_size=5)


def replay(changes: Sequence[Change], box: Sandbox) -> Any:
    """The changes one by one, one after each request."""
    left = list(changes)

    def after_request(api: Api, _rng: random.Random) -> None:
        api.options.ban_html = len(api.journal) > MOST_REQUESTS
        if not left:
            return
        change = left.pop(0)
        box.clock.advance(change.seconds)
        api.edit(min(change.edited, api.count))
        api.delete(min(change.deleted, api.count))
        api.insert(change.inserted, at=box.clock.now() - change.late)

    return after_request


def stale(api: Api, table: Table) -> list[str]:
    """The leads of the source that the table lacks, or has as they were before."""
    rows = table.rows[f"{api.slot}_leads"]
    wanted = Table()
    run = sync({api.slot: settings_for(api)})
    assert run.code == 0
    wanted.load(run.messages)
    current = wanted.rows[f"{api.slot}_leads"]
    assert set(current) == {str(lead["id"]) for lead in api.rendered()}
    key = KEYS[api.slot]
    return [i for i, row in current.items() if i not in rows or rows[i][key] != row[key]]


@pytest.mark.parametrize("source", ["kommo", "dashly", "octanist"])
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    ties=TIES,
    changes=CHANGES,
    page_cap=st.integers(5, 15),
    shuffled=st.booleans(),
    kill_at=st.integers(0, 200),
    state_every=st.integers(1, 9),
)
def test_after_any_changes_and_a_kill_one_quiet_run_makes_the_table_equal_the_source(
    source: str,
    ties: list[tuple[int, int]],
    changes: list[Change],
    page_cap: int,
    shuffled: bool,
    kill_at: int,
    state_every: int,
) -> None:
    with pytest.MonkeyPatch.context() as patch, Sandbox(leads=0, seed=3) as box:
        set_runtime(patch, records_per_state=state_every)
        api = box.apis[source]
        api.options.rate_limit = None
        api.options.page_cap = page_cap
        api.options.ties = "shuffled" if shuffled else "stable"
        for count, hours in ties:
            api.insert(count, at=box.clock.now() - DAY - hours * 3600)
        table = Table()

        api.after_request = replay(changes, box)
        moving = sync({source: settings_for(api)})
        assert moving.code == 0
        api.after_request = replay([], box)

        survived = moving.messages[:kill_at] if kill_at else moving.messages
        table.load(survived)
        states = [m["value"] for m in survived if m["type"] == "STATE"]
        quiet = sync({source: settings_for(api)}, states[-1] if states else None)
        table.load(quiet.messages)

        assert quiet.code == 0
        assert stale(api, table) == []
