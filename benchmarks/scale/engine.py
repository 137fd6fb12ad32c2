"""Part 1: Airflow runs the example's DAGs over 24 accounts, and some of its tasks are killed."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.scale import project
from benchmarks.scale.airflow import Airflow
from benchmarks.scale.checks import Checks, leads_sent, lists_of
from benchmarks.scale.processes import PeakMemory, Process, cpu_seconds, tree
from demo.postgres import Postgres
from sandbox import Sandbox

if TYPE_CHECKING:
    from benchmarks.scale.report import Report

LEADS, SLOTS, LIMIT = 100, 3, 7
EDITED, NEW = 3, 2
DAY = 86_400
SHARE = 4
"""One of so many accounts is read by both DAGs at the same time in the second run."""
MID_RUN = 4
"""List requests of an account after which its task may be killed."""
RUN_SECONDS, POLL_SECONDS, ORPHAN_SECONDS = 1800, 1.0, 60


@dataclass
class Victim:
    """A task that is killed in mid-run."""

    after: int
    """The number of tasks that have succeeded before."""
    everything: bool
    """Kill Meltano, the tap and the target, too, as if the machine went down."""
    account: str = ""
    processes: list[Process] = field(default_factory=list)


@dataclass
class Engine:
    """The parts of the run."""

    box: Sandbox
    postgres: Postgres
    airflow: Airflow
    report: Report
    checks: Checks

    def first_run(self) -> None:
        """Load everything, and kill two tasks."""
        self.report.title(
            f"First run: {len(self.checks.accounts)} accounts, {SLOTS} at a time, two tasks killed"
        )
        victims = [
            Victim(1, everything=False),
            Victim(len(self.checks.accounts) // 3, everything=True),
        ]
        began, cpu = time.monotonic(), self._cpu()
        self.airflow.trigger("leads_hourly", "first")
        self._watch({"leads_hourly": "first"}, victims)
        seconds, after = time.monotonic() - began, self._cpu()
        tasks = self.airflow.tasks("leads_hourly", "first")
        self.checks.end("leads_hourly", tasks, len(self.checks.accounts))
        killed = {victim.account for victim in victims}
        tries = {each["rendered_map_index"]: each["try_number"] for each in tasks}
        again = {name for name, number in tries.items() if number > 1}
        self.report.check(
            "tasks that were killed, and retried",
            sorted(again & killed),
            holds=killed <= again and len(killed) == len(victims),
        )
        # Targets that create the same table at the same moment: PostgreSQL lets one of them.
        self.report.figure("other tasks that were retried", len(again - killed))
        orphans = [each for victim in victims for each in victim.processes if each.is_running]
        self.report.check("processes left of the killed tasks", len(orphans), holds=not orphans)
        self.checks.rows()
        self.checks.requests()
        self.checks.tokens()
        self.checks.states({f"{each.slot}-hourly" for each in self.checks.accounts})
        self.report.figure("seconds (depends on the load of the machine)", round(seconds))
        for part, spent in after.items():
            per_attempt = (spent - cpu[part]) / sum(tries.values())
            self.report.figure(f"CPU seconds per attempt, {part}", f"{per_attempt:.1f}")

    def second_run(self) -> None:
        """Load what has changed, with both DAGs at the same time, after the tokens have expired."""
        self.report.title(
            f"Second run, a day later: {EDITED} leads edited and {NEW} new per account"
        )
        self.box.clock.advance(DAY + 60)
        for account in self.checks.accounts:
            account.journal.clear()
            account.edit(EDITED)
            account.insert(NEW)
        both = [account.slot for account in self.checks.accounts[::SHARE]]
        began = time.monotonic()
        self.airflow.trigger("leads_hourly", "second")
        self.airflow.trigger("leads_daily", "first", accounts=both)
        runs = {"leads_hourly": "second", "leads_daily": "first"}
        self._watch(runs, [])
        seconds = time.monotonic() - began
        hourly, daily = (self.airflow.tasks(dag, run) for dag, run in runs.items())
        self.checks.end("leads_hourly", hourly, len(self.checks.accounts))
        self.checks.end("leads_daily", daily, len(both))
        rows = [leads_sent(account) for account in self.checks.accounts]
        self.report.check(
            f"leads that the API sent per account, of {LEADS + NEW}",
            f"{min(rows)} to {max(rows)}",
            holds=min(rows) >= EDITED + NEW and max(rows) < LEADS / 2,
        )
        self.checks.rows()
        self.checks.requests()
        self.checks.tokens()
        states = {f"{each.slot}-hourly" for each in self.checks.accounts}
        self.checks.states(states | {f"{name}-daily" for name in both})
        hourly_only = [each for each in self.checks.accounts if each.slot not in both]
        alone = [len(lists_of(account)) for account in hourly_only]
        self.report.figure(
            "requests per account of the hourly DAG", f"{min(alone)} to {max(alone)}"
        )
        self.report.figure("seconds (depends on the load of the machine)", round(seconds))

    # -- while it runs ---------------------------------------------------------------------------

    def _watch(self, runs: dict[str, str], victims: list[Victim]) -> None:
        """Wait for runs of DAGs to end, and kill tasks meanwhile."""
        deadline = time.monotonic() + RUN_SECONDS
        waiting = list(victims)
        while time.monotonic() < deadline:
            if all(
                self.airflow.state(dag, run) in {"success", "failed"} for dag, run in runs.items()
            ):
                return
            (dag, run), *_ = runs.items()
            if waiting and self._kill(waiting[0], self.airflow.tasks(dag, run)):
                waiting.pop(0)
            time.sleep(POLL_SECONDS)

    def _kill(self, victim: Victim, tasks: list[dict[str, Any]]) -> bool:
        """Kill a task if one is in mid-run; return True if so."""
        accounts = self.box.accounts
        if Counter(each["state"] for each in tasks)["success"] < victim.after:
            return False
        for task in tasks:
            account = accounts.get(task["rendered_map_index"])
            if task["state"] != "running" or not task["pid"] or account is None:
                continue
            if len(lists_of(account)) < MID_RUN or task["try_number"] > 1:
                continue
            victim.account, victim.processes = task["rendered_map_index"], tree(task["pid"])
            for each in victim.processes if victim.everything else victim.processes[:1]:
                with suppress(ProcessLookupError):
                    os.kill(each.pid, signal.SIGKILL)
            deadline = time.monotonic() + ORPHAN_SECONDS
            while any(each.is_running for each in victim.processes) and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
            return True
        return False

    def _cpu(self) -> dict[str, float]:
        """Return the CPU time so far. The processes of the tasks descend from the scheduler."""
        api, scheduler, processor = self.airflow.pids
        return {
            "Meltano, tap, target and scheduler": cpu_seconds(scheduler),
            "API server and DAG processor": cpu_seconds(api, processor),
            "PostgreSQL": cpu_seconds(self.postgres.pid),
        }


def run(report: Report, accounts: int) -> None:
    """Run the part."""
    names = [f"customer-{number:02}" for number in range(1, accounts + 1)]
    for name in ("airflow", "postgres"):
        shutil.rmtree(project.WORK / name, ignore_errors=True)
    project.install()
    with (
        Postgres(project.WORK / "postgres") as postgres,
        Sandbox(leads=LEADS, seed=11, accounts=names) as box,
    ):
        box.kommo.options.rate_limit = LIMIT
        database = project.addresses(postgres)
        environment = project.settings(box, database)
        airflow = Airflow(
            project.WORK / "environments" / "airflow" / "bin" / "airflow",
            project.WORK / "airflow",
            project.PROJECT / "dags",
            f"postgresql+psycopg2{database['airflow']}",
            environment,
        )
        with airflow, PeakMemory(lambda: [*airflow.pids, postgres.pid]) as memory:
            airflow.ask("POST", "pools", name="kommo", slots=SLOTS)
            for dag in ("leads_hourly", "leads_daily"):
                airflow.wait_for_dag(dag)
            engine = Engine(
                box, postgres, airflow, report, Checks(box, postgres, environment, report, LIMIT)
            )
            engine.first_run()
            engine.second_run()
        report.figure("peak memory of Airflow, tasks and PostgreSQL, MiB", round(memory.mib))
