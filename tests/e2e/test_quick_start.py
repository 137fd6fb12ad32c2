"""The commands of the README and of the guides, as they stand, without the Hub."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from psycopg import connect

from sandbox import Sandbox
from tests.support.pages import README, ROOT, fences
from tests.support.shell import dotenv, shell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from demo.postgres import Postgres

INIT, LOAD = (block for block in fences(README, "sh") if "meltano" in block)
(ENVIRONMENT,) = (block for block in fences(README, "ini") if "TARGET_POSTGRES" in block)
MELTANO, PIPES = (
    (ROOT / f"docs/guides/{name}.md").read_text(encoding="utf-8") for name in ("meltano", "pipes")
)


@pytest.fixture(scope="module")
def apis() -> Iterator[Sandbox]:
    """A sandbox for all tests of this file."""
    with Sandbox(leads=100, seed=7) as sandbox:
        for api in sandbox.apis.values():
            api.options.rate_limit = None
        yield sandbox


@pytest.fixture(scope="module")
def project(apis: Sandbox, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of the quick start, after its last command."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "tap-leads").symlink_to(ROOT)  # the checkout, under the name that git gives it
    shell(INIT, folder)
    values = {
        "TAP_LEADS_KOMMO_SUBDOMAIN": "example",
        "TAP_LEADS_KOMMO_ACCESS_TOKEN": apis.kommo.token,
        "TAP_LEADS_KOMMO_API_URL": apis.kommo.url,
        "TAP_LEADS_KOMMO_REQUESTS_PER_SECOND": "1000",
        "TARGET_POSTGRES_SQLALCHEMY_URL": postgres.url,
    }
    (folder / "leads" / ".env").write_text(dotenv(ENVIRONMENT, values))
    shell(LOAD, folder / "leads")
    return folder / "leads"


@pytest.mark.usefixtures("project")
def test_after_meltano_init_three_commands_load_the_rows_into_postgres(
    apis: Sandbox, postgres: Postgres
) -> None:
    assert len(LOAD.splitlines()) == 3
    with connect(postgres.url) as connection:
        (count,) = connection.execute("select count(*) from kommo_leads").fetchone() or (0,)
        tables = connection.execute("select tablename from pg_tables where schemaname = 'public'")
        names = {name for (name,) in tables}
    assert count == len(list(apis.kommo.rendered()))
    assert "kommo_stages" in names
    assert "kommo_lead_events" not in names


def test_every_command_of_the_meltano_guide_works_in_the_project_of_the_quick_start(
    project: Path,
) -> None:
    for commands in fences(MELTANO, "sh"):
        shell(commands, project)


def test_the_sdks_settings_and_fractions_reach_the_tap_from_the_environment_file(
    project: Path,
) -> None:
    maps = {"kommo_users": {"email": "__NULL__", "initial": "name[0]"}}
    environment = project / ".env"
    before = environment.read_text()
    environment.write_text(
        f"{before}TAP_LEADS_STREAM_MAPS='{json.dumps(maps)}'\n"
        "TAP_LEADS_KOMMO_REQUESTS_PER_SECOND=99.5\n"
    )
    messages = [
        json.loads(line) for line in shell("meltano invoke tap-leads", project).splitlines()
    ]
    environment.write_text(before)
    users = [
        each["record"]
        for each in messages
        if each.get("stream") == "kommo_users" and each["type"] == "RECORD"
    ]
    assert users
    assert all("email" not in user and user["initial"] for user in users)


def test_the_commands_of_the_guide_to_pipes_load_the_selected_leads(
    apis: Sandbox, tmp_path: Path
) -> None:
    (block,) = fences(PIPES, "json")
    config: dict[str, Any] = json.loads(block) | {"start_date": "2020-01-01"}
    fast = {"requests_per_second": 1000}
    config["kommo"] |= {"access_token": apis.kommo.token, "api_url": apis.kommo.url, **fast}
    config["octanist"] = {"api_key": apis.octanist.token, "api_url": apis.octanist.url, **fast}
    (tmp_path / "config.json").write_text(json.dumps(config))
    printed = "".join(shell(commands, tmp_path) for commands in fences(PIPES, "sh"))
    assert printed == "OK\n"
    for name in ("state.json", "state.new"):
        assert '"bookmarks"' in (tmp_path / name).read_text()
    # target-jsonl names its files by the second: both runs may be in one.
    files = tmp_path.glob("octanist_leads-*.jsonl")
    loaded = {json.loads(line)["id"] for file in files for line in file.read_text().splitlines()}
    assert loaded == {lead["id"] for lead in apis.octanist.rendered()}
    selected = json.loads((tmp_path / "selected.json").read_text())["streams"]
    (tasks,) = [stream for stream in selected if stream["tap_stream_id"] == "kommo_tasks"]
    assert {m["metadata"]["selected"] for m in tasks["metadata"] if not m["breadcrumb"]} == {False}
