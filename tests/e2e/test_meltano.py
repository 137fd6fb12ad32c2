"""The whole way: settings, API, Singer messages, Meltano, CSV and PostgreSQL, all of it real."""

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

import psycopg
import pytest
from psycopg.rows import dict_row

from demo.environment import environment_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from demo.postgres import Postgres
    from sandbox import Sandbox

ROOT = Path(__file__).parent.parent.parent
MELTANO = Path(sys.executable).with_name("meltano")


@pytest.fixture
def environment(box: Sandbox, postgres: Postgres, tmp_path: Path) -> dict[str, str]:
    """Meltano's settings for the sandbox, its state and files in a folder of this test's own."""
    return environment_of(box, postgres) | {
        "MELTANO_STATE_BACKEND_URI": (tmp_path / "state").as_uri(),
        "MELTANO_DATABASE_URI": f"sqlite:///{tmp_path / 'meltano.db'}",
        "TARGET_CSV_OUTPUT_PATH": str(tmp_path),
        "TARGET_JSONL_DESTINATION_PATH": str(tmp_path),
        "TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": f"test_{os.urandom(6).hex()}",
    }


def meltano(environment: Mapping[str, str], *command: str) -> str:
    """Run Meltano in the checkout, as `make demo` does; what it said."""
    done = subprocess.run(
        [MELTANO, "--log-format=uncolored", f"--env-file={os.devnull}", *command],
        cwd=ROOT, env={**environment}, capture_output=True, text=True, check=False, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout + done.stderr


def table(postgres: Postgres, environment: Mapping[str, str], name: str) -> list[dict[str, Any]]:
    schema = environment["TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA"]
    query = psycopg.sql.SQL("select * from {}").format(psycopg.sql.Identifier(schema, name))
    with psycopg.connect(postgres.url, row_factory=dict_row) as connection:
        return connection.execute(query).fetchall()


def by_id(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {str(row["id"]): row for row in rows}


def moment(seconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None) if seconds else None


def test_every_lead_and_its_values_arrive_in_csv_files(
    box: Sandbox, environment: dict[str, str], tmp_path: Path
) -> None:
    meltano(environment, "run", "tap-leads", "target-csv")
    for slot, api in box.apis.items():
        with (tmp_path / f"{slot}_leads.csv").open(encoding="utf-8", newline="") as file:
            rows = by_id(list(csv.DictReader(file)))
        assert set(rows) == {str(lead["id"]) for lead in api.rendered()}
        for lead in api.rendered():
            row = rows[str(lead["id"])]
            if slot == "kommo":
                fields = json.loads(row["custom_fields_values"] or "null")
                assert fields == lead["custom_fields_values"]
                assert json.loads(row["tags"]) == lead["_embedded"]["tags"]
            elif slot == "octanist":
                assert (row["email"] or None) == lead["email"]
                assert (Decimal(row["value"]) if row["value"] else None) == lead["value"]
            else:
                assert json.loads(row["props"]) == lead["props"]


def test_every_lead_and_its_values_arrive_in_postgres_and_a_second_run_brings_the_changes(
    box: Sandbox, postgres: Postgres, environment: dict[str, str]
) -> None:
    meltano(environment, "run", "tap-leads", "target-postgres")
    edited = box.kommo.edit(9, name="Edited")
    new = box.octanist.insert(4)
    asked = {slot: len(api.journal) for slot, api in box.apis.items()}
    meltano(environment, "run", "tap-leads", "target-postgres")
    for slot, api in box.apis.items():
        pages = [
            request
            for request in api.journal[asked[slot] :]
            if slot != "kommo" or "filter[updated_at][from]" in request.query
        ]
        # Of Kommo a page or two of each list that is swept.
        assert 0 < len(pages) <= (8 if slot == "kommo" else 2)

    rows = by_id(table(postgres, environment, "kommo_leads"))
    leads = by_id(box.kommo.rendered())
    assert set(rows) == set(leads)
    assert {rows[str(i)]["name"] for i in edited} == {"Edited"}
    for lead_id, lead in leads.items():
        row = rows[lead_id]
        assert row["account"] == "example"
        assert row["price"] == lead["price"]
        assert row["price_with_minor_units"] == Decimal(str(lead["price_with_minor_units"]))
        assert row["updated_at"] == moment(lead["updated_at"])
        assert row["closed_at"] == moment(lead["closed_at"])
        assert json.loads(row["custom_fields_values"] or "null") == lead["custom_fields_values"]

    octanist = by_id(table(postgres, environment, "octanist_leads"))
    assert set(octanist) == set(by_id(box.octanist.rendered())) >= set(map(str, new))
    for slot in ("dashly", "carrotquest"):
        dashly = by_id(table(postgres, environment, f"{slot}_leads"))
        leads = by_id(box.apis[slot].rendered())
        assert set(dashly) == set(leads)
        for lead_id, lead in leads.items():
            assert json.loads(dashly[lead_id]["props"]) == lead["props"]


def test_native_values_are_jsonb_in_postgres(
    box: Sandbox, postgres: Postgres, environment: dict[str, str]
) -> None:
    environment["TAP_LEADS_NESTED_VALUES"] = "native"
    meltano(environment, "run", "tap-leads", "target-postgres")
    rows = by_id(table(postgres, environment, "kommo_leads"))
    for lead in box.kommo.rendered():
        tags = [{**tag, "color": tag.get("color")} for tag in lead["_embedded"]["tags"]]
        assert rows[str(lead["id"])]["tags"] == tags
    props = by_id(table(postgres, environment, "dashly_leads"))
    for lead in box.dashly.rendered():
        assert set(props[str(lead["id"])]["props"]) == set(lead["props"])


def test_every_lead_arrives_in_jsonl_files(
    box: Sandbox, environment: dict[str, str], tmp_path: Path
) -> None:
    meltano(environment, "run", "tap-leads", "target-jsonl")
    for slot, api in box.apis.items():
        (file,) = tmp_path.glob(f"{slot}_leads-*.jsonl")
        lines = file.read_text(encoding="utf-8").splitlines()
        assert {str(json.loads(line)["id"]) for line in lines} == set(by_id(api.rendered()))
