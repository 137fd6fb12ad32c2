"""Two accounts of Kommo and the other sources, with every trouble that the models must bear."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sandbox.kommo.leads import LOST, WON
from tests.support.catalogs import catalog_for
from tests.support.kommo_talks import messages_of, some_talks, talks_of
from tests.support.lead_truth import Truth, code
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from sandbox import Sandbox
    from sandbox.dashly.api import Dashly
    from sandbox.kommo.api import Kommo
    from tests.support.database import Database, Row

STREAMS = (
    "kommo_leads", "kommo_deleted_leads", "kommo_lead_stage_changes", "kommo_contacts",
    "kommo_tasks", "kommo_lead_notes", "kommo_account", "kommo_pipelines",
    "kommo_stages", "kommo_users", "kommo_lead_fields", "kommo_loss_reasons",
    "kommo_tags", "kommo_list_elements", "kommo_talks", "kommo_messages",
    "dashly_leads", "dashly_conversations", "dashly_conversation_parts", "carrotquest_leads",
    "carrotquest_conversations", "carrotquest_conversation_parts", "octanist_leads",
)  # fmt: skip


def several_accounts(box: Sandbox, other: Kommo) -> Row:
    """Return the settings of all sources, with two accounts of Kommo."""
    accounts = [
        {"name": name, **settings_for(api)}
        for name, api in (("acme", box.kommo), ("zweite", other))
    ]
    rate = {"requests_per_second": 10_000}
    config = {slot: settings_for(api) for slot, api in box.apis.items() if slot != "kommo"}
    return {**config, "kommo": {"accounts": accounts, **rate}}


def history_before_the_first_run(box: Sandbox) -> None:
    """Create leads at midnight, moves to the same stage, and persons in several systems."""
    api = box.kommo
    api.options.hidden_contacts = False
    midnight = int(datetime(2026, 3, 31, 22, 30, tzinfo=UTC).timestamp())  # 1 April in Berlin
    api.insert(1, at=midnight, status_id=94386187, pipeline_id=12215168)
    moves = [event for event in api.events() if event["type"] == "lead_status_changed"]
    for event in moves[3:30:3]:
        api.edit_events([event["id"]], value_before=event["value_after"])
    for event in moves[40:60:4]:
        api.edit_events([event["id"]], value_after=event["value_before"])
    mail = next(
        found
        for lead in api.rendered()
        for contact in lead["_embedded"]["contacts"][:1]
        if (found := code(api.contacts.rows[contact["id"]], "EMAIL"))
    )
    box.octanist.insert(1, email=f" {mail.upper()}\t")
    written: Row = {"$email": f"{mail} "}
    box.dashly.insert(1, **written)
    called: Row = {"$email": None, "$phone": "+1 (555) 010-2030"}
    box.carrotquest.insert(1, **called)
    box.octanist.insert(1, email=None, phone="1.555.010.2030")
    box.octanist.insert(1, email=" ", phone="-")


def several_kinds_of_parts(api: Dashly) -> None:
    """Spread the parts of each conversation over an hour; let bots answer, and operators note."""
    for number, conversation in enumerate(sorted(api.conversations.rows)):
        for place, part in enumerate(api.conversations.parts[conversation]):
            part["created"] += 1000 * place
            if part["type"] == "reply_admin" and (number + place) % 3 == 0:
                part["from"] = {"id": 24600, "name": "Bot", "type": "bot"}
            elif part["type"] == "reply_admin" and (number + place) % 4 == 0:
                part["type"] = "note"
            elif part["type"] == "reply_admin" and (number + place) % 5 == 0:
                part["type"] = "assigned"


def changes_before_the_second_run(box: Sandbox) -> tuple[int, int]:
    """Change the account; return a lead that lost its links, and one that lost its fields."""
    api = box.kommo
    api.insert(5)
    box.clock.advance(3600)
    api.edit(60)
    api.edit(20, status_id=WON, loss_reason_id=None)
    api.edit(10, status_id=LOST)
    gone = api.delete(10)
    api.restore(gone[:2])
    survivor, merged = list(api.leads)[:2]
    api.merge([merged], survivor)
    others = [lead for lead in api.rendered() if lead["id"] != survivor]
    links: Row = {"contacts": [], "tags": [], "catalog_elements": []}
    linked = next(lead["id"] for lead in others if all(lead["_embedded"][n] for n in links))
    filled = next(lead["id"] for lead in others if len(lead["custom_fields_values"] or ()) > 1)
    api.edit([linked], _embedded={**api.leads[linked]["_embedded"], **links})
    api.edit([filled], custom_fields_values=[])
    (text_field,) = [
        row["id"] for row in api.fields.rendered() if row["name"] == "Product interest"
    ]
    api.fields.edit([text_field], name="Interest")
    box.dashly.edit(5)
    box.dashly.conversations.edit(5)
    box.carrotquest.conversations.insert(2)
    for talk_id in some_talks(api, 4):
        messages_of(api).insert(2, talk_id=talk_id)
    message_after_the_end(api)
    box.octanist.edit(20)
    return linked, filled


def message_after_the_end(api: Kommo) -> None:
    """Let contacts write whose conversation belongs to no lead, and whose lead was closed long ago.

    A message of such a conversation does not count for that lead.
    """
    now = api.clock.now()
    closed = {lead["id"] for lead in api.rendered() if (lead["closed_at"] or now) < now - 60}
    talks = [row["talk_id"] for row in talks_of(api).rows.values() if row["entity_id"] in closed]
    talks_of(api).edit(talks[:5], entity_id=None, entity_type=None)
    for talk_id in talks[:5]:
        messages_of(api).insert(1, talk_id=talk_id)


def load(box: Sandbox, other: Kommo, database: Database) -> tuple[Truth, int, int]:
    """Run the tap twice, with many changes in between."""
    kommo = {("kommo", "acme"): box.kommo, ("kommo", "zweite"): other}
    others = {(slot, "default"): api for slot, api in box.apis.items() if slot != "kommo"}
    truth = Truth(kommo | others)
    config = several_accounts(box, other)
    catalog = catalog_for(*STREAMS)
    history_before_the_first_run(box)
    several_kinds_of_parts(box.dashly)
    several_kinds_of_parts(box.carrotquest)
    database.extract(config, catalog)
    truth.remember()
    linked, filled = changes_before_the_second_run(box)
    database.extract(config, catalog)
    truth.remember()
    return truth, linked, filled
