"""Part 2: the tap alone reads 200 accounts in one process."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from benchmarks.accounts import EVERY_STREAM, accounts_of, state_lines
from benchmarks.server import Serving
from benchmarks.tools import TAP

if TYPE_CHECKING:
    from benchmarks.scale.report import Report
    from benchmarks.tools import Run

LEADS, LIMIT, PER_SECOND = 30, 7, 6
MOST_STATE_BYTES, MOST_MIB = 3_000, 200
"""Limits: bytes of the last STATE per account, and memory of the process."""


def run(report: Report, accounts: int) -> None:
    """Run the part."""
    report.title(f"The tap alone: {accounts} accounts in one process")
    with Serving(LEADS) as serving:
        serving.ask("options", rate_limit=LIMIT)
        leads = TAP.run(serving, accounts=accounts_of(accounts), requests_per_second=PER_SECOND)
        _check_end(report, leads, "leads")
        most = leads.journal["most_in_a_second"]
        report.check(f"most requests in a second, of {LIMIT} allowed", most, holds=most <= LIMIT)
        statuses = leads.journal["statuses"]
        report.check("requests by status", statuses, holds=set(statuses) == {"200"})
        report.figure("requests per second", f"{_rate(leads):.2f}")
        serving.ask("options", rate_limit=None)
        whole = EVERY_STREAM.run(serving, accounts=accounts_of(accounts))
        _check_end(report, whole, "the default streams, without a rate limit")
    last = len(state_lines(whole)[-1]) / accounts
    report.check("bytes of the last STATE per account", round(last), holds=last < MOST_STATE_BYTES)
    total = sum(map(len, state_lines(whole)))
    report.figure("bytes of all STATE messages per account", f"{total / accounts:,.0f}")
    report.figure("STATE messages", len(state_lines(whole)))
    report.figure("CPU seconds per account", f"{whole.taken.cpu / accounts:.3f}")
    mib = whole.taken.peak_kib / 1024
    report.check("memory of the process, MiB", round(mib), holds=mib < MOST_MIB)


def _check_end(report: Report, run: Run, what: str) -> None:
    report.check(what, run.problem or f"{run.journal['rows']:,} rows", holds=not run.problem)
    if run.problem:
        sys.exit(run.problem)


def _rate(run: Run) -> float:
    return float((run.journal["requests"] - 1) / run.journal["seconds"])
