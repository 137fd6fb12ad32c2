"""The threads of a run with many accounts."""

from __future__ import annotations

import threading

from sandbox import Sandbox
from tap_leads.singer.prefetch import MAX_AHEAD
from tests.support.run import sync
from tests.support.settings import settings_for

CONCURRENCY = 4


def test_the_threads_of_a_run_do_not_grow_with_its_accounts() -> None:
    seen: list[int] = []

    def after_request(*_: object) -> None:
        seen.append(sum("(_work)" in thread.name for thread in threading.enumerate()))

    with Sandbox(leads=2, seed=7) as box:
        box.kommo.options.rate_limit = None
        box.kommo.options.latency = 0.02
        box.kommo.after_request = after_request
        accounts = [{"name": f"account_{number:02}"} for number in range(12)]
        config = {"kommo": settings_for(box.kommo, accounts=accounts), "concurrency": CONCURRENCY}
        assert sync(config, catalog=None).code == 0
    assert 1 < max(seen) <= MAX_AHEAD + CONCURRENCY + 2
