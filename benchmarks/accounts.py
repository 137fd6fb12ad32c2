"""Measure the cost of many accounts of one source, and their combined request rate.

`python -m benchmarks.accounts` runs the tap against a Kommo sandbox in another process. For CPU
time and bytes of STATE it syncs the default streams of 75 and 300 accounts with 30 leads each; for
the rate, the leads of 10 accounts with slow responses. The exit code is 0 if the limits are met.
"""

from __future__ import annotations

import sys

import msgspec

from benchmarks.server import Serving
from benchmarks.tools import TAP, Job, Run, Tool

LEADS, ROUNDS = 30, 2
FEW, MANY = 75, 300
MOST_BYTES, MOST_CPU = 6.0, 5.0
"""Limits of the ratio for four times as many accounts: bytes of STATE, and CPU time."""
ACCOUNTS, PAGES, PER_SECOND, LATENCY, LEAST_USED = 10, 12, 6, 0.2, 5.4
"""Accounts that share a rate limit, pages of each, the limit, seconds per response, and the
requests per second that must be reached."""


class Cost(msgspec.Struct, frozen=True):
    """The cost of a run over a number of accounts."""

    accounts: int
    cpu: float
    """CPU seconds, including start-up."""
    state_bytes: int
    states: int


class Rate(msgspec.Struct, frozen=True):
    """The combined requests of several accounts, as the server received them."""

    requests: int
    most_in_a_second: int
    per_second: float
    """The average from the first request to the last."""


def _every_stream(job: Job) -> list[str]:
    """Return the command that syncs the default streams."""
    kommo = {"subdomain": "bench", "api_url": job.url, "access_token": job.token, **job.settings}
    config = job.write("config.json", {"kommo": {"requests_per_second": 10_000, **kommo}})
    return [sys.executable, "-m", "tap_leads", "--config", config]


EVERY_STREAM = Tool("tap-leads, every stream", None, _every_stream, lambda _job: iter(()))


def accounts_of(number: int) -> list[dict[str, str]]:
    """Return the setting `accounts` with a number of accounts."""
    return [{"name": f"account_{each:03}"} for each in range(number)]


def state_lines(run: Run) -> list[bytes]:
    """Return the STATE messages of a run; the tool's next run deletes them."""
    output = (run.job.folder / "stdout").read_bytes()
    return [line for line in output.splitlines() if line.startswith(b'{"type":"STATE"')]


def cost(accounts: int, rounds: int = ROUNDS) -> Cost:
    """Return the cost of a number of accounts, with the lowest CPU time of several rounds."""
    least = float("inf")
    lines: list[bytes] = []
    with Serving(LEADS) as serving:
        for _ in range(rounds):
            run = EVERY_STREAM.run(serving, accounts=accounts_of(accounts))
            if run.problem:
                sys.exit(run.problem)
            least = min(least, run.taken.cpu)
            lines = state_lines(run)
    return Cost(accounts, least, sum(map(len, lines)), len(lines))


def rate() -> Rate:
    """Return the request rate of ten accounts of a slow API."""
    with Serving(PAGES * 50, latency=LATENCY, page_cap=50) as serving:
        run = TAP.run(serving, accounts=accounts_of(ACCOUNTS), requests_per_second=PER_SECOND)
        if run.problem:
            sys.exit(run.problem)
        seen = run.journal
    return Rate(
        seen["requests"], seen["most_in_a_second"], (seen["requests"] - 1) / seen["seconds"]
    )


def ratios(few: Cost, many: Cost) -> tuple[float, float]:
    """Return how many times as much many accounts cost as few: CPU time, and bytes of STATE."""
    return many.cpu / few.cpu, many.state_bytes / few.state_bytes


def is_linear(few: Cost, many: Cost) -> bool:
    """Return True if the cost grows no faster than the number of accounts, within the limits."""
    time, size = ratios(few, many)
    return time < MOST_CPU and size < MOST_BYTES


def main() -> None:
    """Measure, print, and compare with the limits."""
    few, many, shared = cost(FEW), cost(MANY), rate()
    time, size = ratios(few, many)
    print(f"{'accounts':>8}  {'CPU s':>7}  {'STATE bytes':>12}  {'STATEs':>7}")
    for each in (few, many):
        print(f"{each.accounts:>8}  {each.cpu:>7.2f}  {each.state_bytes:>12,}  {each.states:>7}")
    print(f"{'ratio':>8}  {time:>7.2f}  {size:>12.2f}")
    print(
        f"{ACCOUNTS} accounts, {LATENCY} s per response, {PER_SECOND} requests/s allowed: "
        f"{shared.requests} requests, at most {shared.most_in_a_second} in one second, "
        f"{shared.per_second:.2f}/s on average"
    )
    kept = (
        is_linear(few, many)
        and shared.most_in_a_second <= PER_SECOND
        and shared.per_second >= LEAST_USED
    )
    print("limits met" if kept else "LIMITS NOT MET")
    sys.exit(not kept)


if __name__ == "__main__":
    main()
