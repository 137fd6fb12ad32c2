"""What a task of the Airflow example runs: with Meltano, and with a program in its place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import psycopg
import pytest

from benchmarks.scale.processes import process
from sandbox import Sandbox
from sandbox.__main__ import accounts_file
from tests.support.pages import ROOT
from tests.support.pipeline import EXAMPLE, command, in_pipeline
from tests.support.program import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.token_database import TokenDatabase

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no setpriv")


def test_both_rhythms_of_an_account_can_run_at_the_same_time(
    token_database: TokenDatabase, tmp_path: Path
) -> None:
    file = tmp_path / "accounts.json"
    environment = {
        **os.environ,
        "MELTANO": str(ROOT / ".venv/bin/meltano"),
        "MELTANO_PROJECT_ROOT": str(ROOT),
        "MELTANO_DATABASE_URI": token_database.address,
        "TAP_LEADS_KOMMO_ACCOUNTS_FILE": str(file),
        "TAP_LEADS_KOMMO_REQUESTS_PER_SECOND": "1000",
        "TARGET_POSTGRES_SQLALCHEMY_URL": token_database.address,
        "TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": "leads",
        "no_proxy": "127.0.0.1",
    }
    with Sandbox(leads=50, seed=7, accounts=["berlin", "porto"]) as box:
        box.kommo.options.rate_limit = None
        accounts = json.loads(accounts_file(box))
        for account in accounts:
            account["oauth"]["token_file"] = str(tmp_path / f"{account['name']}.tokens")
        file.write_text(json.dumps(accounts), encoding="utf-8")
        printed = in_pipeline("import json; print(json.dumps(pipeline.accounts()))", environment)
        assert [account["state_id"] for account in json.loads(printed)] == [
            "kommo-berlin",
            "kommo-porto",
        ]
        chosen = "print(*(each['state_id'] for each in pipeline.accounts(['kommo-porto'])))"
        assert in_pipeline(chosen, environment) == "kommo-porto\n"
        tasks = [
            subprocess.Popen(
                command(f"pipeline.load('kommo-berlin', '{rhythm}')"),
                cwd=EXAMPLE / "dags",
                env=environment,
            )
            for rhythm in ("hourly", "daily")
        ]
        assert [task.wait(280) for task in tasks] == [0, 0]
        berlin = box.accounts["berlin"]
        assert box.accounts["porto"].journal == []
        tokens = [request for request in berlin.journal if request.method == "POST"]
        assert len(tokens) == 1
    with psycopg.connect(token_database.url) as connection:
        leads = connection.execute("select account, id from leads.kommo_leads").fetchall()
        pipelines = connection.execute("select account from leads.kommo_pipelines").fetchall()
        states = connection.execute("select state_id from state").fetchall()
    assert sorted(leads) == sorted(("berlin", lead["id"]) for lead in berlin.rendered())
    assert {account for (account,) in pipelines} == {"berlin"}
    assert {name for (name,) in states} == {"kommo-berlin-hourly", "kommo-berlin-daily"}
    assert not list((ROOT / ".meltano" / "run" / "elt").glob("kommo-berlin-*"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with a program in place of Meltano, which a test writes."""
    return tmp_path


def environment_of(project: Path, script: str) -> dict[str, str]:
    program = project / "meltano"
    program.write_text(
        f"#!/bin/sh\nfolder={project}/.meltano/run/elt/kommo-berlin-hourly\n{script}"
    )
    program.chmod(0o755)
    return {
        **os.environ,
        "MELTANO": str(program),
        "MELTANO_PROJECT_ROOT": str(project),
        "AIRFLOW__CORE__FERNET_KEY": "canary",
    }


@pytest.mark.parametrize("code", [0, 1])
def test_a_task_removes_its_folder_and_fails_as_meltano_does(project: Path, code: int) -> None:
    script = f"mkdir -p $folder/run\nenv > {project}/seen\nexit {code}\n"
    task = subprocess.run(
        command("pipeline.load('kommo-berlin', 'hourly', '--full-refresh')"),
        cwd=EXAMPLE / "dags",
        env=environment_of(project, script),
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert task.returncode == code
    assert ("CalledProcessError" in task.stderr) == (code == 1)
    assert list((project / ".meltano/run/elt").iterdir()) == []
    seen = (project / "seen").read_text(encoding="utf-8")
    assert "TAP_LEADS_ACCOUNT=kommo-berlin\n" in seen
    assert "canary" not in seen


@LINUX
def test_meltano_ends_with_a_task_that_is_killed(project: Path) -> None:
    script = f"mkdir -p $folder\necho $$ > {project}/pid.new\nmv {project}/pid.new {project}/pid\n"
    environment = environment_of(project, f"{script}exec sleep 600\n")
    task = subprocess.Popen(
        command("pipeline.load('kommo-berlin', 'hourly')"), cwd=EXAMPLE / "dags", env=environment
    )
    until((project / "pid").exists)
    meltano = process(int((project / "pid").read_text(encoding="utf-8")))
    assert meltano.is_running
    task.kill()
    task.wait()
    until(lambda: not meltano.is_running)
    # The next attempt removes what the killed one has left.
    environment = environment_of(project, "")
    in_pipeline("pipeline.load('kommo-berlin', 'hourly')", environment)
    assert list((project / ".meltano/run/elt").iterdir()) == []
