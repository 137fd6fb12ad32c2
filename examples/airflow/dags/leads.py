"""Two DAGs over one definition: changes every hour, reference data once a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pipeline
from airflow.sdk import Param, dag, get_current_context, task

RHYTHMS = {
    "hourly": ("7 * * * *", timedelta(minutes=50)),
    "daily": ("37 3 * * *", timedelta(hours=4)),
}
PARAMS = {
    "accounts": Param([], type="array", description="State IDs. Empty: every account."),
    "full_refresh": Param(default=False, type="boolean", description="Start over, without state."),
}


def leads(rhythm: str) -> None:
    """Make the DAG of a rhythm."""
    schedule, timeout = RHYTHMS[rhythm]

    @task(retries=2)
    def accounts() -> list[dict[str, str]]:
        """Return the accounts to load; what is not secret about them."""
        return pipeline.accounts(get_current_context()["params"]["accounts"])

    # The pool has 3 slots and `requests_per_second` is 2: 6 requests per second from this machine.
    @task(
        pool="kommo",
        retries=2,
        execution_timeout=timeout,
        map_index_template="{{ task.op_kwargs['account']['name'] }}",
    )
    def load(account: dict[str, str]) -> None:
        """Load one account."""
        full = get_current_context()["params"]["full_refresh"]
        pipeline.load(account["state_id"], rhythm, *(["--full-refresh"] if full else []))

    @dag(
        dag_id=f"leads_{rhythm}",
        schedule=schedule,
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        params=PARAMS,
        tags=["leads"],
    )
    def define() -> None:
        load.expand(account=accounts())

    define()


for each in RHYTHMS:
    leads(each)
