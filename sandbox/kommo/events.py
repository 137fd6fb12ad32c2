"""Kommo's events of leads and other entities, derived from the actual changes."""
# ruff: noqa: PLR2004 - shares and sizes of generated data

from __future__ import annotations

import random
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from sandbox.core.store import Collection
from sandbox.kommo.event_types import TYPES, Change, differences, stage_value
from sandbox.kommo.leads import ACCOUNT_ID, PIPELINES
from sandbox.kommo.talks import MESSAGES, message_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sandbox.core.store import Lead
    from sandbox.kommo.options import KommoOptions

INTEGRATION = "6f1d3c2e-0000-4000-8000-000000000000"
"""The ID of the integration that caused the events of user 0."""
ENTITIES = {
    "contacts": "contact",
    "companies": "company",
    "tasks": "task",
    "customers": "customer",
    "catalogs/{catalog_id}/elements": "catalog_{catalog_id}",
    MESSAGES: "message",
}
"""The entity types of tables whose changes are events."""
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


class Stage(NamedTuple):
    """A stage of a lead, and when the lead entered it."""

    at: int
    pipeline_id: int
    status_id: int


class Happening(NamedTuple):
    """A change of a row."""

    entity: str
    """`lead`, `contact`, `company`, `task`, `customer`, `message`, or `catalog_<id>`."""
    what: str
    at: float
    before: Lead | None
    after: Lead | None
    visible_at: float | None = None
    """When the list of events shows it; `None` is at once."""
    merged: tuple[int, ...] = ()


