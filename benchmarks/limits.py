"""What the tap keeps to: its memory, and the requests it may make in a second."""

from __future__ import annotations

import msgspec

from benchmarks.server import Serving
from benchmarks.speed import PAGE
from benchmarks.tools import TAP

LATENCY, BUDGET = 0.3, 6


class Memory(msgspec.Struct, frozen=True):
    """The most memory that the tap had while it read so many leads."""

    leads: int
    peak_mib: float
    seconds: float
    problem: str = ""


class Pace(msgspec.Struct, frozen=True):
    """The tap's requests as the server saw them."""

    pages: int
    latency: float
    budget: int
    requests: int
    per_second: float
    """Between the first request and the last."""
    most_in_a_second: int
    """In any one second."""
    fill: float
    """Leads in an answer, as a part of the largest page."""
    problem: str = ""


def memory(few: int, many: int) -> list[Memory]:
    """Read few leads and many."""
    return [_memory(leads) for leads in (few, many)]


def _memory(leads: int) -> Memory:
    with Serving(leads) as serving:
        serving.ask("watch", change=False)  # made now, they are not waited for by the tap
        run = TAP.run(serving)
        count = 0 if run.problem else len(run.ids())
    peak = run.taken.peak_kib / 1024
    print(f"  {count:,} leads: {peak:.1f} MiB in {run.taken.wall:.0f} s", flush=True)
    (run.job.folder / "stdout").unlink(missing_ok=True)  # it may be near a gigabyte
    return Memory(count, peak, run.taken.wall, run.problem)


def pace(pages: int) -> Pace:
    """Read so many pages from a slow server with a budget of requests."""
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
