"""Format the results as tables for a terminal."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

import msgspec

from benchmarks.accounts import MOST_BYTES, MOST_CPU, Cost, is_linear, ratios
from benchmarks.losses import CASES, Loss
from benchmarks.speed import LATENCIES, Speed, Wait
from benchmarks.tools import BARE, TAP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.limits import Memory, Pace

MEMORY_GOAL, FLOOR_GOAL = 1.2, 2
# With fewer leads, memory still grows, because the read-ahead buffers are not full yet.
MEMORY_JUDGED_FROM = 20_000


class Results(msgspec.Struct):
    """All measurements; a part that was skipped is empty."""

    python: str = platform.python_version()
    processors: int = os.cpu_count() or 0
    rounds: int = 0
    speed: list[Speed] = []
    same_records: int = 0
    waits: list[Wait] = []
    losses: list[Loss] = []
    pace: Pace | None = None
    accounts: list[Cost] = []
    memory: list[Memory] = []


def report(results: Results) -> str:
    """Return the tables of all parts."""
    parts = [
        _speed(results) if results.speed else "",
        _waits(results.waits) if results.waits else "",
        _losses(results.losses) if results.losses else "",
        _pace(results.pace) if results.pace else "",
        _accounts(*results.accounts) if results.accounts else "",
        _memory(results.memory) if results.memory else "",
    ]
    failed = _failures(results)
    return "\n\n".join([part for part in parts if part] + failed)


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose first column is left-aligned and the others right-aligned."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        first, *others = cells
        padded = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        return "  ".join([first.ljust(widths[0]), *padded]).rstrip()

    return "\n".join([title, "", *(line(cells) for cells in (heads, *rows))])


def _speed(results: Results) -> str:
    heads = ("", "version", "leads", "requests", "start s", "total s", "leads/s", "net leads/s",
             "x bare loop", "net x", "net x range", "peak MiB")  # fmt: skip
    rows = [_speed_row(one) for one in results.speed]
    title = (
        f"Leads per CPU second, medians of {results.rounds} rounds. `start`: a run over one page. "
        "`net`: without `start`. `x`: time per lead divided by that of the preceding run of the "
        "bare loop."
    )
    text = table(title, heads, rows)
    tap = next((one for one in results.speed if one.tool == TAP.name and not one.problem), None)
    if tap is None:
        return text
    kept = "met" if tap.net_ratio <= FLOOR_GOAL else "NOT MET"
    return (
        f"{text}\n\n{results.same_records:,} of {tap.leads:,} records of {TAP.name} and the "
        f"{BARE.name} are equal. {TAP.name} takes {tap.net_ratio:.2f} times as long per lead as "
        f"the {BARE.name}; limit {FLOOR_GOAL}: {kept}."
    )


def _speed_row(one: Speed) -> list[str]:
    if one.problem:
        return [one.tool, one.version, *["failed"] * 10]
    low, high = one.net_ratios
    return [
        one.tool,
        one.version,
        f"{one.leads:,}",
        f"{one.requests:,}",
        f"{one.start:.2f}",
        f"{one.cpu:.2f}",
        f"{one.gross:,.0f}",
        f"{one.net:,.0f}",
        f"{one.gross_ratio:.1f}",
        f"{one.net_ratio:.1f}",
        f"{low:.1f} to {high:.1f}",
        f"{one.peak_mib:.0f}",
    ]


def _waits(waits: list[Wait]) -> str:
    tools = list(dict.fromkeys(wait.tool for wait in waits))
    cells = {(wait.tool, wait.latency): wait for wait in waits}
    rows = [[tool, *(_wait_cell(cells[tool, latency]) for latency in LATENCIES)] for tool in tools]
    leads = max(wait.leads for wait in waits)
    title = f"Wall-clock seconds for {leads:,} leads, by the server's response time"
    return table(title, ("", *(f"{latency * 1000:.0f} ms" for latency in LATENCIES)), rows)


def _wait_cell(wait: Wait) -> str:
    return "failed" if wait.problem else f"{wait.seconds:.1f}"


def _losses(losses: list[Loss]) -> str:
    tools = list(dict.fromkeys(loss.tool for loss in losses))
    cells = {(loss.tool, loss.case): loss for loss in losses}
    rows = [
        [tool, *(loss_cell(cells[tool, case]) for case in CASES), _token(cells[tool, "foreign"])]
        for tool in tools
    ]
    untouched = [f"{case}: {cells[tools[0], case].untouched:,}" for case in CASES]
    lines = [f"  {case}: {what}" for case, what in CASES.items()]
    title = "\n".join([f"Leads lost, of those not modified ({', '.join(untouched)})", *lines])
    return table(title, ("", *CASES, "token leaked"), rows)


def loss_cell(loss: Loss) -> str:
    """Return the number of lost leads, and whether the tool failed."""
    return f"{loss.lost:,}" + (" failed" if loss.problem else "")


def _token(loss: Loss) -> str:
    return "yes" if loss.token_left else "no"


def _pace(pace: Pace) -> str:
    title = (
        f"{TAP.name} over {pace.pages} pages, {pace.latency * 1000:.0f} ms per response, "
        f"rate limit {pace.budget} requests per second"
    )
    rows = [
        ["requests", f"{pace.requests:,}"],
        ["requests per second", f"{pace.per_second:.2f}"],
        ["most in any one second", str(pace.most_in_a_second)],
        ["page fill", f"{pace.fill:.1%}"],
    ]
    return table(title, ("", "measured"), rows)


def _accounts(few: Cost, many: Cost) -> str:
    rows = [
        [f"{one.accounts} accounts", f"{one.cpu:.2f}", f"{one.state_bytes:,}", f"{one.states}"]
        for one in (few, many)
    ]
    text = table(
        f"Accounts of {TAP.name} in one process", ("", "CPU s", "STATE bytes", "STATEs"), rows
    )
    time, size = ratios(few, many)
    kept = "met" if is_linear(few, many) else "NOT MET"
    limits = f"limits {MOST_CPU:g} and {MOST_BYTES:g}: {kept}."
    return f"{text}\n\nRatios {time:.2f} and {size:.2f}; {limits}"


def _memory(memory: list[Memory]) -> str:
    few, many = memory
    ratio = many.peak_mib / few.peak_mib
    if few.leads < MEMORY_JUDGED_FROM:
        kept = f"not judged below {MEMORY_JUDGED_FROM:,} leads"
    else:
        kept = "met" if ratio <= MEMORY_GOAL else "NOT MET"
    rows = [[f"{one.leads:,} leads", f"{one.peak_mib:.1f}", f"{one.seconds:.0f}"] for one in memory]
    text = table(f"Memory of {TAP.name}", ("", "peak MiB", "seconds"), rows)
    return f"{text}\n\nRatio {ratio:.2f}; limit {MEMORY_GOAL}: {kept}."


def _failures(results: Results) -> list[str]:
    """Return the error messages of the tools that failed, without duplicates."""
    every: list[Speed | Wait | Loss] = [*results.speed, *results.waits, *results.losses]
    told = dict.fromkeys(f"  {one.tool}: {one.problem}" for one in every if one.problem)
    return ["\n".join(["Failures", *told])] if told else []
