"""Count the calls of the tap's functions: per page, and per additional record.

`python -m benchmarks.calls` runs the tap in this process under `sys.setprofile`, against a Kommo
sandbox whose leads are a minute apart, and prints a table. A page is everything from one request to
the next, in the thread that sends them. The calls per record are the difference between two runs
with the same number of pages, one with twice as many records per page. Converting values is not
counted: functions in the files of `--conversion`, and everything that they call. Resuming a
generator counts as a call, a comprehension does not. The exit code is 0 if the limits are met.
"""

from __future__ import annotations

import argparse
import dis
import inspect
import logging
import os
import re
import sys
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from statistics import median_low
from typing import TYPE_CHECKING, Any

import tap_leads
from sandbox import Sandbox
from tap_leads.tap import TapLeads

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType

OURS = str(Path(tap_leads.__file__).parent) + "/"
CONVERSION = ("records/convert.py", "timestamps.py", "columns.py:(?!Table)", "records/columns.py")
"""Code that converts values: files below `tap_leads/`, with a pattern of function names if only
some functions of a file do."""
OUTPUT = ("records/", "columns.py", "writer.py", "singer/writer.py")
"""Code that processes a page after replication has returned it."""
PAGE, MOST_FUNCTIONS, MOST_CALLS = 50, 20, 10
START = 1_770_000_000.0
_NOT_CALLS = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>", "<module>"})


@dataclass
class Thread:
    """The calls of one thread."""

    stack: list[tuple[CodeType, bool]] = field(default_factory=list)
    """The tap's functions that are running; True for conversion, and for what it calls."""
    since_request: list[CodeType] = field(default_factory=list)
    pages: list[list[CodeType]] = field(default_factory=list)
    """The calls between consecutive requests of this thread."""


@dataclass
class Trace:
    """The calls of one run."""

    conversion: tuple[str, ...]
    plumbing: Counter[CodeType] = field(default_factory=Counter)
    converting: Counter[CodeType] = field(default_factory=Counter)
    resumed: int = 0
    threads: dict[int, Thread] = field(default_factory=dict)
    _is_conversion: dict[CodeType, bool] = field(default_factory=dict)

    def __call__(self, frame: FrameType, event: str, _arg: object) -> None:
        """Record an event; the profiler calls this."""
        if event not in {"call", "return"}:
            return
        code = frame.f_code
        thread = self.threads.setdefault(threading.get_ident(), Thread())
        if not code.co_filename.startswith(OURS):
            if event == "call" and _is_request(code):
                thread.pages.append(thread.since_request)
                thread.since_request = []
            return
        if code.co_name in _NOT_CALLS:
            return
        if event == "return":
            if thread.stack and thread.stack[-1][0] is code:
                thread.stack.pop()
            return
        converts = self._converts(code) or bool(thread.stack and thread.stack[-1][1])
        thread.stack.append((code, converts))
        if _is_resumed(frame):
            self.resumed += not converts
            return
        thread.since_request.append(code)
        (self.converting if converts else self.plumbing)[code] += 1

    def _converts(self, code: CodeType) -> bool:
        if code not in self._is_conversion:
            self._is_conversion[code] = is_in(code, self.conversion)
        return self._is_conversion[code]


def is_in(code: CodeType, places: tuple[str, ...]) -> bool:
    """Return True if a function is in one of these files or folders below `tap_leads/`."""
    path = code.co_filename.removeprefix(OURS)
    for place in places:
        where, _, names = place.partition(":")
        is_there = path.startswith(where) if where.endswith("/") else path == where
        if is_there and re.match(names, code.co_qualname):
            return True
    return False


def _is_request(code: CodeType) -> bool:
    """Return True if `code` is the function of `requests` that sends a request."""
    return code.co_name == "send" and code.co_filename.endswith("requests/adapters.py")


def _is_resumed(frame: FrameType) -> bool:
    """Return True if a generator is resumed rather than started."""
    code = frame.f_code
    return bool(code.co_flags & inspect.CO_GENERATOR) and frame.f_lasti > _begin_of(code)


@cache
def _begin_of(code: CodeType) -> int:
    """Return the offset at which the code of a generator starts."""
    return next(each.offset for each in dis.get_instructions(code) if each.opname == "RESUME")


