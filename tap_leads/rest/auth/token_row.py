"""One row of the table of tokens, locked in a transaction of PostgreSQL.

The lock ends with the transaction, and so with the connection of a killed process. Nothing is
kept in a session: PgBouncer may give each transaction another one.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from tap_leads.rest.auth.token_store import LOCK_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Connection, Cursor

    from tap_leads.rest.auth.token_store import Tokens

TABLE = "tap_leads_tokens"
CREATE = f"""\
CREATE TABLE IF NOT EXISTS {TABLE} (
  source text NOT NULL,
  account text NOT NULL,
  access_token text,
  refresh_token text,
  obtained_at timestamp with time zone,
  expires_at timestamp with time zone,
  spent text NOT NULL DEFAULT '[]',
  version bigint NOT NULL DEFAULT 0,
  updated_at timestamp with time zone NOT NULL DEFAULT now(),
  PRIMARY KEY (source, account)
)"""
# `CREATE TABLE IF NOT EXISTS` needs the right to create even if the table exists.
_EXISTS = f"SELECT to_regclass('{TABLE}') IS NOT NULL"
# For one transaction: limits of the role do not end it while the API is slow, the server notices
# within a minute if the other machine is gone, and what is committed is on the disk.
_CONFIGURE = """
SELECT set_config(name, CASE name WHEN 'lock_timeout' THEN %(lock_timeout)s
  WHEN 'tcp_keepalives_idle' THEN '30' WHEN 'tcp_keepalives_interval' THEN '10'
  WHEN 'tcp_keepalives_count' THEN '3' WHEN 'synchronous_commit' THEN 'on' ELSE '0' END, true)
FROM pg_settings
WHERE name IN ('idle_in_transaction_session_timeout', 'lock_timeout', 'statement_timeout',
  'tcp_keepalives_count', 'tcp_keepalives_idle', 'tcp_keepalives_interval', 'transaction_timeout')
  OR (name = 'synchronous_commit' AND setting = 'off')
"""
_KEY = "WHERE source = %(source)s AND account = %(account)s"
_INSERT = f"""
INSERT INTO {TABLE} (source, account) VALUES (%(source)s, %(account)s) ON CONFLICT DO NOTHING
"""  # noqa: S608  # only the name of the table is inserted, here and below
_LOCK = f"""
SELECT version, access_token, refresh_token, extract(epoch FROM obtained_at)::float8,
  extract(epoch FROM expires_at)::float8, spent
FROM {TABLE} {_KEY} FOR UPDATE
"""  # noqa: S608
# Every column that `_WRITE` sets, because the right to update may be limited to some columns.
_TOUCH = f"""
UPDATE {TABLE} SET access_token = access_token, refresh_token = refresh_token,
  obtained_at = obtained_at, expires_at = expires_at, spent = spent,
  version = version + 1, updated_at = now() {_KEY} AND version = %(version)s
"""  # noqa: S608
_WRITE = f"""
UPDATE {TABLE} SET access_token = %(access_token)s, refresh_token = %(refresh_token)s,
  obtained_at = to_timestamp(%(obtained_at)s), expires_at = to_timestamp(%(expires_at)s),
  spent = %(spent)s, version = %(version)s + 1, updated_at = now()
  {_KEY} AND version IN (%(version)s, %(version)s + 1)
"""  # noqa: S608

# What `spent` has once the tokens were moved: no digest of a token is so short.
_MOVED = '["moved"]'
_RETIRE = f"""
UPDATE {TABLE} SET access_token = NULL, refresh_token = NULL, obtained_at = NULL,
  expires_at = NULL, spent = '{_MOVED}', version = %(version)s + 1, updated_at = now()
  {_KEY} AND version IN (%(version)s, %(version)s + 1)
