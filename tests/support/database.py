"""The tap and target-postgres as programs, one piped into the other, and what is in the tables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import dict_row

if TYPE_CHECKING:
    from demo.postgres import Postgres

TARGET = (
    Path(__file__).parent.parent.parent
    / ".meltano/loaders/target-postgres/venv/bin/target-postgres"
)
"""The loader as `make .meltano/installed` puts it there."""
Row = dict[str, Any]


@dataclass
class Database:
    """A schema of its own, which the tap's runs are loaded into, each going on from the last."""

    server: Postgres
    folder: Path
    schema: str
    state: Any = None

    def load(self, config: Row, catalog: Row | None = None) -> None:
        """Run the tap once, and keep the state that the loader prints."""
        tap = [sys.executable, "-m", "tap_leads"]
        for option, content in (("config", config), ("catalog", catalog), ("state", self.state)):
            if content is not None:
                path = self.folder / f"{option}.json"
                path.write_text(json.dumps(content))
                tap += [f"--{option}", str(path)]
        settings = {
            "sqlalchemy_url": self.server.url.replace("://", "+psycopg://"),
            "default_target_schema": self.schema,
            "load_method": "upsert",
        }
        target = self.folder / "target.json"
        target.write_text(json.dumps(settings))
        environment = {**os.environ, "PYTHONPATH": ""}
        read = subprocess.run(tap, capture_output=True, check=False, timeout=120)
        assert read.returncode == 0, read.stderr[-2000:].decode()
        loaded = subprocess.run(
            [TARGET, "--config", target],
            input=read.stdout,
            capture_output=True,
            check=False,
            timeout=120,
            env=environment,
        )
        assert loaded.returncode == 0, loaded.stderr[-2000:].decode()
        self.state = json.loads(loaded.stdout.splitlines()[-1])

    def query(self, query: str) -> list[Row]:
        """The rows of a query, whose tables are those of this schema."""
        options = f"-c search_path={self.schema}"
        with psycopg.connect(self.server.url, options=options, row_factory=dict_row) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    def types(self, table: str) -> dict[str, str]:
        """The columns of a table and their types."""
        rows = self.query(
            "select column_name, data_type from information_schema.columns "  # noqa: S608 - ours
            f"where table_schema = '{self.schema}' and table_name = '{table}'"
        )
        return {row["column_name"]: row["data_type"] for row in rows}
