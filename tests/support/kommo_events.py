"""Stage changes of leads: made in the sandbox, and compared with the rows of a table."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sandbox.kommo.leads import PIPELINES
from tests.support.moments import moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sandbox.kommo.api import Kommo

STAGES = [(pipeline, stage) for pipeline, stages in PIPELINES.items() for stage in stages]
Row = dict[str, Any]
Moves = dict[int, list[tuple[Any, ...]]]


def truth(api: Kommo) -> Moves:
    """Return the true moves of each lead, in order: when, from where, to where."""
    moves = {
        lead: [(moment(new.at), *old[1:], *new[1:]) for old, new in pairwise(past)]
        for lead, past in api.stage_history().items()
    }
    return {lead: sorted(each) for lead, each in moves.items() if each}


def moves_of(rows: Iterable[Mapping[str, Any]]) -> Moves:
    """Return the moves of each lead that the rows of a table have, in order."""
    names = ("changed_at", "from_pipeline_id", "from_status_id", "to_pipeline_id", "to_status_id")
    moves: Moves = defaultdict(list)
    for row in rows:
        moves[row["lead_id"]].append(tuple(row[name] for name in names))
    return {lead: sorted(each) for lead, each in moves.items()}


def move(api: Kommo, count: int, within: float, ago: float = 0.0) -> None:
    """Move leads from stage to stage, at random moments within a number of seconds."""
    rng, now, leads = api.rng, api.clock.now(), list(api.leads)
    for _ in range(count):
        pipeline, stage = rng.choice(STAGES)
        at = now - ago - int(rng.random() * within)
        api.edit([rng.choice(leads)], at=at, pipeline_id=pipeline, status_id=stage)


def in_order(rows: Sequence[Row], key: str) -> bool:
    """True if rows are in the order of a column."""
    return all(one[key] <= other[key] for one, other in pairwise(rows))
