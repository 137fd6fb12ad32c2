"""The row of a table that keeps an account's tokens, in a real PostgreSQL."""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from tap_leads.errors import Code
from tap_leads.rest.auth.token_row import CREATE, TABLE
from tap_leads.rest.auth.token_store import Tokens
from tap_leads.rest.errors import TransientError
from tests.support.logs import code_of, uncoded
from tests.support.program import until
from tests.support.token_database import PASSWORD
from tests.unit.rest.token_table import NEWER, TOKENS, failure, load, save, started, store

if TYPE_CHECKING:
    from tests.support.token_database import TokenDatabase

pytestmark = pytest.mark.postgres


def test_tokens_that_are_saved_are_loaded(token_database: TokenDatabase) -> None:
    assert load(token_database) is None
    save(token_database)
    assert load(token_database) == TOKENS
    assert token_database.row["version"] == 1
    save(token_database, NEWER)
    assert load(token_database) == NEWER
    assert token_database.row["version"] == 2


def test_accounts_share_a_table_and_no_tokens(token_database: TokenDatabase) -> None:
    save(token_database, TOKENS, "Лид, 1")
    save(token_database, NEWER, "acme")
    assert load(token_database, "Лид, 1") == TOKENS
    assert load(token_database, "acme") == NEWER
    assert [(row["source"], row["account"]) for row in token_database.rows] == [
        ("crm", "acme"),
        ("crm", "Лид, 1"),
    ]


def test_a_draft_that_is_not_saved_leaves_the_table_as_it_was(
    token_database: TokenDatabase,
) -> None:
    def abandon() -> None:
        table = store(token_database)
        with table.locked(), table.draft():
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        abandon()
    assert token_database.rows == []
    save(token_database)
    before = token_database.rows
    with pytest.raises(ZeroDivisionError):
        abandon()
    assert token_database.rows == before


def test_tokens_that_never_expire_are_saved(token_database: TokenDatabase) -> None:
    save(token_database, Tokens("a", "r", obtained_at=0.0, expires_at=1e300))
    loaded = load(token_database)
    assert loaded is not None
    assert not loaded.is_due(200e9)


def test_the_table_may_be_created_by_two_programs_at_once(token_database: TokenDatabase) -> None:
    with psycopg.connect(token_database.address.replace("+psycopg", "")) as other:
        other.execute(CREATE.encode())
        thread = started(lambda: save(token_database))
        until(lambda: token_database.waiting)
    thread.join()
    assert load(token_database) == TOKENS


def test_the_lock_is_held_by_one_at_a_time(token_database: TokenDatabase) -> None:
    save(token_database)
    loaded: list[Tokens | None] = []
    table = store(token_database)
    with table.locked():
        thread = started(lambda: loaded.append(load(token_database)))
        until(lambda: token_database.waiting)
        with table.draft() as saved:
            saved(NEWER)
    thread.join()
    assert loaded == [NEWER]


@pytest.mark.parametrize("is_saved", [True, False])
def test_a_row_that_another_program_inserts_is_waited_for(
    token_database: TokenDatabase, *, is_saved: bool
) -> None:
    load(token_database)
    loaded: list[Tokens | None] = []
    table = store(token_database)
    with table.locked():
        thread = started(lambda: loaded.append(load(token_database)))
        until(lambda: token_database.waiting)
        if is_saved:
            with table.draft() as saved:
                saved(TOKENS)
    thread.join()
    assert loaded == [TOKENS if is_saved else None]


