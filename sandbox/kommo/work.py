"""Tasks, notes and incoming leads."""
# ruff: noqa: PLR2004 - shares and sizes of generated data

from __future__ import annotations

import hashlib
import random
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from sandbox.core.people import person
from sandbox.core.store import Collection, between
from sandbox.kommo.leads import ACCOUNT_ID, USERS
from sandbox.kommo.query import either, flag, members, of, since, words
from sandbox.kommo.reference import INCOMING, TAGGED
from sandbox.kommo.resource import Resource
from sandbox.kommo.table import Context, Row, RowFactory, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from sandbox.core.store import Lead

TASK = Resource(
    key="tasks",
    orders=("created_at", "complete_till", "id"),
    filters={
        "id": members,
        "responsible_user_id": members,
        "is_completed": flag,
        "task_type": of("task_type_id", members),
        "task_type_id": either,
        "entity_type": either,
        "entity_id": members,
        "updated_at": since,
    },
)
NOTE = Resource(
    key="notes",
    orders=("updated_at", "id"),
    filters={"id": members, "note_type": words, "entity_id": members, "updated_at": since},
    needs={"is_pinned": frozenset({"is_pinned"})},
)
UNSORTED = Resource(
    key="unsorted",
    order="created_at",
    orders=("created_at",),
    filters={"uid": either, "category": either, "pipeline_id": either},
)
CATEGORIES = ("forms", "chats", "mail", "sip")
_PARAMS: tuple[tuple[str, Any], ...] = (
    ("common", {"text": "Rief zurück, will ein Angebot 👍"}),
    ("call_in", {"uniq": "8f52", "duration": 63, "source": "sip", "link": "https://example.com/r.mp3",
                 "phone": "+15550101", "call_result": "", "call_status": 4}),
    ("call_out", {"uniq": "8f53", "duration": 0, "source": "sip", "link": None,
                  "phone": "+15550102", "call_result": "No answer", "call_status": "6"}),
    ("service_message", {"service": "Sandbox", "text": "<b>Invoice</b> sent"}),
    ("geolocation", {"text": "Berlin", "address": "1 Example Street", "longitude": "13.4",
                     "latitude": "52.5"}),
    ("sms_in", {"text": "ок", "phone": "+15550103"}),
    ("attachment", {"file_uuid": "0d1e", "version_uuid": "0d1f", "file_name": "offer.pdf",
                    "original_name": "Offer.pdf", "text": ""}),
    ("link_followed", []),
    ("hologram_shown", {"depth": 3}),
)  # fmt: skip


class Tasks(Table):
    """Tasks; an edit without values completes them."""

    @override
    def happening(self, row: Row) -> Row:
        return {"is_completed": True, "result": {"text": "Done"}}


class Unsorted(Table):
    """Incoming leads: those in the first stage of a pipeline."""

    leads: Callable[[], Collection]

    @property
    @override
    def store(self) -> Collection:
        """The incoming leads in their current state."""
        leads, found = self.leads(), Collection(itemgetter)
        by_stage = leads.sorted("status_id")
        for stage in sorted(INCOMING):
            for _, lead_id in between(by_stage, stage, stage):
                row = _incoming(self.seed, leads.shown[lead_id])
                found.put(row["uid"], row)
        return found

    @override
    def embedded(self, row: Row, _with: frozenset[str], base: str) -> Row:
        root = f"{base}/api/v4"
        return {
            path: [
                {"id": n, "_links": {"self": {"href": f"{root}/{path}/{n}"}}}
                for n in row["_ids"][path]
            ]
            for path in ("contacts", "leads", "companies")
        }

    def summary(self) -> Row:
        """Return the number of incoming leads by category."""
        rows = self.store.rows.values()
        counts = {name: {"total": sum(r["category"] == name for r in rows)} for name in CATEGORIES}
        return {
            "total": len(rows),
            "accepted": 0,
            "declined": 0,
            "average_sort_time": 0,
            "categories": counts,
        }


def tables(
    context: Context, leads: Callable[[], Collection], people: Mapping[str, Table]
) -> dict[str, Table]:
    """Return the tables by path."""
    unsorted = Unsorted(
        context, UNSORTED, "leads/unsorted", RowFactory(make=_task, identify=itemgetter("uid"))
    )
    unsorted.leads = leads

    def of_leads() -> Iterable[Row]:
        return leads().rows.values()

    def of(path: str) -> Iterable[Row]:
        return people[path].store.rows.values()

    factory = RowFactory(make=_task, fill=lambda: _tasks(of_leads()))
    found: dict[str, Table] = {
        "tasks": Tasks(context, TASK, "tasks", factory),
        "leads/unsorted": unsorted,
    }
    for entity in TAGGED:
        rows = of_leads if entity == "leads" else partial(of, entity)
        factory = RowFactory(make=_new_note, fill=partial(_notes, rows), first_id=80_000_001)
        found[f"{entity}/notes"] = Table(context, NOTE, f"{entity}/notes", factory)
    return found


