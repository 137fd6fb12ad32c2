"""Texts, names and addresses in conversations and details: hashed, left out, and never logged."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import faults
from tests.support.catalogs import catalog_for
from tests.support.hashing import KEY, sha
from tests.support.run import config_of, read, sync

if TYPE_CHECKING:
    from sandbox import Sandbox
    from sandbox.dashly.api import Dashly

CANARY = "canary-4f1c"
CONVERSATIONS = "dashly_conversations"
PARTS = "dashly_conversation_parts"
DETAILS = "dashly_lead_details"
ALL = CONVERSATIONS, PARTS, DETAILS, "dashly_channels"


@pytest.fixture
def api(box: Sandbox) -> Dashly:
    """An app with one lead, who has one conversation; all of their texts are canaries."""
    api = box.dashly
    api.delete(api.count)
    fields: dict[str, Any] = {
        "$name": f"{CANARY}-name",
        "$email": f"{CANARY}-email@example.org",
        "$phone": f"+1555{CANARY}",
        "own": f"{CANARY}-own",
        CANARY: 1,
    }
    (lead,) = api.insert(1, at=api.clock.now() - 9000, **fields)
    api.leads[lead]["notes"] = [{"id": 1, "body": f"{CANARY}-note"}]
    api.conversations.delete(len(api.conversations.rows))
    (row,) = api.conversations.insert(1, user=api.leads[lead], message=f"{CANARY}-message")
    for part in api.conversations.parts[row]:
        part["body"] = f"{CANARY}-body"
        part["body_json"] = {"text": f"{CANARY}-body"}
        part["attachments"] = [{"type": "file", "filename": f"{CANARY}-file"}]
    return api


def catalog(**hidden: list[str]) -> dict[str, Any]:
    found = catalog_for(*ALL)
    for stream in found["streams"]:
        stream["metadata"] += [
            {"breadcrumb": ["properties", name], "metadata": {"selected": False}}
            for name in hidden.get(stream["stream"], [])
        ]
    return found


def test_a_run_logs_and_keeps_nothing_private(
    api: Dashly, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGLEVEL", "DEBUG")
    caplog.set_level(logging.DEBUG)
    run = read(api, *ALL)
    assert CANARY in json.dumps(run.messages, default=str)
    told = caplog.text + json.dumps(run.states)
    lead, conversation = *api.leads, *api.conversations.rows
    for word in (CANARY, api.token, "paginate_", str(lead), str(conversation)):
        assert word not in told


@pytest.mark.usefixtures("no_waits")
def test_errors_log_nothing_private(api: Dashly, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for status in (400, 403, 500):
        api.faults.plan("none", faults.status(status, body="echo"))
        for stream in ALL:
            sync(config_of(api, max_retry_seconds=0), catalog=catalog_for(stream))
    lead, conversation = *api.leads, *api.conversations.rows
    for word in (CANARY, api.token, "paginate_", str(lead), str(conversation)):
        assert word not in caplog.text


@pytest.mark.parametrize("nested", ["text", "native"])
def test_hashes_reach_every_place_of_a_value(api: Dashly, nested: str) -> None:
    fields = ["name", "email", "phone", "body", "notes", "own", "message", "attachments"]
    fields += [f"{DETAILS}.props_custom"]
    known = [name for name in fields if name != "own"]
    run = read(api, *ALL, hash_fields=known, hash_key=KEY, nested_values=nested)
    (row,) = run.records(CONVERSATIONS)
    assert row["email"] == sha(f"{CANARY}-email@example.org")
    part = row["part_last"] if nested == "native" else json.loads(row["part_last"])
    assert part["body"] == sha(f"{CANARY}-body") == run.records(PARTS)[0]["body"]
    user = row["user"] if nested == "native" else json.loads(row["user"])
    props = user["props"] if isinstance(user["props"], dict) else json.loads(user["props"])
    assert props["$name"] == row["name"] == sha(f"{CANARY}-name")
    for end in ("name", "email", "body", "note", "message"):
        assert f"{CANARY}-{end}" not in json.dumps(run.messages, default=str)
    assert f"+1555{CANARY}" not in json.dumps(run.messages, default=str)
    for stream in (PARTS, DETAILS):
        assert CANARY not in json.dumps(run.records(stream), default=str)


def test_what_is_deselected_is_in_no_column(api: Dashly) -> None:
    chosen = catalog(
        dashly_conversations=[
            "name", "email", "phone", "user", "part_last", "reply_last", "important_part_last",
            "message",
        ],
        dashly_conversation_parts=["body", "attachments"],
        dashly_lead_details=["props_custom", "notes"],
    )  # fmt: skip
    run = read(api, catalog=chosen)
    for stream in ALL:
        assert run.records(stream)
        assert CANARY not in json.dumps(run.records(stream), default=str)


def test_a_deselected_name_is_not_in_the_lead_of_a_conversation(api: Dashly) -> None:
    chosen = catalog(dashly_conversations=["name", "email", "phone"])
    (row,) = read(api, catalog=chosen).records(CONVERSATIONS)
    assert not {"$name", "$email", "$phone"} & {*json.loads(row["user"])["props"]}
    assert json.loads(row["user"])["props"]["own"] == f"{CANARY}-own"


@pytest.mark.parametrize("place", ["user_id", "props.$user_id"])
def test_your_own_id_of_a_lead_is_hashed_or_left_out_like_user_id(api: Dashly, place: str) -> None:
    (lead,) = api.leads
    own: dict[str, Any] = {"$user_id": f"{CANARY}-login"}
    api.edit([lead], **own)

    def at(row: dict[str, Any]) -> Any:
        found = json.loads(row["user"])
        for name in place.split("."):
            found = found.get(name)
        return found

    (plain,) = read(api, CONVERSATIONS).records(CONVERSATIONS)
    assert at(plain) == f"{CANARY}-login"
    run = read(api, *ALL, hash_fields=["user_id"], hash_key=KEY)
    (details,) = run.records(DETAILS)
    (row,) = run.records(CONVERSATIONS)
    assert at(row) == details["user_id"] == sha(f"{CANARY}-login")
    (hidden,) = read(api, catalog=catalog(dashly_conversations=["user_id"])).records(CONVERSATIONS)
    assert at(hidden) is None