def test_a_lock_that_is_not_released_is_an_error(
    token_database: TokenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(token_database)
    monkeypatch.setattr("tap_leads.rest.auth.token_row.LOCK_SECONDS", 0.05)
    with store(token_database).locked():
        error = failure(lambda: load(token_database))
    assert str(error) == (
        f"another process keeps the row (crm, acme) of {TABLE} locked; stop it and run the sync "
        "again [token-store-locked]"
    )
    assert load(token_database) == TOKENS


def test_tokens_that_are_replaced_at_once_are_locked_again(token_database: TokenDatabase) -> None:
    table = store(token_database)
    with table.locked():
        for tokens in (TOKENS, NEWER):
            with table.draft() as saved:
                saved(tokens)
        assert load(token_database) == NEWER
        save(token_database, TOKENS)
        with pytest.raises(TransientError, match="another process has replaced the tokens"):
            table.draft().__enter__()
    assert load(token_database) == TOKENS
    assert token_database.row["version"] == 3


@pytest.mark.parametrize(
    "change",
    [
        "access_token = null",
        "refresh_token = null",
        "expires_at = null",
        "access_token = E'canary-4f1c\\r\\nX: 1'",
        "spent = 'canary-4f1c'",
        "spent = '[1]'",
    ],
)
def test_a_row_that_the_tap_has_not_written_is_an_error_and_left_alone(
    token_database: TokenDatabase, change: str
) -> None:
    save(token_database)
    token_database.query(f"update {TABLE} set {change}")  # noqa: S608
    before = token_database.row
    error = failure(lambda: load(token_database))
    assert uncoded(str(error)) == (
        f"the row (crm, acme) of {TABLE} has no valid tokens; delete the row and authorize the "
        "integration again"
    )
    assert token_database.row == before


@pytest.mark.parametrize(
    "limit",
    [
        "idle_in_transaction_session_timeout = 100",
        "transaction_timeout = 200",
        "statement_timeout = 100",
        "lock_timeout = 100",
        "default_transaction_isolation = 'serializable'",
    ],
)
def test_limits_of_the_role_do_not_end_a_wait(
    token_database: TokenDatabase, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(token_database)
    token_database.run(f"alter role {token_database.name} set {limit}")
    monkeypatch.setattr("tap_leads.rest.auth.token_table.SAVE_SECONDS", 0)
    loaded: list[Tokens | None] = []
    table = store(token_database)
    with table.locked(), table.draft() as saved:
        thread = started(lambda: loaded.append(load(token_database)))
        until(lambda: token_database.waiting)
        time.sleep(0.4)  # longer than the limit, and nothing happens that could be waited for
        saved(NEWER)
    thread.join()
    assert loaded == [NEWER]


def test_a_commit_is_on_the_disk_whatever_the_role_has_set(token_database: TokenDatabase) -> None:
    save(token_database)
    token_database.run(f"alter role {token_database.name} set synchronous_commit = off")
    token_database.query(
        "create function check_commit() returns trigger language plpgsql as $$ begin "
        "assert current_setting('synchronous_commit') = 'on'; return new; end $$"
    )
    token_database.query(
        f"create trigger t before update on {TABLE} for each row execute function check_commit()"
    )
    save(token_database, NEWER)


def test_nothing_is_kept_in_a_session(token_database: TokenDatabase) -> None:
    token_database.run(f"alter role {token_database.name} set log_statement = 'all'")
    size = token_database.server.log.stat().st_size
    for tokens in (TOKENS, NEWER):
        save(token_database, tokens)
    log = token_database.server.log.read_bytes()[size:].decode()
    lines = [line for line in log.splitlines() if "LOG:  " in line]
    statements = [line.partition("LOG:  ")[2].partition(": ")[::2] for line in lines]
    assert "UPDATE" in log
    assert {kind for kind, _ in statements} <= {"statement", "execute <unnamed>"}
    assert not [text for _, text in statements if text.upper().startswith(("SET ", "LISTEN"))]


def test_without_the_driver_the_error_says_what_to_install(
    token_database: TokenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert str(failure(store(token_database).locked().__enter__)) == (
        "`crm.oauth.token_store` requires a driver for PostgreSQL; run "
        "`pip install 'tap-leads[postgres]'` [token-store]"
    )


def test_no_log_and_no_error_shows_the_address_or_a_token(
    token_database: TokenDatabase, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for logger in (None, "psycopg", "sqlalchemy"):
        caplog.set_level(logging.DEBUG, logger)
    monkeypatch.setattr("tap_leads.rest.auth.token_table.SAVE_SECONDS", 0.05)
    logging.getLogger("tests").debug("DEBUG")
    save(token_database)
    errors: list[object] = []
    table = store(token_database)
    with table.locked(), table.draft() as saved:
        token_database.stop()
        errors.append(failure(lambda: saved(NEWER)))
    errors.append(failure(lambda: load(token_database)))
    told = caplog.text + repr(errors) + repr(vars(errors[0]))
    assert "DEBUG" in told
    secrets = [PASSWORD, token_database.name, token_database.address, "refresh2"]
    assert [secret for secret in secrets if secret in told] == []


def test_every_message_has_a_code(token_database: TokenDatabase) -> None:
    token_database.stop()
    assert code_of(str(failure(lambda: load(token_database)))) is Code.TOKEN_STORE
