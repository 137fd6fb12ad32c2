"""Property: after any deletions, the table is what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox import Sandbox
from tests.support.kommo_deleted import Target, gone

if TYPE_CHECKING:
    import random

    from sandbox import Api
LOOKBACK = 600
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["delete", "restore", "purge", "merge", "run", "edit"]),
        st.integers(1, 3),
        st.integers(0, 900),
    ),
    min_size=5,
    max_size=25,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    steps=STEPS,
    during=st.lists(st.sampled_from(["delete", "restore", "edit", "insert"]), max_size=6),
    lag=st.sampled_from([0, 240]),
    values=st.sampled_from(["links", "ids"]),
    deletes=st.booleans(),
)
def test_after_any_deletions_over_several_runs_the_table_is_what_happened(
    steps: list[tuple[str, int, int]], during: list[str], lag: int, values: Any, *, deletes: bool
) -> None:
    with Sandbox(leads=30, seed=3) as box:
        box.clock.freeze()
        api = box.kommo
        api.options.rate_limit = None
        api.options.events_lag, api.options.events_limit = lag, 5
        api.options.late_events = 0.5
        api.options.merged_values, api.options.merge_deletes = values, deletes
        target, left = Target(api), list(during)

        def after_request(_api: Api, _rng: random.Random) -> None:
            if left:
                getattr(api, left.pop())(1)

        ever: set[int] = set()
        for what, count, seconds in steps:
            box.clock.advance(seconds)
            if what == "run":
                api.after_request = after_request
                target.run("kommo_leads")
                api.after_request = None
            elif what == "merge":
                first, into, *_ = api.leads
                api.merge([first], into)
            else:
                getattr(api, what)(count)
            ever |= set(api.bin)
        box.clock.advance(LOOKBACK + 60)
        rows = target.run("kommo_leads")
        merged = {lead: into for lead, into in api.merged.items() if lead not in api.leads}
        assert gone(rows) == set(api.bin) | api.purged | merged.keys()
        assert {i: row["merged_into"] for i, row in rows.items() if row["merged_into"]} == merged
        assert ever <= rows.keys()
        leads = target.table.rows["kommo_leads"].values()
        assert all(lead["name"] is not None and lead["created_at"] for lead in leads)
