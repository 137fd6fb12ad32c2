"""Processor time, waiting time and requests: what it takes to get every lead."""

from __future__ import annotations

from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from benchmarks.server import Serving
from benchmarks.tools import BARE, TAP, TOOLS, Run, Tool

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = 250
LATENCIES = (0.0, 0.05, 0.2)


class Speed(msgspec.Struct, frozen=True):
    """What one tool took, as medians over the rounds. Times are in seconds of the processor."""

    tool: str
    version: str
    leads: int = 0
    requests: int = 0
    start: float = 0.0
    """For one page, which is nearly all start-up."""
    cpu: float = 0.0
    """For all leads, start-up and all."""
    gross: float = 0.0
    """Leads in a second, start-up and all."""
    net: float = 0.0
    """Leads in a second, less what one page takes."""
    gross_ratio: float = 0.0
    """Time for a lead over that of the bare loop just before, start-up and all."""
    net_ratio: float = 0.0
    """The same, less what one page takes."""
    net_ratios: tuple[float, float] = (0.0, 0.0)
    """The least and the greatest of the rounds."""
    peak_mib: float = 0.0
    problem: str = ""


class Wait(msgspec.Struct, frozen=True):
    """How long a tool took by the clock on the wall."""

    tool: str
    latency: float
    seconds: float
    leads: int
    problem: str = ""


class _Round(msgspec.Struct, frozen=True):
    start: float
    cpu: float
    leads: int
    small: int

    @property
    def gross(self) -> float:
        """Time for a lead, start-up and all."""
        return self.cpu / self.leads

    @property
    def net(self) -> float:
        """Time for a lead, less what one page takes."""
        return (self.cpu - self.start) / (self.leads - self.small)


_Pair: TypeAlias = tuple[_Round, _Round]
"""A tool's round, and that of the bare loop just before."""


def processor_time(leads: int, rounds: int) -> tuple[list[Speed], int]:
    """Let every tool read everything, in turns.

    Each round runs every tool on one page and on everything. What it takes for a lead beyond the
    first page is the difference over the leads beyond the first page. The bare loop runs right
    before each of the others: on a machine that others use too, only what was measured at about
    the same time can be compared.

    Returns:
        What each took, and how many records of the tap and of the bare loop are equal.
    """
    pairs: dict[str, list[_Pair]] = defaultdict(list)
    last: dict[str, Run] = {}

    def measure(tool: Tool) -> _Round | None:
        small = tool.run(page)
        few = len(small.ids())  # read now: the next run has the same folder
        run = last[tool.name] = tool.run(everything)
        if run.problem or small.problem:
            return None
        return _Round(small.taken.cpu, run.taken.cpu, len(run.ids()), few)

    with Serving(PAGE, ties="stable") as page, Serving(leads, ties="stable") as everything:
        for serving in (page, everything):
            BARE.run(serving)  # the sandbox renders a lead once: nobody is to wait for that
        for number in range(rounds):
            for tool in _turned(TOOLS[1:], number):
                floor, one = measure(BARE), measure(tool)
                if floor is None or one is None:
                    continue
                pairs[BARE.name].append((floor, floor))
                pairs[tool.name].append((one, floor))
                times = f"{one.net / floor.net:.2f} times the {BARE.name}"
                print(f"  round {number + 1}: {tool.name} {times}", flush=True)
        same = _same(last[TAP.name], last[BARE.name])
    return [_speed(last[tool.name], pairs[tool.name]) for tool in TOOLS], same


def _turned(tools: Sequence[Tool], number: int) -> Sequence[Tool]:
    """Another one first in each round: whoever comes after a busy one is no better off."""
    return [*tools[number % len(tools) :], *tools[: number % len(tools)]]


def _speed(run: Run, pairs: list[_Pair]) -> Speed:
    name, version = run.tool.name, run.tool.version
    if not pairs:
        return Speed(name, version, problem=run.problem or "no round came through")
    rounds = [one for one, _ in pairs]
    ratios = [one.net / bare.net for one, bare in pairs]
    return Speed(
        name,
        version,
        leads=rounds[-1].leads,
        requests=run.journal["requests"],
        start=median(one.start for one in rounds),
        cpu=median(one.cpu for one in rounds),
        gross=median(1 / one.gross for one in rounds),
        net=median(1 / one.net for one in rounds),
        gross_ratio=median(one.gross / bare.gross for one, bare in pairs),
        net_ratio=median(ratios),
        net_ratios=(min(ratios), max(ratios)),
        peak_mib=run.taken.peak_kib / 1024,
    )


def _same(first: Run, second: Run) -> int:
    """How many records are equal in two runs that print Singer messages."""
    if first.problem or second.problem:
        return 0
    ours, theirs = (_records(run) for run in (first, second))
    return sum(theirs.get(lead_id) == record for lead_id, record in ours.items())


def _records(run: Run) -> dict[int, dict[str, object]]:
    with (run.job.folder / "stdout").open("rb") as lines:
        messages = map(msgspec.json.decode, lines)
        records = [message["record"] for message in messages if message["type"] == "RECORD"]
    return {record["id"]: record for record in records}


def waiting_time(leads: int, rounds: int) -> list[Wait]:
    """Let every tool read everything from a server that takes its time."""
    waits: list[Wait] = []
    with Serving(leads, ties="stable") as serving:
        BARE.run(serving)
        for latency in LATENCIES:
            serving.ask("options", latency=latency)
            runs: dict[str, list[Run]] = defaultdict(list)
            for number in range(rounds):
                for tool in _turned(TOOLS, number):
                    runs[tool.name].append(tool.run(serving))
            for tool in TOOLS:
                last = runs[tool.name][-1]
                seconds = median(run.taken.wall for run in runs[tool.name])
                print(f"  {latency * 1000:.0f} ms: {tool.name} {seconds:.1f} s", flush=True)
                count = 0 if last.problem else len(last.ids())
                waits.append(Wait(tool.name, latency, seconds, count, last.problem))
    return waits
