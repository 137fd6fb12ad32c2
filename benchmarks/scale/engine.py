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

import psycopg

from benchmarks.scale import project
from benchmarks.scale.airflow import Airflow
from benchmarks.scale.processes import PeakMemory, cpu_seconds, is_running, tree
from demo.postgres import Postgres
from sandbox import Sandbox
from sandbox.core.journal import most_per_second

if TYPE_CHECKING:
    from benchmarks.scale.report import Report
    from sandbox.core.wire import Request
    from sandbox.kommo.api import Kommo

LEADS, SLOTS, LIMIT = 100, 3, 7
EDITED, NEW = 3, 2
DAY = 86_400
SHARE = 4
"""One of so many accounts is read by both DAGs at the same time in the second run."""
MID_RUN = 4
"""List requests of an account after which its task may be killed."""
RUN_SECONDS, POLL_SECONDS, ORPHAN_SECONDS = 900, 1.0, 30


@dataclass
class Victim:
    """A task that is killed in mid-run."""

    after: int
    """The number of tasks that have succeeded before."""
    everything: bool
    """Kill Meltano, the tap and the target, too, as if the machine went down."""
    account: str = ""
    processes: list[int] = field(default_factory=list)


@dataclass
class Engine:
    """The parts of the run."""

    box: Sandbox
    postgres: Postgres
    environment: dict[str, str]
    airflow: Airflow
    report: Report

    def first_run(self) -> None:
        """Load everything, and kill two tasks."""
        self.report.title(
            f"First run: {len(self._accounts)} accounts, {SLOTS} at a time, two tasks killed"
        )
        victims = [
            Victim(1, everything=False),
            Victim(len(self._accounts) // 3, everything=True),
        ]
        began, cpu = time.monotonic(), self._cpu()
        self.airflow.trigger("leads_hourly", "first")
        self._watch({"leads_hourly": "first"}, victims)
        seconds, cpu = time.monotonic() - began, self._cpu() - cpu
        tasks = self.airflow.tasks("leads_hourly", "first")
        self._check_end("leads_hourly", "first")
        killed = {victim.account for victim in victims}
        tries = {each["rendered_map_index"]: each["try_number"] for each in tasks}
        again = {name for name, number in tries.items() if number > 1}
        check = self.report.check
        check(
            "the tasks that were retried are the killed ones",
            sorted(again),
            holds=again == killed and len(killed) == len(victims),
        )
        orphans = [pid for victim in victims for pid in victim.processes if is_running(pid)]
        check("processes left of the killed tasks", len(orphans), holds=not orphans)
        self._check_rows()
        self._check_requests()
        self._check_tokens()
        self._check_states({f"{each.slot}-hourly" for each in self._accounts})
        self.report.figure("seconds (depends on the load of the machine)", round(seconds))
        self.report.figure(
            "CPU seconds per task, with Airflow and PostgreSQL", f"{cpu / len(tasks):.1f}"
        )

    def second_run(self) -> None:
        """Load what has changed, with both DAGs at the same time, after the tokens have expired."""
        self.report.title(
            f"Second run, a day later: {EDITED} leads edited and {NEW} new per account"
        )
        self.box.clock.advance(DAY + 60)
        for account in self._accounts:
            account.journal.clear()
            account.edit(EDITED)
            account.insert(NEW)
        both = [account.slot for account in self._accounts[::SHARE]]
        began = time.monotonic()
        self.airflow.trigger("leads_hourly", "second")
        self.airflow.trigger("leads_daily", "first", accounts=both)
        self._watch({"leads_hourly": "second", "leads_daily": "first"}, [])
        seconds = time.monotonic() - began
        for dag, run in (("leads_hourly", "second"), ("leads_daily", "first")):
            self._check_end(dag, run)
        rows = [_leads_sent(account) for account in self._accounts]
        self.report.check(
            f"leads that the API sent per account, of {LEADS + NEW}",
            f"{min(rows)} to {max(rows)}",
            holds=min(rows) >= EDITED + NEW and max(rows) < LEADS / 2,
        )
        self._check_rows()
        self._check_requests()
        self._check_tokens()
        states = {f"{each.slot}-hourly" for each in self._accounts}
        self._check_states(states | {f"{name}-daily" for name in both})
        self.report.figure("seconds (depends on the load of the machine)", round(seconds))

    @property
    def _accounts(self) -> list[Kommo]:
        return list(self.box.accounts.values())

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
            if len(_lists(account)) < MID_RUN or task["try_number"] > 1:
                continue
            victim.account, victim.processes = task["rendered_map_index"], tree(task["pid"])
            for pid in victim.processes if victim.everything else victim.processes[:1]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            deadline = time.monotonic() + ORPHAN_SECONDS
            while any(map(is_running, victim.processes)) and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
            return True
        return False

    def _cpu(self) -> float:
        return cpu_seconds(*self.airflow.pids, self.postgres.pid)

    # -- what must hold --------------------------------------------------------------------------

    def _check_end(self, dag: str, run: str) -> None:
        tasks = self.airflow.tasks(dag, run)
        states = Counter(each["state"] for each in tasks)
        accounts = self._accounts[::SHARE] if dag == "leads_daily" else self._accounts
        self.report.check(
            f"tasks of {dag}", dict(states), holds=states == {"success": len(accounts)}
        )
        left = list((project.PROJECT / ".meltano" / "run" / "elt").glob("*"))
        self.report.check("folders left in .meltano/run/elt", len(left), holds=not left)

    def _check_rows(self) -> None:
        """Check that the database has every lead of every account once, as it is now."""
        with psycopg.connect(self.postgres.url.replace("/postgres?", "/leads?")) as connection:
            found = connection.execute(
                "select account, id, price, extract(epoch from updated_at)::bigint"
                " from leads.kommo_leads"
            ).fetchall()
        expected = {
            (name, lead["id"], lead["price"], lead["updated_at"])
            for name, account in self.box.accounts.items()
            for lead in account.rendered()
        }
        rows = {(name, lead_id, price, at) for name, lead_id, price, at in found}
        self.report.check(
            "rows of kommo_leads: every lead of every account once, as it is",
            f"{len(found):,} of {len(expected):,}",
            holds=len(found) == len(rows) and rows == expected,
        )

    def _check_requests(self) -> None:
        requests = [request for account in self._accounts for request in account.journal]
        refused = [request.status for request in requests if request.status in {403, 429}]
        self.report.check("requests refused", len(refused), holds=not refused)
        most = most_per_second(requests)
        self.report.check(
            f"most requests in a second, of {LIMIT} allowed", most, holds=most <= LIMIT
        )
        self.report.figure("requests", f"{len(requests):,}")

    def _check_tokens(self) -> None:
        """Check that each account has exchanged its tokens once, and that they still work."""
        exchanges = Counter(
            len([r for r in account.journal if r.method == "POST"]) for account in self._accounts
        )
        self.report.check(
            "token requests per account",
            dict(exchanges),
            holds=exchanges == {1: len(self._accounts)},
        )
        with psycopg.connect(self.postgres.url.replace("/postgres?", "/tokens?")) as connection:
            found = connection.execute(
                "select account, access_token, refresh_token from tap_leads_tokens"
            ).fetchall()
        stored = {account: (access, refresh) for account, access, refresh in found}
        good = [
            name
            for name, account in self.box.accounts.items()
            if name in stored and _is_good(account, *stored[name])
        ]
        self.report.check(
            "accounts whose tokens in the store are valid",
            len(good),
            holds=len(good) == len(self._accounts),
        )

    def _check_states(self, expected: set[str]) -> None:
        listed = project.meltano("state", "list", environment=self.environment).split()
        found = {word for word in listed if word.startswith("kommo-")}
        self.report.check("state IDs", len(found), holds=found == expected)


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
            engine = Engine(box, postgres, environment, airflow, report)
            engine.first_run()
            engine.second_run()
        report.figure("peak memory of Airflow, tasks and PostgreSQL, MiB", round(memory.mib))


def _lists(account: Kommo) -> list[Request]:
    return [request for request in account.journal if request.method == "GET"]


def _leads_sent(account: Kommo) -> int:
    sent = [
        r.rows
        for r in account.journal
        if r.path.rstrip("/") == "/api/v4/leads" and not _is_deleted(r)
    ]
    return sum(sent)


def _is_deleted(request: Request) -> bool:
    return "only_deleted" in request.query.get("with", [""])[0]


def _is_good(account: Kommo, access: str, refresh: str) -> bool:
    oauth = account.oauth
    grant = oauth.refreshes[refresh]
    now = account.clock.now()
    return oauth.expiries[access] > now and grant.expires > now and not grant.used
