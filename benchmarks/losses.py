"""Leads that are there, that nobody touches, and that are missing after a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from benchmarks.server import DELETES, EDITS, INSERTS, Serving
from benchmarks.tools import BARE_BY_ID, TOOLS

if TYPE_CHECKING:
    from benchmarks.tools import Tool

TIED = 1_200
CAP = 100
CASES = {
    "changes": f"{EDITS} leads edited, {INSERTS} new and {DELETES} deleted after each page",
    "ties": f"{TIED:,} leads changed in one moment, in another order at each request",
    "cap": f"pages of {CAP} where {250} were asked for",
    "foreign": "next links to another host, which says that there are no more leads",
}


class Loss(msgspec.Struct, frozen=True):
    """What became of the leads in one case."""

    case: str
    tool: str
    untouched: int
    """The leads that were there from the beginning to the end, as they were."""
    lost: int
    """Those of them that did not come."""
    problem: str = ""
    """What the tool said at its end if it failed: a loss that is told."""
    token_left: bool = False
    """Whether the other host got the token."""


def losses(leads: int) -> list[Loss]:
    """Every tool in every case, each with a sandbox of its own: it changes while it is read."""
    return [_loss(case, tool, leads) for case in CASES for tool in (*TOOLS, BARE_BY_ID)]


def _loss(case: str, tool: Tool, leads: int) -> Loss:
    # Each case has one trouble: leads of one moment, of which the sandbox has some anyway, change
    # their order in their own case alone.
    options: dict[str, object] = {"ties": "shuffled" if case == "ties" else "stable"}
    if case == "cap":
        options["page_cap"] = CAP
    with Serving(leads, tied=TIED if case == "ties" else 0, **options) as serving:
        serving.ask("watch", change=case == "changes")
        if case == "foreign":
            serving.ask("foreign")
        run = tool.run(serving)
        untouched = set(serving.ask("untouched"))
        heard = serving.ask("heard")
    lost = len(untouched - run.ids()) if run.journal else 0
    print(f"  {case}: {tool.name} lost {lost:,} {run.problem[:120]}", flush=True)
    return Loss(case, tool.name, len(untouched), lost, run.problem, heard["with_token"] > 0)
