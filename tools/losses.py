"""The leads that each tool lost in the benchmark, as a table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tools.reference import table

RESULTS = Path(__file__).parent.parent / "benchmarks" / "results.json"
CASES = {
    "changes": "leads change between pages",
    "ties": "1,200 leads with one timestamp",
    "foreign": "next link to another host",
}
TOOLS = ("tap-leads", "singer-sdk", "tap-rest-api-msdk", "dlt", "airbyte-cdk", "airbyte-cdk, weeks")


def table_of_losses() -> str:
    """Return how many leads each tool lost in each case, out of those that nobody touched."""
    losses = json.loads(RESULTS.read_text(encoding="utf-8"))["losses"]
    found = {(one["tool"], one["case"]): one for one in losses}
    rows = [[tool, *(_cell(found[tool, case]) for case in CASES)] for tool in TOOLS]
    ours, *others = rows
    return table(["leads lost", *CASES.values()], [[f"**{cell}**" for cell in ours], *others])


def _cell(loss: dict[str, Any]) -> str:
    lost = f"{loss['lost']:,}"
    return f"{lost}, token leaked" if loss["token_left"] else lost
