"""Load what the tap emits into PostgreSQL with target-postgres, and query the tables."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import dict_row

from tests.support import program

if TYPE_CHECKING:
    from demo.postgres import Postgres

LOADERS = Path(__file__).parent.parent.parent / ".meltano/loaders"
TARGET = LOADERS / "target-postgres/venv/bin/target-postgres"
FILES = LOADERS / "target-jsonl/venv/bin/target-jsonl"
"""The loaders, where `make .meltano/installed` installs them."""
Row = dict[str, Any]


@dataclass
class Database:
    """A schema of its own, which runs of the tap are loaded into; each resumes from the last.

    Attributes:
        server: The PostgreSQL server.
        folder: A folder for files of the tap and the loader.
        schema: The name of the schema.
        state: The state that the next run starts from.
    """

    server: Postgres
    folder: Path
    schema: str
    state: Any = None
    _messages: bytes = field(default=b"", init=False)

    def load(self, config: Row, catalog: Row | None = None) -> None:
        """Run the tap once and load its messages; the next state is the one the loader prints."""
        self.extract(config, catalog)
        self.write()

    def extract(self, config: Row, catalog: Row | None = None) -> None:
        """Run the tap once, and keep its messages for the next `write`."""
        output = self.folder / "messages.jsonl"
        tap = program.start(
            self.folder, stdout=output, config=config, catalog=catalog, state=self.state
        )
        assert tap.end() == 0, tap.stderr[-2000:]
        messages = output.read_bytes()
        self._messages += messages
        self.state = json.loads(messages.splitlines()[-1])["value"]

    def write(self) -> None:
        """Load the messages of all runs since the last `write`."""
        target = self.folder / "target.json"
        settings = {
            "sqlalchemy_url": self.server.url.replace("://", "+psycopg://"),
            "default_target_schema": self.schema,
            "load_method": "upsert",
        }
        target.write_text(json.dumps(settings))
        loaded = subprocess.run(
            [TARGET, "--config", target],
            input=self._messages,
            capture_output=True,
            check=False,
            timeout=300,
            env={**os.environ, "PYTHONPATH": ""},
        )
        assert loaded.returncode == 0, loaded.stderr[-2000:].decode()
        self._messages = b""
        self.state = json.loads(loaded.stdout.splitlines()[-1])

    def write_files(self) -> None:
        """Write the messages of all runs since the last `write` into files, with target-jsonl."""
        target = self.folder / "target.json"
        target.write_text(json.dumps({"destination_path": str(self.folder)}))
        subprocess.run(
            [FILES, "--config", target], input=self._messages, capture_output=True, check=True
        )
        self._messages = b""

    def query(self, query: str) -> list[Row]:
        """Return the rows of a query on the tables of this schema."""
        options = f"-c search_path={self.schema}"
        with psycopg.connect(self.server.url, options=options, row_factory=dict_row) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    def types(self, table: str) -> dict[str, str]:
        """Return the types of a table's columns."""
        rows = self.query(
            "select column_name, data_type from information_schema.columns "  # noqa: S608 - ours
            f"where table_schema = '{self.schema}' and table_name = '{table}'"
        )
        return {row["column_name"]: row["data_type"] for row in rows}
