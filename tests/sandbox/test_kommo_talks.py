"""The sandbox's Kommo has conversations and their messages as documented."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.client import ask, everything, rows_of

if TYPE_CHECKING:
    from sandbox.kommo.api import Kommo


def talk_of(kommo: Kommo) -> dict[str, Any]:
    talk: dict[str, Any] = next(
        row for row in everything(kommo, "talks") if row["entity_type"] == "lead"
    )
    return talk


def test_a_conversation_has_its_own_key_and_links(kommo: Kommo) -> None:
    talk = talk_of(kommo)
    assert "id" not in talk
    assert [each["id"] for each in talk["_embedded"]["contacts"]] == [talk["contact_id"]]
    assert [each["id"] for each in talk["_embedded"]["leads"]] == [talk["entity_id"]]
    assert ask(kommo, f"talks/{talk['talk_id']}").json()["chat_id"] == talk["chat_id"]
    assert ask(kommo, "talks/1").status_code == 404


@pytest.mark.parametrize(
    ("order", "name", "descending"),
    [
        ("newest_first", "talk_id", True),
        ("oldest_first", "talk_id", False),
        ("edited_first", "updated_at", True),
        ("edited_last", "updated_at", False),
    ],
)
def test_conversations_come_in_an_order_that_cannot_be_requested(
    kommo: Kommo, order: Any, name: str, *, descending: bool
) -> None:
    kommo.options.talks_order = order
    rows = everything(kommo, "talks", order__created_at="asc", filter__updated_at__from=2**40)
    values = [row[name] for row in rows]
    assert len(values) > 3
    assert values == sorted(values, reverse=descending)


def test_conversations_are_filtered_by_contact_lead_and_state(kommo: Kommo) -> None:
    talk, rows = talk_of(kommo), everything(kommo, "talks")
    found = rows_of(ask(kommo, "talks", filter__contact_id__=talk["contact_id"]))
    assert talk["talk_id"] in {row["talk_id"] for row in found}
    assert {row["contact_id"] for row in found} == {talk["contact_id"]}
    found = rows_of(ask(kommo, "talks", filter__entity_id__=talk["entity_id"]))
    assert {row["entity_id"] for row in found} == {talk["entity_id"]}
    open_ones = everything(kommo, "talks", filter__only_in_work=1)
    assert len(open_ones) == sum(row["is_in_work"] for row in rows) < len(rows)


def test_an_account_can_list_only_its_newest_conversations(kommo: Kommo) -> None:
    ids = sorted(row["talk_id"] for row in everything(kommo, "talks"))
    kommo.options.talks_listed = 3
    assert sorted(row["talk_id"] for row in everything(kommo, "talks")) == ids[-3:]
    assert ask(kommo, f"talks/{ids[0]}").status_code == 200


def test_messages_belong_to_a_conversation_and_have_no_list_of_their_own(kommo: Kommo) -> None:
    talk_id = talk_of(kommo)["talk_id"]
    ids = kommo.tables["messages"].insert(3, talk_id=talk_id)
    rows = everything(kommo, f"talks/{talk_id}/messages")
    assert set(ids) <= {row["id"] for row in rows}
    assert {row["talk_id"] for row in rows} == {talk_id}
    assert {name for row in rows for name in row if name.startswith("_")} == set()
    assert ask(kommo, "messages").status_code == 404
    assert ask(kommo, "talks/1/messages").status_code == 404
    empty = kommo.tables["talks"].insert(1)[0]
    assert ask(kommo, f"talks/{empty}/messages").status_code == 204


def test_messages_are_filtered_by_their_date(kommo: Kommo) -> None:
    talk_id = talk_of(kommo)["talk_id"]
    now = int(kommo.clock.now())
    new = kommo.tables["messages"].insert(2, talk_id=talk_id)
    rows = rows_of(ask(kommo, f"talks/{talk_id}/messages", filter__created_at__from=now))
    assert {row["id"] for row in rows} == set(new)


def test_messages_need_a_scope_and_conversations_need_none(kommo: Kommo) -> None:
    kommo.options.chat_history = False
    talk_id = talk_of(kommo)["talk_id"]
    response = ask(kommo, f"talks/{talk_id}/messages")
    assert (response.status_code, response.json()["detail"]) == (403, "Invalid scope")


@pytest.mark.parametrize("form", ["talk", "contact", "empty"])
def test_a_message_is_an_event(kommo: Kommo, form: Any) -> None:
    kommo.options.message_events = form
    talk = talk_of(kommo)
    (message,) = kommo.tables["messages"].insert(1, talk_id=talk["talk_id"], type="incoming")
    (event,) = everything(kommo, "events", filter__type="incoming_chat_message")
    value = {"id": message, "origin": talk["origin"], "talk_id": talk["talk_id"]}
    about = ("contact", talk["contact_id"]) if form == "contact" else ("lead", talk["entity_id"])
    assert (event["entity_type"], event["entity_id"]) == about
    if form == "contact":
        del value["talk_id"]
    assert event["value_after"] == ([] if form == "empty" else [{"message": value}])


def test_a_message_can_move_its_conversation(kommo: Kommo) -> None:
    talk_id = talk_of(kommo)["talk_id"]
    before = kommo.tables["talks"].rows[talk_id]["updated_at"]
    kommo.tables["messages"].insert(1, talk_id=talk_id)
    assert kommo.tables["talks"].rows[talk_id]["updated_at"] == before
    kommo.options.messages_move_talks = True
    kommo.tables["messages"].insert(1, talk_id=talk_id)
    assert kommo.tables["talks"].rows[talk_id]["updated_at"] > before
