"""The control plane changes everything in the sandbox's Kommo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

from tests.sandbox.client import NOON, ask, command, everything, page

if TYPE_CHECKING:
    from sandbox.kommo.api import Kommo


def test_leads_are_deleted_restored_purged_and_merged(kommo: Kommo) -> None:
    one, two, three, four = list(kommo.leads)[:4]
    command(kommo, "kommo/delete", ids=[one, two])
    assert command(kommo, "kommo/restore", ids=[one])["ids"] == [one]
    assert command(kommo, "kommo/purge", count=5)["ids"] == [two]
    command(kommo, "kommo/merge", ids=[three], into=four)
    truth = command(kommo, "kommo/truth")
    assert (truth["merged"], truth["purged"], truth["bin"]) == ({str(three): four}, [two], [])
    assert truth["stages"][str(one)][0][0] == kommo.leads[one]["created_at"]


def test_contacts_are_deleted_restored_purged_and_merged(kommo: Kommo) -> None:
    one, two, three, four = list(kommo.contacts.rows)[:4]
    command(kommo, "kommo/delete", of="contacts", ids=[one, two])
    assert command(kommo, "kommo/restore", of="contacts", ids=[one])["ids"] == [one]
    assert command(kommo, "kommo/purge", of="contacts", count=5)["ids"] == [two]
    command(kommo, "kommo/merge", of="contacts", ids=[three], into=four)
    assert (kommo.contacts.merged, kommo.contacts.purged) == ({three: four}, {two})


def test_rows_of_every_table_are_inserted_edited_deleted_and_multiplied(kommo: Kommo) -> None:
    assert "leads/custom_fields" in command(kommo, "kommo/tables")["tables"]
    (new,) = command(kommo, "kommo/insert", of="contacts", fields={"name": "By hand"})["ids"]
    assert command(kommo, "kommo/edit", of="contacts", ids=[new], at=NOON + 9)["ids"] == [new]
    assert kommo.contacts.rows[new]["updated_at"] == NOON + 9
    assert command(kommo, "kommo/delete", of="contacts", ids=[new])["ids"] == [new]
    assert command(kommo, "kommo/grow", of="users", to=300)["rows"] == 300
    assert len(everything(kommo, "users")) == 300
    command(kommo, "kommo/edit", of="statuses", ids=[[12215168, 142]], fields={"name": "Won!"})
    rows = command(kommo, "kommo/rows", of="statuses")["rows"]
    assert "Won!" in [row["name"] for row in rows]


def test_fields_are_added_renamed_and_filled(kommo: Kommo) -> None:
    fields = "leads/custom_fields"
    (new,) = command(kommo, "kommo/insert", of=fields, fields={"name": "New", "type": "select"})[
        "ids"
    ]
    filled = command(kommo, "kommo/fill_field", field=new, count=3)["ids"]
    command(kommo, "kommo/edit", of=fields, ids=[new], fields={"name": "Newer"})
    command(kommo, "kommo/rename_enum", of=fields, field=1928058, enum=1669868, value="Renamed")
    lead = ask(kommo, f"leads/{filled[0]}").json()
    assert "Newer" in [custom["field_name"] for custom in lead["custom_fields_values"]]
    command(kommo, "kommo/delete", of=fields, ids=[new])
    assert new not in [field["id"] for field in page(kommo, fields)]


def test_tokens_are_given_out_and_taken_away(kommo: Kommo) -> None:
    consent = command(kommo, "kommo/consent")
    asked = {"grant_type": "authorization_code", **consent}
    url = f"{kommo.url}/oauth2/access_token"
    given = requests.post(url, json=asked, timeout=10).json()
    assert ask(kommo, "leads", token=given["access_token"]).status_code == 200
    assert command(kommo, "kommo/token_faults", plan=[503])["planned"] == 1
    assert requests.post(url, json=asked, timeout=10).status_code == 503
    command(kommo, "kommo/expire")
    assert ask(kommo, "leads", token=given["access_token"]).status_code == 401
    token = command(kommo, "kommo/long_lived", exp=int(NOON) + 9_000)["access_token"]
    assert ask(kommo, "leads", token=token).status_code == 200
    assert (
        ask(kommo, "leads", token=command(kommo, "kommo/issue")["access_token"]).status_code == 200
    )
    command(kommo, "kommo/revoke")
    assert ask(kommo, "leads", token=token).status_code == 401


def test_the_new_options_are_set_like_the_others(kommo: Kommo) -> None:
    command(
        kommo, "kommo/options", forbidden=["users"], events_order="oldest_first", rotation="strict"
    )
    assert kommo.options.forbidden == ("users",)
    assert ask(kommo, "users").status_code == 403


def test_what_cannot_be_done_is_refused_and_help_says_what_can(kommo: Kommo) -> None:
    root = f"{kommo.url.rpartition('/')[0]}/_control"
    for action, content in (
        ("nonsense", {}),
        ("nonsense", {"of": "users"}),
        ("insert", {"of": "nonsense"}),
        ("restore", {"ids": [5]}),
    ):
        refused = requests.post(f"{root}/kommo/{action}", json=content, timeout=10)
        assert (refused.status_code, "see" in refused.json()) == (400, True)
    assert "POST /_control/kommo/merge" in requests.get(root, timeout=10).json()["control"]
