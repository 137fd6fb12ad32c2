"""The table in PostgreSQL that keeps the tokens of many accounts: one row for each."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import msgspec

from tap_leads.errors import Code
from tap_leads.rest.auth.token_row import TABLE, locked_row
from tap_leads.rest.auth.token_store import Tokens, TokensMovedError
from tap_leads.rest.errors import CredentialError, NoResponseError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psycopg

    from tap_leads.rest.auth.token_row import LockedRow, Row

# Seconds for which tokens that were issued are tried to be saved.
SAVE_SECONDS = 60
_PAUSE_SECONDS = 1
_LOCK_NOT_AVAILABLE = "55P03"
# The SQLSTATEs of a server that is not there, starts, ends, or has too many connections.
_UNAVAILABLE = ("08", "57P01", "57P02", "57P03", "53300")


class DatabaseUnavailableError(NoResponseError):
    """There is no connection to the database, which a retry may improve.

    If it persists, every request of the account would fail.
    """

    code = Code.TOKEN_STORE
    is_of_api = False

    def __init__(self, cause: str, advice: str) -> None:
        super().__init__(cause, advice, is_unreachable=True)


def _is_unavailable(error: psycopg.Error) -> bool:
    """Return True unless the server answered with an error, such as a password that is wrong."""
    import psycopg  # noqa: PLC0415

    if error.sqlstate:
        return error.sqlstate.startswith(_UNAVAILABLE)
    # The server asks for a password only if it is there.
    is_refused = error.pgconn is not None and error.pgconn.used_password
    return isinstance(error, psycopg.OperationalError) and not is_refused


class TokenTable:
    """One account's tokens in a row of the table; both are created when they are first needed.

    `address` is the SQLAlchemy address of the database, which is never logged. `source` is the
    settings object of the account's source, and `account` the account's label.
    """

    def __init__(self, address: str, source: str, account: str) -> None:
        self._address = address
        self._source = source
        self._account = account
        self._row: LockedRow | None = None

    @property
    def place(self) -> str:
        """Return which row of which table, for messages."""
        return f"the row ({self._source}, {self._account}) of {TABLE}"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the row against other programs and threads until its tokens are saved.

        Nothing is left to write then. If the new tokens have to be replaced at once, `draft` locks
        the row again.

        Raises:
            DatabaseUnavailableError: There is no connection to the database.
            CredentialError: The database or the table cannot be used, or the lock is not released.
        """
        with self._connected() as row:
            self._row = row
            try:
                yield
            finally:
                self._row = None

    def load(self) -> Tokens | None:
        """Return the tokens of the locked row, None if there are none yet.

        Raises:
            TokensMovedError: The tokens are in another place now.
            CredentialError: The row has something else in it.
        """
        row = self._held.content
        if row.is_moved:
            raise TokensMovedError(self.place)
        if row.is_empty:
            return None
        try:
            return msgspec.convert(
                {**row._asdict(), "spent": msgspec.json.decode(row.spent)}, Tokens
            )
        except msgspec.DecodeError:
            raise CredentialError(
                f"{self.place} has no valid tokens; delete the row and authorize the integration "
                "again",
                code=Code.TOKEN_STORE,
            ) from None

    @contextmanager
    def draft(self) -> Iterator[Callable[[Tokens], None]]:
        """Yield a function that saves tokens which are yet to be requested.

        The row is written before, in the transaction that locks it: a lost connection, missing
        rights, and a database that is full or read-only are found out while the old tokens are
        valid. The new ones are committed when that function returns.

        Raises:
            DatabaseUnavailableError: The connection was lost.
            CredentialError: The row cannot be written.
            TransientError: Another program has replaced the tokens.
        """
        row = self._held
        with self._readable_errors("written"):
            if not row.is_locked:
                before = row.content
                row.lock()
                self._require_same(row.content, before)
            row.touch()
        yield lambda tokens: self._save(row, tokens)

    def retire(self) -> None:
        """Replace the tokens by a note that they were moved; `load` then raises."""
        with self._readable_errors("written"):
            self._held.retire()

    @property
    def _held(self) -> LockedRow:
        if self._row is None:
            raise RuntimeError("the row is not locked")
        return self._row

    def _save(self, row: LockedRow, tokens: Tokens) -> None:
        failure: CredentialError | DatabaseUnavailableError
        try:
            with self._readable_errors("written"):
                row.commit(tokens)
        except (CredentialError, DatabaseUnavailableError) as error:
            failure = error
        else:
            return
        # The old tokens may be invalid, so the new ones are not given up with the connection.
        row.close()
        deadline = time.monotonic() + SAVE_SECONDS
        while time.monotonic() < deadline:
            try:
                with self._connected() as other, self._readable_errors("written"):
                    self._save_again(other, row.content, tokens)
            except (CredentialError, DatabaseUnavailableError) as error:
                failure = error
                time.sleep(_PAUSE_SECONDS)
            else:
                return
        raise CredentialError(
            f"the API issued new tokens that could not be saved: {failure.cause}",
            f"{failure.advice}. If the next run fails as well, authorize the integration again and "
            f"set `{self._source}.oauth.code` to the new code",
            code=Code.TOKEN_STORE,
        )

    def _save_again(self, row: LockedRow, before: Row, tokens: Tokens) -> None:
        """Save tokens with another connection than the one in which `before` was read."""
        now = row.content
        if (now.access_token, now.refresh_token) == (tokens.access_token, tokens.refresh_token):
            return  # only the response to the commit was lost
        if not now.is_empty:
            self._require_same(now, before)
        row.commit(tokens)

    def _require_same(self, now: Row, before: Row) -> None:
        """Raise an error if another program had the lock and saved other tokens."""
        if not now.is_same(before):
            raise TransientError(
                f"another process has replaced the tokens in {self.place}", code=Code.TOKEN_STORE
            )

    @contextmanager
    def _connected(self) -> Iterator[LockedRow]:
        with ExitStack() as stack:
            with self._readable_errors("used"):
                row = stack.enter_context(locked_row(self._address, self._source, self._account))
            yield row

    @contextmanager
    def _readable_errors(self, what: str) -> Iterator[None]:
        """Turn an error of the driver into a message, without its text: it may hold values."""
        setting = f"`{self._source}.oauth.token_store`"
        try:
            import psycopg  # noqa: PLC0415  # few runs need it, and it is slow
        except ImportError:
            raise CredentialError(
                f"{setting} requires a driver for PostgreSQL; run "
                "`pip install 'tap-leads[postgres]'`",
                code=Code.TOKEN_STORE,
            ) from None
        try:
            yield
        except psycopg.Error as error:
            if error.sqlstate == _LOCK_NOT_AVAILABLE:
                raise CredentialError(
                    f"another process keeps {self.place} locked; stop it and run the sync again",
                    code=Code.TOKEN_STORE_LOCKED,
                ) from None
            reason = type(error).__name__
            reason += f", SQLSTATE {error.sqlstate}" if error.sqlstate else ""
            cause = f"{self.place} cannot be {what} ({reason})"
            advice = (
                f"Check {setting}, that the database accepts connections and changes, and that the "
                f"user may create, read, insert into and update {TABLE}"
            )
            if _is_unavailable(error):
                raise DatabaseUnavailableError(cause, advice) from None
            raise CredentialError(cause, advice, code=Code.TOKEN_STORE) from None
