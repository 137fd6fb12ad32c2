"""Native values in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.settings import every_source

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.support.database import Database


def test_native_values_are_jsonb_in_postgres(box: Sandbox, database: Database) -> None:
    database.load({**every_source(box), "nested_values": "native"})
    tags = {row["id"]: row["tags"] for row in database.query("select id, tags from kommo_leads")}
    for lead in box.kommo.rendered():
        assert tags[lead["id"]] == [
            {**tag, "color": tag.get("color")} for tag in lead["_embedded"]["tags"]
        ]
    rows = database.query("select id, props from dashly_leads")
    props = {row["id"]: row["props"] for row in rows}
    for lead in box.dashly.rendered():
        assert props[str(lead["id"])].keys() == lead["props"].keys()
