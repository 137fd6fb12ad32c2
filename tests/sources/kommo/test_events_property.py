"""Property: after any moves and a kill, the table is the history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox import Sandbox
from tests.support.catalogs import catalog_for
from tests.support.kommo_events import move, moves_of, truth
from tests.support.run import Table, read, sync
from tests.support.runtime import set_runtime
from tests.support.settings import DAY, settings_for

if TYPE_CHECKING:
    import random

    from sandbox import Api
CHANGES = "kommo_lead_stage_changes"


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    groups=st.lists(st.tuples(st.integers(1, 25), st.integers(1, 90)), min_size=1, max_size=5),
    during=st.lists(st.integers(0, 4), max_size=20),
    order=st.sampled_from(["newest_first", "oldest_first", "shuffled"]),
    ties=st.sampled_from(["stable", "shuffled"]),
    limit=st.integers(8, 15),
    kill_at=st.integers(0, 200),
    threads=st.sampled_from([1, 4]),
    lag=st.sampled_from([0, 300]),
)
def test_after_any_moves_and_a_kill_one_quiet_run_makes_the_table_the_history(
    groups: list[tuple[int, int]],
    during: list[int],
    order: Any,
    ties: Any,
    limit: int,
    kill_at: int,
    threads: int,
    lag: int,
) -> None:
    with pytest.MonkeyPatch.context() as patch, Sandbox(leads=20, seed=3) as box:
        set_runtime(patch, records_per_state=5)
        api, left = box.kommo, list(during)
        box.clock.freeze()
        api.options.rate_limit = None
        api.options.events_order, api.options.events_ties = order, ties
        api.options.events_limit, api.options.late_events = limit, 0.5
        for count, days in groups:
            move(api, count, within=min(count, 20), ago=days * DAY)
        api.options.events_lag = lag

        def after_request(_api: Api, _rng: random.Random) -> None:
            if left:
                box.clock.advance(1)
                move(api, left.pop(), within=1)

        api.after_request = after_request
        config = {"kommo": settings_for(api), "concurrency": threads}
        moving = sync(config, catalog=catalog_for(CHANGES))
        api.after_request = None
        survived = moving.messages[:kill_at] if kill_at else moving.messages
        table = Table()
        table.load(survived)
        states = [m["value"] for m in survived if m["type"] == "STATE"]
        box.clock.advance(lag + 1)
        table.load(read(api, CHANGES, state=states[-1] if states else None).messages)
        assert moving.code == 0
        assert moves_of(table.rows[CHANGES].values()) == truth(api)