def _task(number: int, row_id: int, at: int) -> Row:
    kind = 1 + number % 3
    return {
        "id": row_id,
        "created_by": USERS[number % len(USERS)],
        "updated_by": USERS[0],
        "created_at": at,
        "updated_at": at,
        "responsible_user_id": USERS[number % 4],
        "group_id": 0,
        "entity_id": None,
        "entity_type": None,
        "duration": 0,
        "is_completed": False,
        "task_type_id": kind,
        "text": "Позвонить 📞" if number % 5 == 2 else "Call back",
        "result": [],
        "complete_till": at + 86_400,
        "account_id": ACCOUNT_ID,
    }


def _tasks(leads: Iterable[Lead]) -> Iterator[Row]:
    """Return the open tasks of leads, some completed ones, and a few without a lead."""
    for lead in leads:
        number, about = lead["id"] // 2, {"entity_id": lead["id"], "entity_type": "leads"}
        made, due = lead["created_at"], lead["closest_task_at"]
        if due:
            yield {**_task(number, lead["id"] * 2, made), **about, "complete_till": due}
        if number % 4 == 1:
            done = {"is_completed": True, "result": {"text": "Reached"}, "updated_at": made + 3600}
            yield {**_task(number, lead["id"] * 2 + 1, made), **about, **done}
        if number % 25 == 3:
            yield {**_task(number, lead["id"] * 2 + 100_000_001, made), "created_by": 0}


def _note(number: int, row_id: int, entity_id: int, at: int) -> Row:
    note_type, params = _PARAMS[number % len(_PARAMS)]
    return {
        "id": row_id,
        "entity_id": entity_id,
        "created_by": USERS[number % len(USERS)],
        "updated_by": USERS[number % len(USERS)],
        "created_at": at,
        "updated_at": at,
        "responsible_user_id": USERS[number % 4],
        "group_id": 0,
        "note_type": note_type,
        "params": params,
        "account_id": ACCOUNT_ID,
        "is_pinned": number % 50 == 0,
    }


def _new_note(number: int, row_id: int, at: int) -> Row:
    return _note(number, row_id, 0, at)


def _notes(rows: Callable[[], Iterable[Row]]) -> Iterator[Row]:
    for place, row in enumerate(rows()):
        for extra in range(place % 3):
            number, row_id = place + extra, row["id"] * 2 + extra
            later = int(random.Random(row_id).lognormvariate(9, 1.6))  # two hours, or some days
            at = min(row["created_at"] + later, row["updated_at"])
            yield _note(number, row_id, row["id"], at)


def _incoming(seed: int, lead: Lead) -> Row:
    uid = hashlib.sha256(f"{seed} {lead['id']}".encode()).hexdigest()
    number, links = int(uid[:6], 16), lead["_embedded"]
    category = CATEGORIES[number % len(CATEGORIES)]
    return {
        "uid": uid,
        "source_uid": None,
        "source_name": None,
        "category": category,
        "pipeline_id": lead["pipeline_id"],
        "created_at": lead["created_at"],
        "metadata": _metadata(category, number, lead["created_at"]),
        "account_id": ACCOUNT_ID,
        "_ids": {
            "contacts": links["contacts"],
            "leads": [lead["id"]],
            "companies": links["companies"],
        },
    }


def _metadata(category: str, number: int, at: int) -> Row:
    who = person(number, random.Random(number).randrange(1000))
    match category:
        case "forms":
            return {
                "form_id": str(1_115_559 + number % 3),
                "form_name": f"Form #{1 + number % 3}",
                "form_page": who.website + who.path,
                "ip": "192.0.2.7",
                "form_sent_at": str(at),
                "referer": "",
                "visitor_uid": None,
            }
        case "chats":
            return {
                "from": who.name,
                "to": "Example Company",
                "received_at": at,
                "service": "telegram",
                "client": {"name": who.name, "avatar": None},
                "origin": {"chat_id": f"{number:08x}", "ref": None, "visitor_uid": None},
                "last_message_text": "Здравствуйте! 👋",
                "source_name": "chat",
            }
        case "mail":
            return {
                "from": {"email": who.email, "name": who.name},
                "received_at": at,
                "subject": "Price?",
                "thread_id": number,
                "message_id": number + 1,
                "content_summary": "How much is it?",
            }
        case _:
            return {
                "phone": who.phone,
                "from": who.phone,
                "called_at": at,
                "duration": number % 200,
                "link": "https://example.com/r.mp3",
                "service_code": "sip",
                "uniq": f"{number:x}",
            }
