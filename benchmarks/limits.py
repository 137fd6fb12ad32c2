"""Measure the tap against its limits: peak memory, and requests per second."""

from __future__ import annotations

import msgspec

from benchmarks.server import Serving
from benchmarks.speed import PAGE
from benchmarks.tools import TAP

LATENCY, BUDGET = 0.3, 6


class Memory(msgspec.Struct, frozen=True):
    """The tap's peak memory while it reads a number of leads."""

    leads: int
    peak_mib: float
    seconds: float
    problem: str = ""


class Pace(msgspec.Struct, frozen=True):
    """The tap's requests, as the server received them."""

    pages: int
    latency: float
    budget: int
    requests: int
    per_second: float
    """The average from the first request to the last."""
    most_in_a_second: int
    """The maximum in any one second."""
    fill: float
    """Leads per response, as a fraction of a full page."""
    problem: str = ""


def memory(few: int, many: int) -> list[Memory]:
    """Return the memory for few leads and for many."""
    return [_memory(leads) for leads in (few, many)]


def _memory(leads: int) -> Memory:
    with Serving(leads) as serving:
        serving.ask("watch", change=False)  # creates the leads now, so that the tap need not wait
        run = TAP.run(serving)
        count = 0 if run.problem else len(run.ids())
    peak = run.taken.peak_kib / 1024
    print(f"  {count:,} leads: {peak:.1f} MiB in {run.taken.wall:.0f} s", flush=True)
    (run.job.folder / "stdout").unlink(missing_ok=True)  # it may be almost a gigabyte
    return Memory(count, peak, run.taken.wall, run.problem)


def pace(pages: int) -> Pace:
    """Return the request rate for a number of pages of a slow server, with a rate limit."""
    with Serving(pages * PAGE, latency=LATENCY) as serving:
        serving.ask("watch", change=False)
        run = TAP.run(serving, requests_per_second=BUDGET)
    seen = run.journal
    requests = seen["requests"]
    return Pace(
        pages=pages,
        latency=LATENCY,
        budget=BUDGET,
        requests=requests,
        per_second=(requests - 1) / seen["seconds"],
        most_in_a_second=seen["most_in_a_second"],
        fill=seen["rows"] / (requests * PAGE),
        problem=run.problem,
    )
