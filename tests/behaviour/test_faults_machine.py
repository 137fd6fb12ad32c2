"""Any schedule of faults, changes and kills: one quiet run later the table equals the source."""

from __future__ import annotations

import io
import logging
from copy import deepcopy
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from typing_extensions import override

from sandbox import Sandbox, faults
from tests.support.catalogs import LEADS, catalog_for
from tests.support.conversations import all_parts
from tests.support.run import Table, everyone, sync
from tests.support.runtime import set_runtime
from tests.support.settings import DAY, KEYS, SOURCES, settings_for

if TYPE_CHECKING:
    import random

    from sandbox import Api
    from tests.support.run import Run

# Leads may show up this many seconds late: less than the shortest lookback.
LATE = 240
# Far more requests than any run here needs; one that never ends is refused for good here.
MOST_REQUESTS = 4000
CANARY = "canary-4f1c"
NAMES = {"kommo": "name", "dashly": "$name", "octanist": "name"}

# Not so many that one request could meet with nothing else twenty times.
FAULTS = st.lists(
    st.sampled_from(
        [
            *[faults.none()] * 6,
            faults.reset(),
            faults.truncate(),
            faults.lost_reply(),
            faults.html200(),
            faults.half_json200(),
            faults.status(429),
            faults.status(429, retry_after=0, body="html"),
            faults.status(500),
            faults.status(502, body="html"),
            faults.status(503),
            faults.status(504),
        ]
    ),
    max_size=18,
)
# How many leads are edited, inserted, deleted after a request, and how many seconds pass.
CHANGES = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(0, 2), st.integers(0, 2), st.sampled_from([0, 0, 1, 70])
    ),
    max_size=20,
)


