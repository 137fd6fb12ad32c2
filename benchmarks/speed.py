"""Measure CPU time, wall-clock time and requests of a run over all leads."""

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
    """The cost of one tool, as medians of the rounds. Times are in CPU seconds."""

    tool: str
    version: str
    leads: int = 0
    requests: int = 0
    start: float = 0.0
    """Time for one page, which is almost entirely start-up."""
    cpu: float = 0.0
    """Time for all leads, including start-up."""
    gross: float = 0.0
    """Leads per second, including start-up."""
    net: float = 0.0
    """Leads per second, without the first page."""
    gross_ratio: float = 0.0
    """Time per lead, divided by that of the preceding run of the bare loop; with start-up."""
    net_ratio: float = 0.0
    """The same without the first page."""
    net_ratios: tuple[float, float] = (0.0, 0.0)
    """The lowest and highest net ratio of the rounds."""
    peak_mib: float = 0.0
    problem: str = ""


class Wait(msgspec.Struct, frozen=True):
    """The wall-clock time of one tool."""

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
        """Return the time per lead, including start-up."""
        return self.cpu / self.leads

    @property
    def net(self) -> float:
        """Return the time per lead, without the first page."""
        return (self.cpu - self.start) / (self.leads - self.small)


_Pair: TypeAlias = tuple[_Round, _Round]
"""A round of a tool, and the preceding round of the bare loop."""


def processor_time(leads: int, rounds: int) -> tuple[list[Speed], int]:
    """Measure the CPU time of every tool, in turns.

    Each round runs every tool on one page and on all leads; the difference is the cost of the leads
    after the first page. The bare loop runs right before each of the other tools, because on a busy
    machine only measurements taken at about the same time are comparable.

    Returns:
        The cost of each tool, and how many records of the tap and of the bare loop are equal.
    """
    pairs: dict[str, list[_Pair]] = defaultdict(list)
    last: dict[str, Run] = {}

    def measure(tool: Tool) -> _Round | None:
        small = tool.run(page)
        few = len(small.ids())  # read now: the next run uses the same folder
        run = last[tool.name] = tool.run(everything)
        if run.problem or small.problem:
            return None
        return _Round(small.taken.cpu, run.taken.cpu, len(run.ids()), few)

    with Serving(PAGE, ties="stable") as page, Serving(leads, ties="stable") as everything:
        for serving in (page, everything):
            BARE.run(serving)  # makes the sandbox render and cache each lead
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
    """Return the tools with a different one first in each round, so that none has an advantage."""
    return [*tools[number % len(tools) :], *tools[: number % len(tools)]]


def _speed(run: Run, pairs: list[_Pair]) -> Speed:
    name, version = run.tool.name, run.tool.version
    if not pairs:
        return Speed(name, version, problem=run.problem or "no round succeeded")
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
    """Return how many records are equal in two runs that print Singer messages."""
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
    """Measure the wall-clock time of every tool with a slow server."""
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
