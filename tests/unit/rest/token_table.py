"""What the tests of the table of tokens share."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from tap_leads.rest.auth.token_row import TABLE
from tap_leads.rest.auth.token_store import Tokens
from tap_leads.rest.auth.token_table import DatabaseUnavailableError, TokenTable
from tap_leads.rest.errors import CredentialError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_leads.errors import LeadsError
    from tests.support.token_database import TokenDatabase

TOKENS = Tokens("access", "refresh", obtained_at=1000.5, expires_at=87_400.0, spent=("a", "b"))
NEWER = Tokens("access2", "refresh2", obtained_at=2000.0, expires_at=88_400.0, spent=("c",))


def store(database: TokenDatabase, account: str = "acme") -> TokenTable:
    """Return what a run would begin with."""
    return TokenTable(database.address, "crm", account)


def save(database: TokenDatabase, tokens: Tokens = TOKENS, account: str = "acme") -> None:
    """Save tokens as a run does."""
    table = store(database, account)
    with table.locked(), table.draft() as saved:
        saved(tokens)


def load(database: TokenDatabase, account: str = "acme") -> Tokens | None:
    """Load tokens as a run does."""
    table = store(database, account)
    with table.locked():
        return table.load()


def started(work: Callable[[], Any]) -> threading.Thread:
    """Return a thread that does some work."""
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def failure(work: Callable[[], Any], kind: type[LeadsError] | None = None) -> LeadsError:
    """Return the error that some work ends with, whose message is one line."""
    kinds = (kind,) if kind else (CredentialError, DatabaseUnavailableError)
    with pytest.raises(kinds) as raised:
        work()
    assert "\n" not in str(raised.value)
    return raised.value


def fill(database: TokenDatabase, when: str = "") -> None:
    """Let changes of the table fail as they do once the disk is full."""
    database.query(
        "create function no_space() returns trigger language plpgsql as "
        "'begin raise exception using errcode = ''disk_full''; end'"
    )
    database.query(
        f"create trigger no_space before update on {TABLE} for each row {when} "
        "execute function no_space()"
    )