class History:
    """The changes so far, as events and as the stages of leads.

    Events are generated on first use. The initial leads get a history that ends in their initial
    state.

    Args:
        seed: The same seed generates the same history.
        options: Set how events are listed.
        leads: Returns all leads, including deleted ones.
    """

    def __init__(
        self, seed: int, options: KommoOptions, leads: Callable[[], Iterable[Lead]]
    ) -> None:
        self._options = options
        self._seed = seed
        self._leads = leads
        self._rng = random.Random(f"{seed} events")
        self._happened: list[Happening] = []
        self._processed = 0
        self._events: Collection | None = None
        self._began: dict[int, Lead] | None = None
        self._last: tuple[int, int] = (0, 0)

    def record(self, happening: Happening) -> None:
        """Add a change."""
        self._happened.append(happening)

    def stages(self) -> dict[int, list[Stage]]:
        """Return the stages of every lead that ever existed, in order."""
        found = {lead_id: self._past(lead) for lead_id, lead in self._beginning().items()}
        for entity, what, at, _, after, _, _ in self._happened:
            if entity != "lead" or after is None:
                continue
            past = found.setdefault(after["id"], [])
            stage = Stage(int(at), after["pipeline_id"], after["status_id"])
            if what == "added":
                past.append(stage._replace(at=after["created_at"]))
            elif past and past[-1][1:] != stage[1:]:
                past.append(stage)
        return found

    def events(self) -> Collection:
        """Return the events so far."""
        if self._events is None:
            self._events = Collection(_key)
            for at, lead, change in sorted(self._first(), key=itemgetter(0)):
                who = lead["created_by" if change[0] == "lead_added" else "updated_by"]
                self._put(change, ("lead", lead["id"]), at, who)
        while self._processed < len(self._happened):
            self._add_events(self._happened[self._processed])
            self._processed += 1
        return self._events

    # -- the initial leads -----------------------------------------------------------------------

    def _beginning(self) -> dict[int, Lead]:
        """Return the initial leads in their initial state."""
        if self._began is None:
            first: dict[int, Lead | None] = {}
            for happening in self._happened:
                if happening.entity == "lead":
                    row = happening.before or happening.after or {}
                    first.setdefault(row["id"], happening.before)
            began = {lead["id"]: lead for lead in self._leads() if lead["id"] not in first}
            began |= {lead_id: lead for lead_id, lead in first.items() if lead is not None}
            self._began = began
        return self._began

    def _past(self, lead: Lead) -> list[Stage]:
        """Return the stages that an initial lead went through."""
        now = Stage(lead["created_at"], lead["pipeline_id"], lead["status_id"])
        last = lead["closed_at"] or lead["updated_at"]
        if last <= lead["created_at"]:
            return [now]
        rng = random.Random(f"{self._seed} past {lead['id']}")
        stages = PIPELINES.get(lead["pipeline_id"], (lead["status_id"],))
        stop = stages.index(lead["status_id"]) if lead["status_id"] in stages else len(stages)
        before = [(lead["pipeline_id"], stage) for stage in stages[:stop] if rng.random() < 0.6]
        if rng.random() < 0.1:
            other = rng.choice([each for each in PIPELINES if each != lead["pipeline_id"]])
            before.insert(0, (other, PIPELINES[other][0]))
        if not before:
            return [now]
        span = range(lead["created_at"] + 1, last + 1)
        times = sorted(rng.sample(span, min(len(before), len(span))))
        if lead["closed_at"]:
            times[-1] = last
        path = [*before[len(before) - len(times) :], now[1:]]
        return [
            Stage(at, *stage) for at, stage in zip([lead["created_at"], *times], path, strict=True)
        ]

    def _first(self) -> Iterable[tuple[int, Lead, Change]]:
        for lead in self._beginning().values():
            past = self._past(lead)
            yield past[0].at, lead, ("lead_added", [], [])
            for old, new in pairwise(past):
                before, after = stage_value(*old[1:]), stage_value(*new[1:])
                yield new.at, lead, ("lead_status_changed", [before], [after])

    # -- later changes ---------------------------------------------------------------------------

    def _add_events(self, happening: Happening) -> None:
        entity, what, at, before, after, visible_at, merged = happening
        row = after or before or {}
        if entity == "message":
            if what == "added":
                change, about = message_event(row, self._options)
                self._put(change, about, row["created_at"], 0, visible_at)
            return
        changes: list[Change] = []
        if what == "merged":
            changes.append(("entity_merged", *self._merged(entity, row["id"], merged)))
        elif f"{entity}_{what}" in TYPES:
            changes.append((f"{entity}_{what}", [], []))
        if what in {"edited", "merged"} and before is not None:
            changes += differences(before, row)
        for change in changes:
            is_theirs = change[0] == "entity_merged" and self._options.merged_on == "merged"
            for each in merged if is_theirs else (row["id"],):
                self._put(change, (entity, each), int(at), row["updated_by"], visible_at)

    def _merged(self, entity: str, into: int, ids: tuple[int, ...]) -> tuple[list[Any], list[Any]]:
        """Return the values of a merge event, which are not documented."""
        match self._options.merged_values:
            case "links":
                link = [{"link": {"entity": {"type": entity, "id": each}}} for each in (*ids, into)]
                return link[:-1], link[-1:]
            case "ids":
                return [{entity: {"id": each}} for each in ids], [{entity: {"id": into}}]
            case "empty":
                return [], []

    def _put(
        self,
        change: Change,
        about: tuple[str, int],
        at: int,
        who: int,
        visible_at: float | None = None,
    ) -> None:
        assert self._events is not None  # noqa: S101 - for the type checker
        kind, before, after = change
        event_id = self._ulid(at)
        row = {
            "id": event_id,
            "type": kind,
            "entity_id": about[1],
            "entity_type": about[0],
            "created_by": who,
            "oauth_client_uuid": None if who else INTEGRATION,
            "created_at": at,
            "value_after": after,
            "value_before": before,
            "account_id": ACCOUNT_ID,
        }
        self._events.put(event_id, row, visible_at)

    def _ulid(self, at: int) -> str:
        """Return an ID that sorts by time, and within a second by order of creation."""
        self._last = (at, self._last[1] + 1 if self._last[0] == at else 0)
        number = (
            (at * 1000 << 80) + (min(self._last[1], 2**40 - 1) << 40) + self._rng.getrandbits(40)
        )
        return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def _key(name: str) -> Callable[[Lead], Any]:
    if name == "shuffle":
        return lambda event: crc32(event["id"].encode())
    return itemgetter(name)
