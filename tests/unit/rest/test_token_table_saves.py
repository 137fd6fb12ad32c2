"""Databases that fail once new tokens were issued: these are saved, or the error says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from tap_leads.rest.auth.token_row import TABLE, LockedRow
from tap_leads.rest.auth.token_store import Tokens
from tap_leads.rest.errors import TransientError
from tests.unit.rest.token_table import NEWER, TOKENS, failure, fill, load, save, store

if TYPE_CHECKING:
    from tests.support.token_database import TokenDatabase

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize("is_first", [True, False])
def test_a_connection_that_is_lost_then_is_replaced(
    token_database: TokenDatabase, *, is_first: bool
) -> None:
    if not is_first:
        save(token_database)
    table = store(token_database)
    with table.locked(), table.draft() as saved:
        assert token_database.terminate() == 1
        saved(NEWER)
        assert load(token_database) == NEWER
    assert token_database.row["version"] == (1 if is_first else 2)


def test_a_database_that_comes_back_gets_them(
    token_database: TokenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(token_database)
    monkeypatch.setattr("time.sleep", lambda _: token_database.start())
    table = store(token_database)
    with table.locked(), table.draft() as saved:
        token_database.stop()
        saved(NEWER)
    assert load(token_database) == NEWER


def test_a_database_that_gets_full_then_and_has_space_again_gets_them(
    token_database: TokenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(token_database)
    fill(token_database, "when (old.access_token <> new.access_token)")
    monkeypatch.setattr(
        "time.sleep", lambda _: token_database.query("drop function no_space cascade")
    )
    table = store(token_database)
    with table.locked(), table.draft() as saved:
        saved(NEWER)
    assert load(token_database) == NEWER


def test_a_database_that_does_not_come_back_is_an_error_that_says_what_was_lost(
    token_database: TokenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(token_database)
    monkeypatch.setattr("tap_leads.rest.auth.token_table.SAVE_SECONDS", 0.05)
    table = store(token_database)
    with table.locked(), table.draft() as saved:
        token_database.stop()
        error = failure(lambda: saved(NEWER))
    assert error.cause == (
        "the API issued new tokens that could not be saved: the row (crm, acme) of "
        "tap_leads_tokens cannot be used (OperationalError)"
    )
    assert error.advice.endswith(
        ". If the next run fails as well, authorize the integration again and set `crm.oauth.code` "
        "to the new code"
    )
    token_database.start()
    assert load(token_database) == TOKENS


def test_a_change_that_is_ignored_does_not_wait_for_its_own_lock(
    token_database: TokenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(token_database)
    monkeypatch.setattr("tap_leads.rest.auth.token_row.LOCK_SECONDS", 2)
    monkeypatch.setattr("tap_leads.rest.auth.token_table.SAVE_SECONDS", 0.05)
    token_database.query(
        "create function skip() returns trigger language plpgsql as 'begin return null; end'"
    )
    token_database.query(
        f"create trigger skip before update on {TABLE} for each row "
        "when (old.access_token <> new.access_token) execute function skip()"
    )
    table = store(token_database)
    with table.locked(), table.draft() as saved:
        assert "cannot be written (DataError)" in str(failure(lambda: saved(NEWER)))
    assert load(token_database) == TOKENS


def test_a_commit_whose_response_is_lost_is_recognized(
    token_database: TokenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = LockedRow.commit

    def lost(row: LockedRow, tokens: Tokens) -> None:
        commit(row, tokens)
        monkeypatch.undo()
        raise psycopg.OperationalError

    save(token_database)
    monkeypatch.setattr(LockedRow, "commit", lost)
    save(token_database, NEWER)
    assert load(token_database) == NEWER
    assert token_database.row["version"] == 2


@pytest.mark.parametrize("counts", [True, False], ids=["counted", "not counted"])
def test_tokens_of_a_program_that_had_the_lock_in_the_meantime_are_kept(
    token_database: TokenDatabase, *, counts: bool
) -> None:
    save(token_database)
    other = Tokens("access3", "refresh3", obtained_at=2000.0, expires_at=88_400.0)
    table = store(token_database)
    with table.locked(), table.draft() as saved:
        token_database.terminate()
        save(token_database, other)
        if not counts:
            token_database.query(f"update {TABLE} set version = 1")  # noqa: S608
        with pytest.raises(TransientError, match="another process has replaced the tokens"):
            saved(NEWER)
    assert load(token_database) == other


def test_a_row_that_was_deleted_in_the_meantime_is_inserted_again(
    token_database: TokenDatabase,
) -> None:
    save(token_database)
    table = store(token_database)
    with table.locked(), table.draft() as saved:
        token_database.terminate()
        token_database.query(f"delete from {TABLE}")  # noqa: S608
        saved(NEWER)
    assert load(token_database) == NEWER
