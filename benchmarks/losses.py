"""Count lost leads: those that exist throughout a run, unmodified, and are missing afterwards."""

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
    "changes": f"{EDITS} leads edited, {INSERTS} added and {DELETES} deleted after each page",
    "ties": f"{TIED:,} leads with the same timestamp, in a different order in each response",
    "cap": f"pages of {CAP} although {250} were requested",
    "foreign": "next links to another host, which returns no leads",
}


class Loss(msgspec.Struct, frozen=True):
    """The leads that one tool lost in one case."""

    case: str
    tool: str
    untouched: int
    """The number of leads that existed throughout the run, unmodified."""
    lost: int
    """How many of them are missing from the output."""
    problem: str = ""
    """The error message if the tool failed: the loss is then reported."""
    token_left: bool = False
    """True if the other host received the token."""


def losses(leads: int) -> list[Loss]:
    """Return the losses of every tool in every case, each in a new sandbox."""
    return [_loss(case, tool, leads) for case in CASES for tool in (*TOOLS, BARE_BY_ID)]


def _loss(case: str, tool: Tool, leads: int) -> Loss:
    # Each case has one difficulty. The sandbox always has some ties, but only the case for them
    # changes their order.
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
