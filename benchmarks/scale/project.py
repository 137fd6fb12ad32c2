"""The Airflow example, set up for a sandbox: environments, databases, accounts."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg

from benchmarks import environments
from benchmarks.environments import ROOT
from demo.environment import without_settings

if TYPE_CHECKING:
    from demo.postgres import Postgres
    from sandbox import Sandbox

EXAMPLE = ROOT / "examples" / "airflow"
WORK = ROOT / ".scale"
PROJECT = WORK / "project"
"""A copy of the example. It is as deep in the checkout, so that its relative paths hold."""
DATABASES = ("airflow", "meltano", "tokens", "leads")


class SetUpError(Exception):
    """Raised if the example cannot be set up."""


def install() -> None:
    """Install Airflow and Meltano, each in its environment, and the plugins into a new project."""
    for name in ("airflow", "meltano"):
        lock = EXAMPLE / f"requirements-{name}.txt"
        if problem := environments.install(WORK / "environments" / name, lock):
            raise SetUpError(f"{name} {problem}")
    if PROJECT.exists():
        shutil.rmtree(PROJECT)
    ignored = shutil.ignore_patterns(".*", "__pycache__", "output")
    shutil.copytree(EXAMPLE, PROJECT, ignore=ignored)
    meltano("install", environment=without_settings())


def meltano(*arguments: str, environment: dict[str, str]) -> str:
    """Run Meltano in the project and return its output."""
    program = WORK / "environments" / "meltano" / "bin" / "meltano"
    done = subprocess.run(
        [program, "--log-level=warning", *arguments],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SetUpError(f"meltano {arguments[0]} failed: {done.stderr[-2000:]}")
    return done.stdout


def addresses(postgres: Postgres) -> dict[str, str]:
    """Create the databases, and return their SQLAlchemy addresses without the driver's name."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        for name in DATABASES:
            connection.execute(f"create database {name}".encode())
    folder = quote(postgres.url.partition("host=")[2], safe="")
    return {name: f"://postgres@/{name}?host={folder}" for name in DATABASES}


def settings(box: Sandbox, database: dict[str, str]) -> dict[str, str]:
    """Write the accounts file of a sandbox, and return the environment of the tasks."""
    accounts = [
        {
            "name": name,
            "subdomain": name,
            "api_url": account.url,
            "oauth": {"code_env": _variable(name)},
        }
        for name, account in box.accounts.items()
    ]
    file = WORK / "accounts.json"
    file.write_text(json.dumps(accounts, indent=1), encoding="utf-8")
    codes = {_variable(name): account.oauth.consent() for name, account in box.accounts.items()}
    return {
        **without_settings(),
        **codes,
        "MELTANO": str(WORK / "environments" / "meltano" / "bin" / "meltano"),
        "MELTANO_DATABASE_URI": f"postgresql+psycopg{database['meltano']}",
        "TAP_LEADS_KOMMO_ACCOUNTS_FILE": str(file),
        "TAP_LEADS_KOMMO_OAUTH_CLIENT_ID": box.kommo.oauth.client_id,
        "TAP_LEADS_KOMMO_OAUTH_CLIENT_SECRET": box.kommo.oauth.client_secret,
        "TAP_LEADS_KOMMO_OAUTH_REDIRECT_URI": box.kommo.oauth.redirect_uri,
        "TAP_LEADS_KOMMO_OAUTH_TOKEN_STORE": f"postgresql+psycopg{database['tokens']}",
        "TARGET_POSTGRES_SQLALCHEMY_URL": f"postgresql+psycopg{database['leads']}",
        "no_proxy": "127.0.0.1",
    }


def _variable(name: str) -> str:
    """Return the environment variable that has an account's authorization code."""
    return f"{name.upper().replace('-', '_')}_CODE"
