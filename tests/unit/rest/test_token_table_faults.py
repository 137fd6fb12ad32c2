"""Databases that cannot save tokens, before there are new ones and after."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from tap_leads.errors import Code
from tap_leads.rest.auth.token_row import CREATE, TABLE
from tap_leads.rest.auth.token_table import DatabaseUnavailableError, TokenTable
from tap_leads.rest.errors import CredentialError
from tests.support.logs import uncoded
from tests.unit.rest.token_table import TOKENS, failure, fill, load, save, started, store

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.token_database import TokenDatabase

pytestmark = pytest.mark.postgres


def unreachable(database: TokenDatabase) -> None:
    database.stop()


def read_only(database: TokenDatabase) -> None:
    database.run(f"alter database {database.name} set default_transaction_read_only = on")


def without_rights(database: TokenDatabase) -> None:
    database.query(f"alter table {TABLE} owner to postgres")


def with_the_right_to_read(database: TokenDatabase) -> None:
    without_rights(database)
    database.query(f"grant select, insert on {TABLE} to {database.name}")


def with_other_columns(database: TokenDatabase) -> None:
    database.query(f"alter table {TABLE} rename column spent to other")


def with_another_password(database: TokenDatabase) -> None:
    database.run(f"alter role {database.name} nologin")


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (unreachable, "OperationalError"),
        (read_only, "ReadOnlySqlTransaction, SQLSTATE 25006"),
        (without_rights, "InsufficientPrivilege, SQLSTATE 42501"),
        (with_the_right_to_read, "InsufficientPrivilege, SQLSTATE 42501"),
        (with_other_columns, "UndefinedColumn, SQLSTATE 42703"),
        (with_another_password, "OperationalError"),
    ],
)
def test_a_database_that_cannot_save_is_an_error_before_there_is_anything_to_save(
    token_database: TokenDatabase, happens: Callable[[TokenDatabase], None], reason: str
) -> None:
    save(token_database)
    happens(token_database)
    may_come_back = reason == "OperationalError"
    kind = DatabaseUnavailableError if may_come_back else CredentialError
    error = failure(lambda: load(token_database), kind)
    assert uncoded(str(error)) == (
        f"the row (crm, acme) of {TABLE} cannot be used ({reason}). Check `crm.oauth.token_store`, "
        "that the database accepts connections and changes, and that the user may create, read, "
        f"insert into and update {TABLE}"
    )
    assert error.code is Code.TOKEN_STORE


def test_without_the_right_to_create_the_table_has_to_be_there(
    token_database: TokenDatabase,
) -> None:
    name = token_database.name
    token_database.run(f"alter database {name} owner to postgres")
    assert "InsufficientPrivilege" in str(failure(lambda: load(token_database)))
    token_database.query(CREATE)
    token_database.query(f"grant select, insert, update on {TABLE} to {name}")
    save(token_database)
    assert load(token_database) == TOKENS


def test_a_server_that_is_not_there_is_an_error(token_database: TokenDatabase) -> None:
    folder = token_database.address.partition("host=")[2]
    address = token_database.address.replace(folder, f"{folder}%2Fnowhere")
    error = failure(TokenTable(address, "crm", "acme").locked().__enter__, DatabaseUnavailableError)
    assert "cannot be used (OperationalError)" in str(error)


def test_a_password_that_is_wrong_is_not_tried_again() -> None:
    """The server of the tests asks for none, so this one speaks as far as it takes."""
    request = b"R\0\0\0\x08\0\0\0\x03"  # AuthenticationCleartextPassword
    refusal = b"SFATAL\0C28P01\0Mpassword\0\0"

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            while not connection.recv(4096).startswith(b"p"):
                connection.sendall(b"N" if not asked else request)
                asked.append(1)
            connection.sendall(b"E" + (len(refusal) + 4).to_bytes(4) + refusal)

    asked: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = started(serve)
        port = server.getsockname()[1]
        address = f"postgresql+psycopg://u:p@127.0.0.1:{port}/db?gssencmode=disable"
        error = failure(TokenTable(address, "crm", "acme").locked().__enter__, CredentialError)
        thread.join()
    assert "cannot be used (OperationalError)" in str(error)


@pytest.mark.parametrize("column", ["access_token", "expires_at", "spent"])
def test_the_right_to_write_every_column_is_checked_before(
    token_database: TokenDatabase, column: str
) -> None:
    save(token_database)
    name = token_database.name
    token_database.query(f"alter table {TABLE} owner to postgres")
    columns = {"access_token", "refresh_token", "obtained_at", "expires_at", "spent", "version"}
    allowed = ", ".join({*columns, "updated_at"} - {column})
    token_database.query(f"grant select, insert, update ({allowed}) on {TABLE} to {name}")
    table = store(token_database)
    with table.locked():
        error = failure(table.draft().__enter__)
    assert "cannot be written (InsufficientPrivilege, SQLSTATE 42501)" in str(error)


def test_a_policy_that_hides_the_row_from_changes_is_found_out_before(
    token_database: TokenDatabase,
) -> None:
    save(token_database)
    token_database.query(
        "create function skip() returns trigger language plpgsql as 'begin return null; end'"
    )
    token_database.query(
        f"create trigger skip before update on {TABLE} for each row execute function skip()"
    )
    table = store(token_database)
    with table.locked():
        assert "cannot be written (DataError)" in str(failure(table.draft().__enter__))


def test_a_database_that_is_full_is_found_out_before(token_database: TokenDatabase) -> None:
    save(token_database)
    fill(token_database)
    table = store(token_database)
    with table.locked():
        assert table.load() == TOKENS
        error = failure(table.draft().__enter__)
    assert "cannot be written (DiskFull, SQLSTATE 53100)" in str(error)


def test_a_connection_that_is_lost_is_noticed_before_tokens_are_asked_for(
    token_database: TokenDatabase,
) -> None:
    save(token_database)
    table = store(token_database)
    with table.locked():
        assert table.load() == TOKENS
        assert token_database.terminate() == 1
        error = failure(table.draft().__enter__, DatabaseUnavailableError)
    assert "cannot be written (AdminShutdown, SQLSTATE 57P01)" in str(error)
