"""A database that keeps tokens, and what can happen to it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

import psycopg
from psycopg.rows import dict_row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.postgres import Postgres

PASSWORD = "canary-4f1c"
# Another session can keep a commit that changes tokens from being completed.
SLOW_COMMIT = """
create function slow() returns trigger language plpgsql security definer as
'begin perform pg_advisory_xact_lock(1); return new; end';
create constraint trigger slow after update of access_token on tap_leads_tokens
deferrable initially deferred for each row
when (old.access_token is distinct from new.access_token) execute function slow();
"""


@dataclass
class TokenDatabase:
    """A database of its own on a server, and a role that may only use it.

    Attributes:
        server: The PostgreSQL server.
        name: The name of the database and the role.
    """

    server: Postgres
    name: str = field(default_factory=lambda: f"tokens_{os.urandom(6).hex()}")

    def __post_init__(self) -> None:
        """Create the database and the role."""
        self.run(f"create role {self.name} login password '{PASSWORD}'")
        self.run(f"create database {self.name} owner {self.name}")

    def drop(self) -> None:
        """Delete both."""
        self.run(f"drop database {self.name} with (force)")
        self.run(f"drop role {self.name}")

    @property
    def address(self) -> str:
        """Return the SQLAlchemy address, as the setting has it."""
        folder = quote(self.server.url.partition("host=")[2], safe="")
        return f"postgresql+psycopg://{self.name}:{PASSWORD}@/{self.name}?host={folder}"

    def run(self, statement: str) -> list[dict[str, Any]]:
        """Execute a statement as the administrator of the server, in another database."""
        return self._execute(self.server.url, statement)

    def query(self, statement: str) -> list[dict[str, Any]]:
        """Execute a statement in this database as its administrator."""
        return self._execute(self.url, statement)

    @property
    def url(self) -> str:
        """Return the URL of this database for its administrator."""
        return self.server.url.replace("/postgres?", f"/{self.name}?")

    @staticmethod
    def _execute(url: str, statement: str) -> list[dict[str, Any]]:
        with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of all accounts that are committed."""
        return self.query("select * from tap_leads_tokens order by source, account")

    @property
    def row(self) -> dict[str, Any]:
        """Return the row of the only account."""
        (row,) = self.rows
        return row

    @property
    def backends(self) -> list[int]:
        """Return the processes that serve connections of the role."""
        found = self.run(f"select pid from pg_stat_activity where usename = '{self.name}'")  # noqa: S608
        return [cast("int", each["pid"]) for each in found]

    @property
    def waiting(self) -> int:
        """Return how many connections of the role wait for a lock."""
        activity = f"pg_stat_activity where usename = '{self.name}' and wait_event_type = 'Lock'"
        return len(self.run(f"select pid from {activity}"))  # noqa: S608

    def terminate(self) -> int:
        """End the connections of the role, and return how many there were."""
        ended = [self.run(f"select pg_terminate_backend({pid}, 10000)") for pid in self.backends]
        return len(ended)

    def stop(self) -> None:
        """Take the database away: it ends all connections and accepts no others."""
        self.run(f"alter database {self.name} allow_connections false")
        self.terminate()

    def start(self) -> None:
        """Let the database accept connections again."""
        self.run(f"alter database {self.name} allow_connections true")

    @contextmanager
    def session(self, statement: str) -> Iterator[None]:
        """Keep a transaction open that has executed a statement."""
        with psycopg.connect(self.url) as connection:
            connection.execute(statement.encode())
            yield

    @contextmanager
    def slow_commits(self) -> Iterator[None]:
        """Keep commits that change tokens from being completed."""
        self.query(SLOW_COMMIT)
        with self.session("select pg_advisory_xact_lock(1)"):
            yield

    def expire(self) -> None:
        """Let the rows say that the access tokens have expired."""
        self.query("update tap_leads_tokens set expires_at = '2023-11-14T00:00:00Z'")
