"""Tokens in a database behind PgBouncer, which gives each transaction any session of its pool."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from tap_leads.rest.auth.token_table import TokenTable
from tests.support.program import until
from tests.support.token_database import PASSWORD
from tests.unit.rest.token_table import NEWER, TOKENS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.token_database import TokenDatabase

PGBOUNCER = shutil.which("pgbouncer")

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer is not installed"),
]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can read: PgBouncer refuses to run as root."""
    with TemporaryDirectory() as path:
        Path(path).chmod(0o755)
        yield Path(path)


@pytest.fixture
def address(token_database: TokenDatabase, folder: Path) -> Iterator[str]:
    """The address of a pool of two sessions in transaction mode."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = token_database.server.url.partition("host=")[2]
    name = token_database.name
    (folder / "users").write_text(f'"{name}" "{PASSWORD}"\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n{name} = host={server} dbname={name}\n[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = plain\nauth_file = {folder / 'users'}\n"
        "pool_mode = transaction\ndefault_pool_size = 2\nserver_idle_timeout = 600\n"
    )
    command = [str(PGBOUNCER), str(folder / "pgbouncer.ini")]
    if os.name == "posix" and os.getuid() == 0:
        command[1:1] = ["--user", "nobody"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as pooler:
        try:
            until(lambda: is_listening(port))
            yield f"postgresql+psycopg://{name}:{PASSWORD}@127.0.0.1:{port}/{name}"
        finally:
            pooler.terminate()


def is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def test_tokens_are_saved_and_replaced_by_one_program_at_a_time(
    address: str, token_database: TokenDatabase
) -> None:
    found = []

    def replace() -> None:
        table = TokenTable(address, "crm", "acme")
        with table.locked():
            tokens = table.load()
            found.append(tokens)
            with table.draft() as save:
                save(NEWER if tokens else TOKENS)

    replace()
    first = TokenTable(address, "crm", "acme")
    others = [threading.Thread(target=replace) for _ in range(3)]
    with first.locked():
        for other in others:
            other.start()
        until(lambda: token_database.waiting)
        with first.draft() as save:
            save(NEWER)
    for other in others:
        other.join()
    assert found == [None, NEWER, NEWER, NEWER]
    assert token_database.row["version"] == 5
    assert len(token_database.backends) <= 2


def test_the_lock_is_released_with_the_connection(address: str) -> None:
    table = TokenTable(address, "crm", "acme")
    lock = table.locked()
    lock.__enter__()
    table._held.close()  # noqa: SLF001 - as when the process is killed
    other = TokenTable(address, "crm", "acme")
    with other.locked(), other.draft() as save:
        save(TOKENS)
    with other.locked():
        assert other.load() == TOKENS
    lock.__exit__(None, None, None)
