"""The control plane changes leads, options, faults and the clock over HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import requests

from tests.sandbox.client import NOON, ask, command

if TYPE_CHECKING:
    from sandbox import Sandbox


def test_leads_options_faults_and_the_clock_change_over_http(box: Sandbox) -> None:
    control = f"{box.url}/_control"
    assert requests.get(control, timeout=10).json()["apis"]["kommo"]["leads"] == 300

    (lead_id,) = command(box.kommo, "kommo/insert", count=1, fields={"name": "By hand"})["ids"]
    assert box.kommo.leads[lead_id]["name"] == "By hand"
    assert command(box.kommo, "kommo/edit", ids=[lead_id], fields={"name": "Again"})["ids"] == [
        lead_id
    ]
    assert command(box.kommo, "kommo/delete", ids=[lead_id])["ids"] == [lead_id]
    assert command(box.kommo, "kommo/options", rate_limit=3)["rate_limit"] == 3
    assert "error" in command(box.kommo, "kommo/options", nonsense=3)
    assert "error" in command(box.kommo, "kommo/options", ties="sideways")
    assert command(box.kommo, "kommo/faults", plan=["reset", 503])["planned"] == 2
    assert command(box.kommo, "clock", freeze=NOON)["clock"] == NOON
    ask(box.kommo, "account")
    journal = requests.get(f"{control}/kommo/journal", timeout=10).json()
    assert journal[-1]["path"] == "/api/v4/account"
    assert box.kommo.token not in json.dumps(journal)
