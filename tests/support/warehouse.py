"""Load what the tap emits into PostgreSQL or files, and build the dbt package's models on it."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.support.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.support.database import Database, Row

MELTANO = ROOT / ".meltano"
DUCKDB = MELTANO / "utilities/dbt-duckdb/venv/bin/python"
MODELS = (
    "leads", "people", "lead_contacts", "lead_tags", "lead_products", "lead_custom_fields",
    "lead_stage_history", "pipeline_funnel", "win_rate", "lost_reasons", "lead_touches", "activity",
    "sync_health",
)  # fmt: skip
DATES = {"created", "removed"}
READ = """
import decimal, duckdb, json, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
found = {}
for name in sys.argv[2:]:
    cursor = connection.execute(f"select * from analytics.{name}")
    columns = [column[0] for column in cursor.description]
    found[name] = [dict(zip(columns, row)) for row in cursor.fetchall()]
plain = lambda value: float(value) if isinstance(value, decimal.Decimal) else str(value)
print(json.dumps(found, default=plain))
"""


def models(
    database: Database,
    engine: str,
    others: Mapping[str, list[Row]] | None = None,
    commands: Sequence[str] = ("dbt build",),
    project: Path = ROOT / "dbt",
    **variables: Any,
) -> dict[str, list[Row]]:
    """Load the messages of the last runs, build every model, and return the rows of each.

    Args:
        database: Where the runs of the tap were extracted to.
        engine: `postgres`, or `duckdb` over the files of target-jsonl.
        others: Rows of tables that no stream loads, by the name of the table.
        commands: Commands to run.
        project: The folder of the dbt project.
        variables: Variables of the package.
    """
    folder, place = database.folder, f"{database.schema}_models"
    variables["leads_schema"] = database.schema
    if engine == "duckdb":
        database.write_files()
        variables["leads_jsonl_path"] = str(folder)
        for name, rows in (others or {}).items():
            lines = [json.dumps(row) + "\n" for row in rows]
            (folder / f"{name}.jsonl").write_text("".join(lines))
    else:
        database.write()
        for name, rows in (others or {}).items():
            create(database, name, rows)
    environment = {
        "DBT_POSTGRES_HOST": database.server.url.partition("host=")[2],
        "DBT_POSTGRES_SCHEMA": place,
        "DBT_DUCKDB_PATH": str(folder / "leads.duckdb"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_PROFILES_DIR": str(project / "profiles"),
        "DBT_TARGET": engine,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_WARN_ERROR": "true",
        "PATH": f"{MELTANO / f'utilities/dbt-{engine}/venv/bin'}:{os.environ['PATH']}",
    }
    for command in commands:
        done = subprocess.run(
            ["sh", "-c", f"{command} --vars '{json.dumps(variables)}'"],  # noqa: S607 - any shell
            env={**os.environ, **environment}, capture_output=True, text=True, check=False,
            timeout=280, cwd=project,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:]
    if engine == "postgres":
        return {
            name: [plain(row) for row in database.query(f"select * from {place}.{name}")]  # noqa: S608 - ours
            for name in MODELS
        }
    path = folder / "leads.duckdb"
    printed = subprocess.check_output([DUCKDB, "-c", READ, path, *MODELS], text=True)
    found: dict[str, list[Row]] = json.loads(printed)
    return found


def create(database: Database, table: str, rows: list[Row]) -> None:
    """Create a table with these rows."""
    types = {str: "text", int: "bigint"}
    columns = {
        name: "timestamp" if name.endswith("_at") or name in DATES else types[type(value)]
        for name, value in rows[0].items()
    }
    declared = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    database.query(f"create table {table} ({declared})")
    for row in rows:
        values = ", ".join(f"'{value}'" for value in row.values())
        database.query(f"insert into {table} values ({values})")  # noqa: S608 - ours


def plain(row: Row) -> Row:
    """Return a row with dates as text and numbers as floats, as it is read from DuckDB."""

    def value(given: Any) -> Any:
        if isinstance(given, Decimal):
            return float(given)
        return str(given) if isinstance(given, date) else given

    return {name: value(given) for name, given in row.items()}
