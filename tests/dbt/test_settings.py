"""The dbt package works with any settings of the tap, and with tables that are missing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.kommo.leads import LOST, WON
from tests.support.catalogs import catalog_for
from tests.support.hashing import KEY, sha
from tests.support.lead_truth import Truth
from tests.support.pages import ROOT, fences
from tests.support.settings import settings_for
from tests.support.warehouse import MODELS, models

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox
    from sandbox.kommo.api import Kommo
    from tests.support.database import Database, Row

GUIDE = (ROOT / "docs/guides/dbt.md").read_text(encoding="utf-8")
STREAMS = ("kommo_leads", "kommo_contacts", "kommo_lead_stage_changes", "kommo_deleted_leads",
           "kommo_account", "dashly_leads", "octanist_leads")  # fmt: skip


def without(catalog: Row, stream: str, *columns: str) -> Row:
    """Return the catalog with columns of a stream deselected."""
    for entry in catalog["streams"]:
        if entry["stream"] == stream:
            entry["metadata"] += [
                {"breadcrumb": ["properties", name], "metadata": {"selected": False}}
                for name in columns
            ]
    return catalog


def conversations(api: Kommo) -> tuple[Row, Row, dict[str, list[Row]]]:
    """Return a lead with messages, a lead whose contact called, and the tables that say so."""
    open_leads = [
        lead
        for lead in api.rendered()
        if lead["status_id"] not in {WON, LOST} and lead["_embedded"]["contacts"]
    ]
    written, called = open_leads[:2]
    about = {"account": "acme", "talk_id": 7}

    def at(lead: Row, seconds: int) -> str:
        return datetime.fromtimestamp(lead["created_at"] + seconds, UTC).isoformat()[:19]

    def message(number: int, kind: str, author: str, seconds: int) -> Row:
        who = {"type": kind, "author_type": author, "created_at": at(written, seconds)}
        return {**about, "id": f"m{number}", **who}

    return written, called, {
        "kommo_talks": [
            {**about, "contact_id": 1, "entity_id": written["id"], "entity_type": "lead"}
        ],
        "kommo_messages": [
            message(1, "incoming", "external", 60),
            message(2, "outgoing", "bot", 120),
            message(3, "outgoing", "internal", 3600),
        ],
        "kommo_contact_notes": [
            {
                "account": "acme",
                "id": 5,
                "entity_id": called["_embedded"]["contacts"][0]["id"],
                "note_type": "call_in",
                "created_at": at(called, 1800),
                "duration": 30,
            }
        ],
    }  # fmt: skip


def chats(written: str, removed: str) -> dict[str, list[Row]]:
    """Return a conversation with a lead of Dashly, and details of one that was removed."""

    def part(number: int, kind: str, author: str, at: str) -> Row:
        about = {"account": "default", "id": f"p{number}", "conversation_id": "c"}
        return {**about, "type": kind, "author_type": author, "created": f"2026-05-01 {at}"}

    return {
        "dashly_conversations": [{"account": "default", "id": "c", "user_id": written}],
        "dashly_conversation_parts": [
            part(1, "reply_admin", "bot", "09:59:00"),
            part(2, "reply_user", "user", "10:00:00"),
            part(3, "reply_admin", "bot", "10:01:00"),
            part(4, "note", "admin", "10:02:00"),
            part(5, "reply_admin", "admin", "12:00:00"),
            part(6, "assigned", "admin", "13:00:00"),
        ],
        "dashly_lead_details": [
            {"account": "default", "id": removed, "removed": "2026-05-02 00:00:00"}
        ],
    }


@pytest.mark.parametrize("engine", ["postgres", "duckdb"])
def test_hashes_native_values_deselected_columns_and_missing_sources_are_no_obstacle(
    box: Sandbox, database: Database, engine: str
) -> None:
    api = box.kommo
    api.options.hidden_contacts = False
    box.octanist.insert(1, email=None, phone="+1 (555) 010-2030")
    person: dict[str, Any] = {"$email": None, "$phone": "1.555.010.2030"}
    box.dashly.insert(1, **person)
    sources = {"dashly": box.dashly, "octanist": box.octanist}
    apis = {(name, "default"): source for name, source in sources.items()}
    truth = Truth({("kommo", "acme"): api, **apis}, identify=sha)
    config: dict[str, Any] = {name: settings_for(source) for name, source in sources.items()} | {
        "kommo": settings_for(api, custom_fields="columns"),
        "nested_values": "native",
        "hash_fields": ["email", "phone"],
        "hash_key": KEY,
    }
    catalog = without(catalog_for(*STREAMS), "kommo_leads", "tags", "price_with_minor_units")
    database.extract(config, without(catalog, "dashly_leads", "events"))
    truth.remember()
    written, called, others = conversations(api)
    talker, removed = [str(lead["id"]) for lead in box.dashly.rendered()][:2]
    tables = {**others, **chats(talker, removed)}
    found = models(database, engine, tables, commands=["dbt run"])
    rows = {row["lead_key"]: row for row in found["leads"]}
    expected = truth.leads()
    expected[f"dashly:default:{removed}"]["status"] = "deleted"
    assert rows.keys() == expected.keys()
    for key, lead in expected.items():
        same = ("status", "email", "phone", "person_key", "utm_source", "channel", "loss_reason")
        assert {n: rows[key][n] for n in same} == {n: lead[n] for n in same}, key
        if key.startswith("kommo"):
            assert rows[key]["value"] == int(lead["value"])
    (shared,) = [row for row in found["people"] if row["person_key"] == sha("15550102030")]
    assert shared["in_octanist"]
    assert shared["in_dashly"]
    assert not found["lead_tags"]
    assert {row["owner"] for row in rows.values()} == {None}
    assert found["lead_stage_history"]
    activity = {row["lead_key"]: row for row in found["activity"]}
    messages, call = (activity[f"kommo:acme:{lead['id']}"] for lead in (written, called))
    assert (messages["incoming_messages"], messages["outgoing_messages"]) == (1, 2)
    assert float(messages["first_response_hours"]) == 1
    assert (call["incoming_calls"], call["call_seconds"]) == (1, 30)
    assert float(call["first_response_hours"]) == 0.5
    assert call["last_touch"] == "call"
    chat = activity[f"dashly:default:{talker}"]
    counts = ("incoming_messages", "outgoing_messages", "notes", "first_response_hours")
    assert [float(chat[name]) for name in counts] == [1, 3, 1, 2]


def test_in_a_project_as_the_guide_says_an_account_without_leads_gives_models_without_rows(
    kommo: Kommo, database: Database, tmp_path: Path
) -> None:
    packages, settings = fences(GUIDE, "yaml")
    commands = next(block for block in fences(GUIDE, "sh") if block.startswith("dbt deps"))
    (tmp_path / "tap-leads").symlink_to(ROOT)
    project = tmp_path / "mycompany"
    profiles = (ROOT / "dbt/profiles/profiles.yml").read_text().replace("tap_leads:", "mycompany:")
    for name, text in (
        ("packages.yml", packages),
        ("dbt_project.yml", settings),
        ("profiles/profiles.yml", profiles),
        ("models/mine.sql", "select count(*) as leads from {{ ref('leads') }}"),
    ):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    database.extract({"kommo": settings_for(kommo)})
    found = models(database, "duckdb", commands=commands.splitlines(), project=project)
    health = found.pop("sync_health")
    assert {name: rows for name, rows in found.items() if rows} == {}
    assert found.keys() == {*MODELS} - {"sync_health"}
    counts = {row["stream"]: row["row_count"] for row in health}
    assert counts["kommo_leads"] == counts["octanist_leads"] == 0
    assert counts["kommo_users"] > 0
