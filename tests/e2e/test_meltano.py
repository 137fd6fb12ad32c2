"""Everything together: Meltano, the tap and three loaders; only the APIs are simulated."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo.environment import environment_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from demo.postgres import Postgres
    from sandbox import Sandbox
    from tests.support.database import Database

    Leads = dict[str, dict[str, Any]]

ROOT = Path(__file__).parent.parent.parent
MELTANO = Path(sys.executable).with_name("meltano")


def meltano(environment: Mapping[str, str], *loaders: str) -> None:
    """Run the tap with each of these loaders, in the checkout, as `make demo` does."""
    pairs = [name for loader in loaders for name in ("tap-leads", loader)]
    options = ("--log-format=uncolored", f"--env-file={os.devnull}")
    done = subprocess.run(
        [MELTANO, *options, "run", *pairs],
        cwd=ROOT, env={**environment}, capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


def test_meltano_prints_the_accounts_of_a_file_for_engines(tmp_path: Path) -> None:
    file = tmp_path / "accounts.csv"
    file.write_text("name,subdomain,access_token_env\nberlin,a,NOT_SET\nporto,b,NOT_SET\n")
    environment = {
        **os.environ,
        "MELTANO_DATABASE_URI": f"sqlite:///{tmp_path / 'meltano.db'}",
        "TAP_LEADS_KOMMO_ACCOUNTS_FILE": str(file),
        "TAP_LEADS_ACCOUNT": "kommo-porto",
    }
    options = ("--log-level=warning", f"--env-file={os.devnull}")
    done = subprocess.run(
        [MELTANO, *options, "invoke", "tap-leads:accounts"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == {
        "source": "kommo",
        "name": "porto",
        "state_id": "kommo-porto",
    }


def leads_of(box: Sandbox) -> dict[str, Leads]:
    """Return a copy of the leads of each source, by ID."""
    copies = {slot: json.dumps(list(api.rendered())) for slot, api in box.apis.items()}
    return {slot: by_id(json.loads(text, parse_float=Decimal)) for slot, text in copies.items()}


def by_id(rows: list[dict[str, Any]]) -> Leads:
    return {str(row["id"]): row for row in rows}


def timestamp(seconds: int | None) -> datetime | None:
    """Return a Unix time as PostgreSQL returns a timestamp; 0 is none."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None) if seconds else None


def exact(text: str | None) -> Any:
    return json.loads(text or "null", parse_float=Decimal)


def assert_in_csv_files(folder: Path, source: str, leads: Leads) -> None:
    with (folder / f"{source}_leads.csv").open(encoding="utf-8", newline="") as file:
        rows = by_id(list(csv.DictReader(file)))
    assert rows.keys() == leads.keys()
    for lead_id, lead in leads.items():
        row = rows[lead_id]
        if source == "kommo":
            assert exact(row["custom_fields_values"]) == lead["custom_fields_values"]
            assert exact(row["tags"]) == lead["_embedded"]["tags"]
        elif source == "octanist":
            assert (row["email"] or None) == lead["email"]
            assert (Decimal(row["value"]) if row["value"] else None) == lead["value"]
        else:
            assert exact(row["props"]) == lead["props"]


def assert_in_jsonl_files(folder: Path, source: str, leads: Leads) -> None:
    (file,) = folder.glob(f"{source}_leads-*.jsonl")
    lines = file.read_text(encoding="utf-8").splitlines()
    assert {str(json.loads(line)["id"]) for line in lines} == leads.keys()


def assert_in_postgres(database: Database, source: str, leads: Leads) -> None:
    rows = by_id(database.query(f"select * from {source}_leads"))  # noqa: S608 - ours
    assert rows.keys() == leads.keys()
    for lead_id, lead in leads.items():
        row = rows[lead_id]
        if source == "kommo":
            assert row["account"] == "example"
            assert row["price"] == lead["price"]
            assert row["price_with_minor_units"] == Decimal(str(lead["price_with_minor_units"]))
            assert row["updated_at"] == timestamp(lead["updated_at"])
            assert row["closed_at"] == timestamp(lead["closed_at"])
            assert exact(row["custom_fields_values"]) == lead["custom_fields_values"]
        elif source != "octanist":
            assert exact(row["props"]) == lead["props"]


def test_every_lead_arrives_in_csv_jsonl_and_postgres_and_a_second_run_brings_the_changes(
    box: Sandbox, postgres: Postgres, database: Database, tmp_path: Path
) -> None:
    environment = environment_of(box, postgres) | {
        "MELTANO_STATE_BACKEND_URI": (tmp_path / "state").as_uri(),
        "MELTANO_DATABASE_URI": f"sqlite:///{tmp_path / 'meltano.db'}",
        "TARGET_CSV_OUTPUT_PATH": str(tmp_path),
        "TARGET_JSONL_DESTINATION_PATH": str(tmp_path),
        "TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": database.schema,
    }
    meltano(environment, "target-csv", "target-jsonl", "target-postgres")
    for source, leads in leads_of(box).items():
        assert_in_csv_files(tmp_path, source, leads)
        assert_in_jsonl_files(tmp_path, source, leads)
        assert_in_postgres(database, source, leads)
    edited = box.kommo.edit(9, name="Edited")
    box.octanist.insert(4)
    for api in box.apis.values():
        api.journal.clear()
    meltano(environment, "target-postgres")
    for source, api in box.apis.items():
        pages = [
            request
            for request in api.journal
            if source != "kommo" or "filter[updated_at][from]" in request.query
        ]
        # A page or two of each incremental stream.
        assert 0 < len(pages) <= {"kommo": 8, "octanist": 3}.get(source, 4)
    for source, leads in leads_of(box).items():
        assert_in_postgres(database, source, leads)
    renamed = database.query("select id from kommo_leads where name = 'Edited'")
    assert {row["id"] for row in renamed} == set(edited)