"""  # noqa: S608

# The SQLSTATEs of creating what another program creates at the same time.
_CREATED_MEANWHILE = {"23505", "42P07", "42710"}
# The last moment that programs in most languages can read.
_LAST_MOMENT = 253_402_300_799.0
# A connection that does not answer is given up after 10 seconds, or 30 once it was open.
_CONNECTION: dict[str, Any] = {
    "application_name": "tap-leads",
    "client_encoding": "utf8",
    "connect_timeout": 10,
    "tcp_user_timeout": 30_000,
}


class Row(NamedTuple):
    """The content of a row; there are no tokens in it before the first are saved."""

    version: int
    access_token: str | None
    refresh_token: str | None
    obtained_at: float | None
    expires_at: float | None
    spent: str

    @property
    def is_empty(self) -> bool:
        """True if the row has no tokens yet."""
        return self.access_token is None and self.refresh_token is None

    @property
    def is_moved(self) -> bool:
        """True if the tokens were moved to another place."""
        return self.is_empty and self.spent == _MOVED

    def is_same(self, other: Row) -> bool:
        """Return True if nobody has changed the tokens between two looks at a row."""
        return self[:3] == other[:3]


class LockedRow:
    """An account's row, and the connection whose transaction locks it.

    Every method raises `psycopg.Error` if the database does not do what it should.

    Attributes:
        content: The row as it was when it was locked, or as it was committed.
        is_locked: False once tokens were committed.
    """

    content: Row
    is_locked = False

    def __init__(self, connection: Connection[Any], source: str, account: str) -> None:
        self._connection = connection
        self._key = {"source": source, "account": account}

    def lock(self) -> None:
        """Wait for the lock and read the row; a missing row or table is created."""
        self._create_table()
        self._execute(_CONFIGURE, lock_timeout=f"{LOCK_SECONDS * 1000:.0f}ms")
        # The insert waits for another program that is about to insert the row. The row is then
        # there, unless that program rolled back.
        while (found := self._execute(_LOCK).fetchone()) is None:
            self._execute(_INSERT)
        self.content = Row(*found)
        self.is_locked = True

    def touch(self) -> None:
        """Write the row as `commit` will, but leave its tokens as they are."""
        self._require_one(self._execute(_TOUCH, version=self.content.version))

    def commit(self, tokens: Tokens) -> None:
        """Write tokens and end the transaction, and with it the lock."""
        new = Row(
            version=self.content.version + 1,
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            obtained_at=tokens.obtained_at,
            expires_at=min(tokens.expires_at, _LAST_MOMENT),
            spent=msgspec.json.encode(tokens.spent).decode(),
        )
        values = {**new._asdict(), "version": self.content.version}
        self._require_one(self._execute(_WRITE, **values))
        self._connection.commit()
        self.content = new
        self.is_locked = False

    def retire(self) -> None:
        """Replace the tokens by a note that they were moved, and end the transaction."""
        self._require_one(self._execute(_RETIRE, version=self.content.version))
        self._connection.commit()
        self.is_locked = False

    def close(self) -> None:
        """End the transaction without a change, and close the connection."""
        import psycopg  # noqa: PLC0415

        # PgBouncer keeps a session only if its transaction is over.
        with suppress(psycopg.Error):
            self._connection.rollback()
        self._connection.close()

    def _create_table(self) -> None:
        import psycopg  # noqa: PLC0415  # few runs need it, and it is slow

        if self._execute(_EXISTS).fetchone() == (True,):
            return
        try:
            self._execute(CREATE)
            self._connection.commit()
        except psycopg.Error as error:
            if error.sqlstate not in _CREATED_MEANWHILE:
                raise
            self._connection.rollback()

    def _execute(self, statement: str, **values: Any) -> Cursor[Any]:
        return self._connection.execute(statement.encode(), {**self._key, **values})

    @staticmethod
    def _require_one(cursor: Cursor[Any]) -> None:
        """Raise an error if not exactly one row was written, such as by a policy or a trigger."""
        import psycopg  # noqa: PLC0415

        if cursor.rowcount != 1:
            raise psycopg.DataError


@contextmanager
def locked_row(address: str, source: str, account: str) -> Iterator[LockedRow]:
    """Connect, and lock the row of an account until its tokens are committed or the block ends.

    Args:
        address: The SQLAlchemy address of the database.
        source: The settings object of the account's source.
        account: The account's label.

    Raises:
        ImportError: The driver is not installed.
        psycopg.Error: The database or the table cannot be used.
    """
    import psycopg  # noqa: PLC0415
    from sqlalchemy import make_url  # noqa: PLC0415

    # At lower levels the driver logs the host and the user, and texts of the server.
    logging.getLogger("psycopg").setLevel(logging.CRITICAL + 1)
    url = make_url(address).set(drivername="postgresql+psycopg")
    _, options = url.get_dialect()().create_connect_args(url)
    # PgBouncer may prepare a statement in one session and execute it in another.
    connection = psycopg.connect(**{**_CONNECTION, **options}, prepare_threshold=None)
    # A role's default may be one that fails after the wait for a lock.
    connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    row = LockedRow(connection, source, account)
    try:
        row.lock()
        yield row
    finally:
        row.close()
