"""The sandbox that state and catalog files of version 0.1.0 were written against.

Its clock begins at a fixed moment, its leads have fixed moments and its custom fields fixed ids, so
the files stay true however late they are read. `python -m tests.earlier_version` writes them, with
the tap that is installed: `tests/data/v0_1_0/README.md` says how.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox import Sandbox
from tap_leads.tap import TapLeads
from tests.support.run import sync
from tests.support.settings import CREDENTIALS, settings_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox import Api

FILES = Path(__file__).parent.parent / "data" / "v0_1_0"
START = 1_770_000_000.0
"""2026-02-02T02:40:00Z, when the runs that wrote the files began."""
HOUR = 3600
LOOKBACK = 600
ACCOUNTS = ("north", "south")
FIELDS = {
    990_001: "text",
    990_002: "numeric",
    990_003: "checkbox",
    990_004: "date",
    990_005: "date_time",
    990_006: "select",
    990_007: "multiselect",
}
"""The custom fields of leads, and their types when the files were written."""


def world() -> Sandbox:
    """Return the sandbox as it was; it is not served yet."""
    box = Sandbox(leads=0, seed=7, start=START)
    box.clock.freeze(START)
    for api in box.apis.values():
        api.options.rate_limit = None
        api.options.page_cap = 20
        api.options.ties = "stable"
        for hours in range(60, 0, -1):
            api.insert(1, at=START - hours * HOUR)
        api.insert(30, at=START - 10 * HOUR)
    fields = box.kommo.fields
    fields.delete(list(fields.rows))
    leads = list(box.kommo.leads)
    for number, kind in FIELDS.items():
        fields.insert(id=number, type=kind, name=f"A {kind}", at=START - 100 * HOUR)
        box.kommo.fill_field(number, leads[number % 7 :: 7], touch=False)
    return box


def config_of(box: Sandbox, sources: Iterable[str] = CREDENTIALS) -> dict[str, Any]:
    """Return the settings of two accounts of each of these sources."""
    return {source: _source(box.apis[source]) for source in sources}


def _source(api: Api) -> dict[str, Any]:
    others = {"custom_fields": "columns"} if api.slot == "kommo" else {}
    accounts = [{"name": name} for name in ACCOUNTS]
    return settings_for(api, accounts=accounts, lookback_seconds=LOOKBACK, **others)


def main() -> None:
    """Write the files."""
    FILES.mkdir(parents=True, exist_ok=True)
    with world() as box:
        catalog: dict[str, Any] = TapLeads(config=config_of(box)).catalog_dict
        _write("catalog", catalog)
        for stream in catalog["streams"]:
            _select(stream, [], selected=True)
        _write("state", sync(config_of(box), catalog=catalog).state)
        _write("catalog_selected", _selected(catalog))
    for source in CREDENTIALS:
        with world() as box:
            _write(f"state_interrupted_{source}", _interrupted(box, source))


def _select(stream: dict[str, Any], breadcrumb: list[str], *, selected: bool) -> None:
    (found,) = (each for each in stream["metadata"] if list(each["breadcrumb"]) == breadcrumb)
    found["metadata"]["selected"] = selected


def _selected(catalog: dict[str, Any]) -> dict[str, Any]:
    """Return the catalog with some streams and columns left out, as a person would do it."""
    for stream in catalog["streams"]:
        name = stream["tap_stream_id"]
        _select(stream, [], selected=name not in {"kommo_tasks", "kommo_users"})
        for column in LEFT_OUT.get(name, ()):
            _select(stream, ["properties", column], selected=False)
    return catalog


LEFT_OUT = {
    "kommo_leads": ("price", "cf_990002", "tags"),
    "dashly_leads": ("props", "phone"),
    "carrotquest_leads": ("email",),
    "octanist_leads": ("phone", "gclid", "extra"),
}
"""The columns that `catalog_selected.json` leaves out."""


def _interrupted(box: Sandbox, source: str) -> dict[str, Any]:
    """Return the last state of a run that was ended by a signal in the middle of its leads."""
    config = config_of(box, [source])
    config[source]["requests_per_second"] = 8
    stream = f"{source}_leads"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.json"
        path.write_text(json.dumps({**config, "concurrency": 1}))
        command = [sys.executable, "-m", "tap_leads", "--config", str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as tap:
            assert tap.stdout is not None
            records = 0
            while records < 45:
                line = json.loads(tap.stdout.readline())
                records += line["type"] == "RECORD" and line["stream"] == stream
            tap.send_signal(signal.SIGTERM)
            lines = tap.stdout.readlines()
    state: dict[str, Any] = json.loads(lines[-1])["value"]
    return state


def _write(name: str, content: dict[str, Any]) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=None if "catalog" in name else 1)
    (FILES / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
