"""The SQL of the page of Kommo that concerns the table of tokens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psycopg

from tap_leads.rest.auth.token_row import CREATE
from tests.support.oauth import integration, token_requests
from tests.support.pages import fences, section
from tests.support.run import everyone, sync
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.support.token_database import TokenDatabase

CREATION, INSERTION = fences(
    section("Keep the tokens in PostgreSQL", "docs/sources/kommo.md"), "sql"
)


def test_the_table_is_the_one_that_the_tap_creates() -> None:
    assert CREATION.strip() == CREATE


def test_tokens_that_another_program_inserts_or_replaces_are_used(
    box: Sandbox, token_database: TokenDatabase
) -> None:
    config = settings_for(box.kommo)
    del config["access_token"]
    config["oauth"] = integration(box, token_store=token_database.address)
    statement = INSERTION
    for name in ("account", "access_token", "refresh_token", "expires_in"):
        statement = statement.replace(f":{name}", f"%({name})s")
    with psycopg.connect(token_database.address.replace("+psycopg", "")) as connection:
        connection.execute(CREATION.encode())
    for version in range(2):
        pair = box.kommo.oauth.issue()
        values = {
            "account": "acme",
            "access_token": pair.access_token,
            "refresh_token": pair.refresh_token,
            "expires_in": box.kommo.options.token_lifetime,
        }
        with psycopg.connect(token_database.address.replace("+psycopg", "")) as connection:
            connection.execute(statement.encode(), values)
        run = sync({"kommo": config})
        assert run.code == 0
        assert set(run.ids("kommo_leads")) == everyone(box.kommo)
        assert token_requests(box) == []
        assert token_database.row["version"] == version
        assert json.loads(token_database.row["spent"]) == []
