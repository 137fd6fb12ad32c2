"""Texts, names, phones and links of messages are personal: hashed, left out, and never logged."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import faults
from tests.support.catalogs import catalog_for
from tests.support.kommo_talks import MESSAGES, messages_of, some_talks
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from sandbox.kommo.api import Kommo
    from tests.support.run import Run

    Runner = Callable[..., Run]

CANARY = "canary-7d21"
WHO = {"id": CANARY, "type": "external", "name": CANARY, "avatar_url": f"https://{CANARY}"}
PRIVATE: dict[str, Any] = {
    "text": f"Call +1 {CANARY}",
    "author": WHO,
    "recipient": {"id": CANARY, "name": CANARY, "phone": CANARY},
    "attachment": {"type": "picture", "link": f"https://{CANARY}", "file_name": CANARY},
    "contact": {"name": CANARY, "phone": f"+1 {CANARY}"},
    "location": {"lat": CANARY, "lon": 1},
}
COLUMNS = (
    "text", "author_id", "author_name", "author_avatar_url", "recipient_id", "recipient_name",
    "attachment_link", "attachment_name", "contact", "location",
)  # fmt: skip


@pytest.fixture
def kommo(box: Sandbox) -> Kommo:
    for talk in some_talks(box.kommo, 30):
        messages_of(box.kommo).insert(1, talk_id=talk, **PRIVATE)
    return box.kommo


def without(*columns: str) -> dict[str, Any]:
    """Return a catalog that selects messages without these columns, and without `extra`."""
    catalog = catalog_for(MESSAGES)
    (entry,) = [each for each in catalog["streams"] if each["stream"] == MESSAGES]
    entry["metadata"] += [
        {"breadcrumb": ["properties", column], "metadata": {"selected": False}}
        for column in columns
    ]
    return catalog


def test_messages_are_as_they_were_sent(kommo: Kommo, run_here: Runner) -> None:
    run = run_here({"kommo": settings_for(kommo)}, catalog=catalog_for(MESSAGES))
    found = [r for r in run.records(MESSAGES) if r["text"] == PRIVATE["text"]]
    assert len(found) == 30
    assert {r["attachment_link"] for r in found} == {f"https://{CANARY}"}
    assert {json.loads(r["contact"])["phone"] for r in found} == {f"+1 {CANARY}"}


def test_hashed_columns_have_no_message(kommo: Kommo, run_here: Runner) -> None:
    config = {
        "kommo": settings_for(kommo),
        "hash_fields": [f"{MESSAGES}.{column}" for column in COLUMNS],
        "hash_key": "k" * 32,
    }
    run = run_here(config, catalog=without("extra"))
    assert run.code == 0
    records = [r for r in run.records(MESSAGES) if r["recipient_id"]]
    assert CANARY not in json.dumps(run.messages, default=str)
    hashes = {r["text"] for r in records if r["text"]}
    assert hashes
    assert all(len(value) == 64 for value in hashes)


def test_deselected_columns_have_no_message(kommo: Kommo, run_here: Runner) -> None:
    run = run_here({"kommo": settings_for(kommo)}, catalog=without(*COLUMNS, "extra"))
    assert run.code == 0
    assert len(run.records(MESSAGES)) >= 30
    assert CANARY not in json.dumps(run.messages, default=str)
    assert not any(column in record for record in run.records(MESSAGES) for column in COLUMNS)


@pytest.mark.usefixtures("no_waits")
def test_no_message_is_logged(
    kommo: Kommo,
    run_here: Runner,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TAP_LEADS_LOGLEVEL", "DEBUG")
    caplog.set_level(logging.DEBUG)
    kinds = ["truncate", "html200", "half_json200"]
    broken = [faults.status(code, body="echo", retry_after=0) for code in (429, 500, 503, 400)]
    for fault in [*map(faults.named, kinds), *broken]:
        kommo.faults.plan("none", fault)
    run = run_here({"kommo": settings_for(kommo)}, catalog=catalog_for(MESSAGES, "kommo_talks"))
    told = run.stderr + caplog.text
    assert "| DEBUG " in told
    assert [word for word in (CANARY, "filter[", "Guten Tag") if word in told] == []
    assert CANARY not in json.dumps(run.states[-1:])
