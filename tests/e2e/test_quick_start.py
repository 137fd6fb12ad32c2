"""The quick start of the README, as it stands: a new Meltano project, without the Hub."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from psycopg import connect

from tests.support.pages import README, ROOT, fences

if TYPE_CHECKING:
    from demo.postgres import Postgres
    from sandbox import Sandbox

INIT, LOAD = (block for block in fences(README, "sh") if "meltano" in block)
(ENVIRONMENT,) = (block for block in fences(README, "ini") if "TARGET_POSTGRES" in block)
OFFLINE = {"MELTANO_HUB_API_ROOT": "http://127.0.0.1:9", "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "0"}


def shell(commands: str, folder: Path) -> None:
    """Type the commands in a folder, with no setting of this machine's own."""
    ours = ("MELTANO_", "TAP_LEADS_", "TARGET_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/bash", "-euc", commands],
        cwd=folder,
        env=environment | OFFLINE | {"PATH": path, "no_proxy": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the checkout in it, under the name that it has after `git clone`."""
    (tmp_path / "tap-leads").symlink_to(ROOT)
    return tmp_path


def test_after_meltano_init_three_commands_load_the_rows_into_postgres(
    box: Sandbox, postgres: Postgres, checkout: Path
) -> None:
    assert len(LOAD.splitlines()) == 3
    shell(INIT, checkout)
    values = {
        "TAP_LEADS_KOMMO_SUBDOMAIN": "example",
        "TAP_LEADS_KOMMO_ACCESS_TOKEN": box.kommo.token,
        "TARGET_POSTGRES_SQLALCHEMY_URL": postgres.url,
    }
    lines = [line.partition("=") for line in ENVIRONMENT.splitlines()]
    assert values.keys() <= {name for name, _, _ in lines}
    environment = "".join(f"{name}={values.get(name, value)}\n" for name, _, value in lines)
    project = checkout / "leads"
    (project / ".env").write_text(f"{environment}TAP_LEADS_KOMMO_API_URL={box.kommo.url}\n")
    shell(LOAD, project)
    with connect(postgres.url) as connection:
        (count,) = connection.execute("select count(*) from kommo_leads").fetchone() or (0,)
        tables = connection.execute("select tablename from pg_tables where schemaname = 'public'")
        names = {name for (name,) in tables}
    assert count == len(list(box.kommo.rendered()))
    assert "kommo_stages" in names
    assert "kommo_lead_events" not in names
