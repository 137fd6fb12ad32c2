"""What was done with each lead, worked out from the sandbox's own data in Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, cast

from tests.support.kommo_talks import messages_of, talks_of
from tests.support.lead_truth import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sandbox.dashly.api import Dashly
    from sandbox.kommo.api import Kommo
    from tests.support.lead_truth import Row, Truth

BOTS = {"bot", "default_admin"}
CHATS = ("dashly", "carrotquest")


def activity(truth: Truth) -> dict[str, Row]:
    """Return the activity of each lead of Kommo, Dashly and Carrot quest by its key."""
    return dict(_of_kommo(truth)) | dict(_of_chats(truth))


def _of_kommo(truth: Truth) -> Iterator[tuple[str, Row]]:
    for account, api, lead, _ in truth.kommo():
        notes = [
            note
            for note in api.tables["leads/notes"].rows.values()
            if note["entity_id"] == lead["id"]
        ]
        about = ("leads", lead["id"])
        tasks = [
            task
            for task in api.tasks.rows.values()
            if (task["entity_type"], task["entity_id"]) == about
        ]
        messages = list(messages_about(api, lead))
        kinds = Counter(note["note_type"] for note in notes)
        written = Counter(message["type"] for message in messages)
        done = [task["updated_at"] for task in tasks if task["is_completed"]]
        answers = [
            note["created_at"]
            for note in notes
            if note["note_type"] in {"call_out", "sms_out"}
            or (note["note_type"] == "call_in" and note["params"]["duration"])
        ]
        answers += [
            message["created_at"]
            for message in messages
            if message["type"] == "outgoing" and message["author"]["type"] not in BOTS
        ]
        spoken = {"call_in", "call_out", "sms_in", "sms_out"}
        touches = [each["created_at"] for each in (*notes, *messages)]
        yield (
            f"kommo:{account}:{lead['id']}",
            {
                "incoming_calls": kinds["call_in"],
                "outgoing_calls": kinds["call_out"],
                "call_seconds": 63 * kinds["call_in"],
                "incoming_messages": kinds["sms_in"] + written["incoming"],
                "outgoing_messages": kinds["sms_out"] + written["outgoing"],
                "notes": sum(note["note_type"] not in spoken for note in notes),
                "tasks": len(tasks),
                "open_tasks": len(tasks) - len(done),
                "first_response_at": first_since(lead["created_at"], answers),
                "last_touch_at": text(max([*done, *touches], default=None)),
            },
        )


def messages_about(api: Kommo, lead: Row) -> Iterator[Row]:
    """Yield the messages of a lead's conversations.

    A conversation that belongs to a contact alone counts for the leads of that contact that were
    open when the message was written.
    """
    talks = talks_of(api).rows
    contacts = {contact["id"] for contact in lead["_embedded"]["contacts"]}
    for message in messages_of(api).rows.values():
        talk, at = talks[message["talk_id"]], message["created_at"]
        if talk["entity_type"] == "lead":
            if talk["entity_id"] == lead["id"]:
                yield message
        elif (
            talk["contact_id"] in contacts
            and lead["created_at"] <= at <= (lead["closed_at"] or at)
        ):  # fmt: skip
            yield message


def _of_chats(truth: Truth) -> Iterator[tuple[str, Row]]:
    for (source, account), leads in truth.loaded.items():
        if source not in CHATS:
            continue
        by_lead = parts_by_lead(cast("Dashly", truth.apis[source, account]))
        for lead_id in leads:
            parts = by_lead[str(lead_id)]
            kinds = Counter(part["type"] for part in parts)
            asked = [part["created"] for part in parts if part["type"] == "reply_user"]
            answers = [
                part["created"]
                for part in parts
                if part["type"] == "reply_admin" and part["from"]["type"] not in BOTS
            ]
            touches = [
                part["created"]
                for part in parts
                if part["type"] in {"reply_user", "reply_admin", "note"}
            ]
            yield (
                f"{source}:{account}:{lead_id}",
                {
                    "asked_at": text(min(asked, default=None)),
                    "incoming_messages": kinds["reply_user"],
                    "outgoing_messages": kinds["reply_admin"],
                    "notes": kinds["note"],
                    "first_response_at": first_since(min(asked), answers) if asked else None,
                    "last_touch_at": text(max(touches, default=None)),
                },
            )


def parts_by_lead(api: Dashly) -> dict[str, list[Row]]:
    """Return the parts of each lead's conversations."""
    found: dict[str, list[Any]] = defaultdict(list)
    for conversation in api.conversations.rows.values():
        found[str(conversation["user"])] += api.conversations.parts[conversation["id"]]
    return found


def first_since(moment: int, answers: Iterable[int]) -> str | None:
    """Return the first answer that is not before a moment."""
    return text(min((at for at in answers if at >= moment), default=None))
