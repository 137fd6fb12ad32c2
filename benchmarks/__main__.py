"""Measure, print tables, and write `results.json` and `results.png`: `make bench`.

The exit code is 1 if the cost of many accounts is not linear.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import msgspec

from benchmarks import accounts, environments, limits, losses, speed
from benchmarks.report import Results, report
from benchmarks.tools import ROOT, TOOLS

HERE = Path(__file__).parent
PARTS = ("speed", "waits", "losses", "pace", "accounts", "memory")


class Sizes(msgspec.Struct, frozen=True):
    """The number of leads, or pages, that each part reads."""

    rounds: int = 5
    speed: int = 20_000
    waits: int = 3_000
    losses: int = 5_000
    pages: int = 100
    few: int = 20_000
    many: int = 500_000
    accounts: tuple[int, int] = (accounts.FEW, accounts.MANY)


QUICK = Sizes(
    rounds=1,
    speed=2_000,
    waits=500,
    losses=1_500,
    pages=12,
    few=2_000,
    many=8_000,
    accounts=(10, 40),
)


def main() -> None:
    """Run the parts that the command line selects."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, help="rounds of CPU time (5; 1 with --quick)")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="run only these")
    parser.add_argument("--no-memory", action="store_true", help="skip the 500,000 leads")
    parser.add_argument(
        "--quick", action="store_true", help="check that everything works; results go to .bench/"
    )
    arguments = parser.parse_args()
    for tool in TOOLS:
        environments.problem(tool.environment)  # installed before anything is measured
    parts = [part for part in arguments.parts if part != "memory" or not arguments.no_memory]
    sizes = QUICK if arguments.quick else Sizes()
    results = measure(parts, sizes, arguments.rounds or sizes.rounds)
    print("\n" + report(results))
    # README.md shows the results of a complete run.
    whole = not arguments.quick and len(parts) >= len(PARTS) - 1
    write(results, HERE if whole else ROOT / ".bench")
    sys.exit(bool(results.accounts) and not accounts.is_linear(*results.accounts))


def measure(parts: list[str], sizes: Sizes, rounds: int) -> Results:
    """Run the parts one after the other, so that they do not compete for the CPU."""
    results = Results(rounds=rounds)
    if "speed" in parts:
        print(f"CPU time, {sizes.speed:,} leads", flush=True)
        results.speed, results.same_records = speed.processor_time(sizes.speed, rounds)
    if "waits" in parts:
        print(f"Wall-clock time, {sizes.waits:,} leads", flush=True)
        results.waits = speed.waiting_time(sizes.waits, max(1, rounds // 2 + rounds % 2))
    if "losses" in parts:
        print(f"Losses, {sizes.losses:,} leads", flush=True)
        results.losses = losses.losses(sizes.losses)
    if "pace" in parts:
        print(f"Request rate, {sizes.pages} pages", flush=True)
        results.pace = limits.pace(sizes.pages)
    if "accounts" in parts:
        print(f"Accounts, {sizes.accounts[0]} and {sizes.accounts[1]}", flush=True)
        results.accounts = [accounts.cost(number, min(rounds, 2)) for number in sizes.accounts]
    if "memory" in parts:
        print(f"Memory, {sizes.few:,} and {sizes.many:,} leads", flush=True)
        results.memory = limits.memory(sizes.few, sizes.many)
    return results


def write(results: Results, folder: Path) -> None:
    """Write the results and a chart of them."""
    file, picture = folder / "results.json", folder / "results.png"
    file.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
    print(f"\n{file.relative_to(ROOT)}")
    if problem := environments.problem("matplotlib"):
        print(f"no chart: matplotlib {problem}")
    elif results.speed and results.waits and results.losses:
        python = environments.program("matplotlib", "python")
        subprocess.run([python, HERE / "chart.py", file, picture], check=True)
        print(picture.relative_to(ROOT))


if __name__ == "__main__":
    main()