class Schedule(RuleBasedStateMachine):
    """A source, and a target that is loaded by runs of which each may be killed."""

    may_fail = False
    """True if faults may fail a run, which the next one then makes up for."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.box = Sandbox(leads=0, seed=3)
        self.api = self.box.apis[source]
        self.stream = f"{source}_leads"
        self.catalog = LEADS
        self.numbers = count()
        self.table = Table()
        self.state: dict[str, Any] | None = None
        self.log = io.StringIO()
        self.handler = logging.StreamHandler(self.log)
        logging.getLogger().addHandler(self.handler)
        self.box.start()

    @initialize(
        ties=st.lists(st.tuples(st.integers(1, 40), st.integers(1, 5)), min_size=1, max_size=6),
        page_cap=st.sampled_from([None, 7, 13]),
        ties_move=st.booleans(),
    )
    def begin(self, ties: list[tuple[int, int]], page_cap: int | None, *, ties_move: bool) -> None:
        options = self.api.options
        options.rate_limit = None
        options.page_cap = page_cap
        options.ties = "shuffled" if ties_move else "stable"
        for size, hours in ties:
            self.insert(size, ago=DAY + hours * 3600)

    def insert(self, size: int, ago: float) -> None:
        for _ in range(size):
            name: dict[str, Any] = {NAMES[self.api.slot]: f"{CANARY}-{next(self.numbers)}"}
            self.api.insert(1, at=self.box.clock.now() - ago, **name)

    @rule(size=st.integers(1, 12), late=st.integers(0, LATE))
    def leads_come(self, size: int, late: int) -> None:
        self.insert(size, ago=late)

    @rule(size=st.integers(1, 20))
    def leads_are_edited_at_once(self, size: int) -> None:
        self.api.edit(size)

    @rule(size=st.integers(1, 20))
    def leads_are_deleted(self, size: int) -> None:
        self.api.delete(size)

    @rule(seconds=st.sampled_from([1, 59, 600, DAY]))
    def time_passes(self, seconds: int) -> None:
        self.box.clock.advance(seconds)

    @rule(most=st.sampled_from([None, 3, 6, 15]))
    def pages_larger_than_this_are_too_much(self, most: int | None) -> None:
        self.api.options.gateway_timeout_above = most

    @rule(
        planned=FAULTS,
        early_end=st.none() | st.integers(0, 15),
        counted=st.booleans(),
        changes=CHANGES,
        concurrency=st.integers(1, 8),
        kill_at=st.none() | st.integers(0, 200),
        state_every=st.integers(1, 9),
    )
    def a_run(
        self,
        planned: list[faults.Fault],
        early_end: int | None,
        counted: bool,  # hypothesis draws it
        changes: list[tuple[int, int, int, int]],
        concurrency: int,
        kill_at: int | None,
        state_every: int,
    ) -> None:
        planned = [*planned]
        if early_end is not None:  # one: two in a row look like an end
            planned += [faults.none()] * (early_end - len(planned))
            planned.insert(early_end, faults.early_204(counted=counted))
        self.api.faults.plan(*planned)
        run = self.sync(changes, concurrency, state_every)
        self.api.faults.clear()
        self.load(run, kill_at)

    def sync(
        self, changes: list[tuple[int, int, int, int]], concurrency: int, state_every: int
    ) -> Run:
        left = iter([*changes])

        def after_request(api: Api, _rng: random.Random) -> None:
            api.options.ban_html = len(api.journal) > MOST_REQUESTS
            edited, inserted, deleted, seconds = next(left, (0, 0, 0, 0))
            self.box.clock.advance(seconds)
            api.edit(edited)
            api.delete(deleted)
            self.insert(inserted, ago=LATE / 2)

        self.api.journal.clear()
        self.api.after_request = after_request
        with pytest.MonkeyPatch.context() as patch:
            set_runtime(patch, records_per_state=state_every)
            config = {self.api.slot: self.settings(), "concurrency": concurrency}
            run = sync(config, deepcopy(self.state), catalog=self.catalog)
        self.api.after_request = None
        assert run.code == 0 or self.may_fail, self.log.getvalue()
        return run

    def settings(self) -> dict[str, Any]:
        """Return the settings of the source."""
        return settings_for(self.api)

    def load(self, run: Run, kill_at: int | None) -> None:
        """Load what a target had got when the run was killed."""
        arrived = run.messages[:kill_at]
        self.table.load(arrived)
        states = [message["value"] for message in arrived if message["type"] == "STATE"]
        self.state = states[-1] if states else self.state

    @override
    def teardown(self) -> None:
        try:
            self.may_fail = False
            self.load(self.sync([], 4, 1000), None)
            self.state = None
            self.check(self.sync([], 1, 1000))
            told = self.log.getvalue()
            assert [word for word in (CANARY, self.api.token, "limit=") if word in told] == []
        finally:
            logging.getLogger().removeHandler(self.handler)
            self.box.close()

    def check(self, whole: Run) -> None:
        """Check that the table has what a run without a state returns."""
        rows, key = self.table.rows[self.stream], KEYS[self.api.slot]
        current = {str(r["id"]): r[key] for r in whole.records(self.stream)}
        assert current.keys() == everyone(self.api)
        assert {i: rows[i][key] for i in current if i in rows} == current


class Details(Schedule):
    """The streams of Dashly that send a request for each lead or conversation."""

    may_fail = True
    streams: ClassVar = {
        "dashly_conversations": "last_update",
        "dashly_conversation_parts": "conversation_id",
        "dashly_lead_details": "last_seen",
    }

    def __init__(self) -> None:
        super().__init__("dashly")
        self.catalog = catalog_for(*self.streams)
        self.api = self.box.dashly
        self.conversations = self.box.dashly.conversations

    @initialize(size=st.integers(1, 30))
    def conversations_begin(self, size: int) -> None:
        self.conversations.insert(size, at=self.box.clock.now() - DAY)

    @rule(size=st.integers(1, 9))
    def conversations_change(self, size: int) -> None:
        self.conversations.edit(size)

    @rule(size=st.integers(1, 9))
    def leads_come_that_were_never_seen(self, size: int) -> None:
        unseen: dict[str, Any] = {"$last_seen": None}
        self.api.edit(self.api.insert(size), touch=False, **unseen)

    @rule(place=st.integers(1, 30), size=st.integers(1, 5))
    def requests_are_denied(self, place: int, size: int) -> None:
        self.api.faults.plan(*[faults.none()] * place, *[faults.status(403)] * size)
        self.load(self.sync([(0, 0, 0, 0)], 1, 5), None)
        self.api.faults.clear()

    @override
    def settings(self) -> dict[str, Any]:
        return super().settings() | ({"details_per_run": 7} if self.may_fail else {})

    @override
    def check(self, whole: Run) -> None:
        for stream, column in self.streams.items():
            current = {str(r["id"]): r[column] for r in whole.records(stream)}
            rows = {key: row[column] for key, row in self.table.rows[stream].items()}
            assert {key: rows.get(key) for key in current} == current
        assert {*whole.ids("dashly_lead_details")} == everyone(self.api)
        assert {*whole.ids("dashly_conversation_parts")} == all_parts(self.box.dashly)


@pytest.mark.usefixtures("no_waits", "small_pages")
@pytest.mark.parametrize("source", SOURCES)
def test_after_any_faults_changes_and_kills_a_quiet_run_makes_the_table_equal_the_source(
    source: str,
) -> None:
    run_state_machine_as_test(
        lambda: Schedule(source),  # type: ignore[arg-type]  # whatever makes a machine will do
        settings=settings(
            max_examples=12,
            stateful_step_count=8,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        ),
    )


@pytest.mark.usefixtures("no_waits")
def test_after_any_faults_changes_and_kills_a_quiet_run_has_all_details_and_conversations() -> None:
    run_state_machine_as_test(
        Details,
        settings=settings(
            max_examples=6,
            stateful_step_count=6,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        ),
    )