@contextmanager
def silence() -> Iterator[None]:
    """Discard standard output."""
    sys.stdout.flush()
    kept = os.dup(1)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def run(pages: int, size: int, conversion: tuple[str, ...]) -> Trace:
    """Trace a run over `pages` pages of `size` leads."""
    with Sandbox(leads=0, start=START) as box:
        api = box.kommo
        api.options.rate_limit, api.options.page_cap = None, size
        for minutes in range(pages * size, 0, -1):
            api.insert(1, at=START - 60 * minutes)
        tap = TapLeads(
            config={
                "kommo": {
                    "subdomain": "acme",
                    "access_token": api.token,
                    "api_url": api.url,
                    "requests_per_second": 10_000,
                },
                "concurrency": 1,
            },
            catalog=_only("kommo_leads"),
        )
        trace = Trace(conversion)
        with silence():
            threading.setprofile(trace)
            sys.setprofile(trace)
            try:
                tap.sync_all()
            finally:
                sys.setprofile(None)
                threading.setprofile(None)
    return trace


def _only(stream: str) -> dict[str, Any]:
    """Return a catalog that selects one stream."""
    selected = [{"breadcrumb": [], "metadata": {"selected": True}}]
    entry = {"stream": stream, "schema": {"properties": {}}, "metadata": selected}
    return {"streams": [{"tap_stream_id": stream, **entry}]}


def functions_of_a_page(trace: Trace, output: tuple[str, ...]) -> list[CodeType]:
    """Return the functions called for a typical page, neither the first nor the last.

    Functions in the files of `output` are left out, even if the same thread calls them.
    """
    pages = max((thread.pages for thread in trace.threads.values()), key=len)[2:]
    found = [list(dict.fromkeys(c for c in page if not is_in(c, output))) for page in pages]
    middle = median_low([len(page) for page in found])
    return next(page for page in found if len(page) == middle)


def table(rows: list[tuple[str, float, str]]) -> str:
    """Return figures as aligned columns."""
    width = max(len(row[0]) for row in rows)
    return "\n".join(f"{name:<{width}}  {value:>7.1f}  {limit}" for name, value, limit in rows)


def place_of(code: CodeType) -> str:
    """Return the file and name of a function."""
    return f"{code.co_filename.removeprefix(OURS)}:{code.co_qualname}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calls", description=__doc__)
    parser.add_argument("--pages", type=int, default=20, help="pages per run (20)")
    parser.add_argument("--conversion", nargs="+", default=CONVERSION, metavar="FILE[:PATTERN]")
    parser.add_argument("--output", nargs="+", default=OUTPUT, metavar="FILE[:PATTERN]")
    parser.add_argument("--list", action="store_true", help="also list functions and calls")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    conversion, output = tuple(arguments.conversion), tuple(arguments.output)
    one = run(arguments.pages, PAGE, conversion)
    two = run(arguments.pages, 2 * PAGE, conversion)
    records = arguments.pages * PAGE
    page = functions_of_a_page(one, (*output, *conversion))
    more = {code: (two.plumbing[code] - one.plumbing[code]) / records for code in two.plumbing}
    converting = (two.converting.total() - one.converting.total()) / records
    resumed = (two.resumed - one.resumed) / records
    calls = sum(more.values()) + resumed
    files = {code.co_filename for code in page}
    print(
        table(
            [
                ("functions per page", len(page), f"at most {MOST_FUNCTIONS}"),
                ("  number of their files", len(files), ""),
                ("plumbing calls per additional record", calls, f"at most {MOST_CALLS}"),
                ("  of which resumed generators", resumed, ""),
                ("calls that convert its values", converting, ""),
            ]
        )
    )
    if arguments.list:
        print("\nper page")
        print("\n".join(f"  {place_of(code)}" for code in page))
        print("\nper additional record")
        frequent = sorted(more.items(), key=lambda pair: -pair[1])
        print("\n".join(f"  {n:5.2f}  {place_of(code)}" for code, n in frequent if n >= 0.005))  # noqa: PLR2004
    sys.exit(len(page) > MOST_FUNCTIONS or calls > MOST_CALLS)


if __name__ == "__main__":
    main()
