"""The sandbox's conversations, channels and single leads follow the documentation of Dashly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.client import ask, error_of, rows_of

if TYPE_CHECKING:
    from sandbox import Sandbox
    from sandbox.dashly.api import Dashly

CONVERSATIONS = "/v2/apps/$self_app/conversations"


@pytest.fixture
def api(frozen: Sandbox) -> Dashly:
    return frozen.dashly


def position(response: Any) -> str | None:
    """Return the position of the next page as the API wrote it."""
    text: str = response.text.partition('"next_before_position":')[2].partition("]")[0]
    return None if text.startswith("null") else f"{text}]"


def everything(api: Dashly, path: str = CONVERSATIONS, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    at: str | None = None
    while at or not found:
        place: dict[str, Any] = {"paginate_position": at} if at else {}
        response = ask(api, path, **place, **query)
        found += rows_of(response)
        at = position(response)
    return found


def test_conversations_come_newest_first_in_pages(api: Dashly) -> None:
    assert len(rows_of(ask(api, CONVERSATIONS))) == 20
    rows = everything(api, paginate_count=50)
    assert [row["id"] for row in rows] == sorted(
        api.conversations.rows, key=lambda n: -api.conversations.rows[n]["last_update"]
    )
    dates = [row["last_update"] for row in rows]
    assert dates == sorted(dates, reverse=True)
    first = rows[0]
    assert first["part_last"]["id"] == api.conversations.parts[first["id"]][-1]["id"]
    assert first["user"]["props"]["$last_seen"]
    assert all(isinstance(row["id"], str) for row in everything(api, id_as_string="true"))


def test_a_position_must_come_back_as_it_was_written(api: Dashly) -> None:
    at = position(ask(api, CONVERSATIONS))
    assert at is not None
    stamp, row = at[1:-1].split(", ")
    assert len(stamp.partition(".")[2]) == 7
    for changed in (
        f"[{stamp},{row}]",
        f"[{float(stamp)}, {row}]",
        f"[{stamp[:-1]}, {row}]",
        "[1]",
    ):
        response = ask(api, CONVERSATIONS, paginate_position=changed)
        assert error_of(response) == (400, "ValidationError")
    assert len(rows_of(ask(api, CONVERSATIONS, paginate_position=at))) == 20


@pytest.mark.parametrize(
    "bad",
    [{"paginate_count": 51}, {"paginate_count": 0}, {"paginate_direction": "up"}, {"limit": 5}],
    ids=str,
)
def test_a_bad_parameter_is_a_validation_error(api: Dashly, bad: dict[str, Any]) -> None:
    assert error_of(ask(api, CONVERSATIONS, **bad)) == (400, "ValidationError")


def test_a_conversation_that_changes_moves_to_the_front_with_a_new_part(api: Dashly) -> None:
    last = everything(api, paginate_count=50)[-1]["id"]
    before = len(api.conversations.parts[last])
    api.conversations.edit([last], closed=True)
    (first, *_) = rows_of(ask(api, CONVERSATIONS))
    assert (first["id"], first["closed"], first["parts_count"]) == (last, True, before + 1)
    (new,) = api.conversations.insert(1, at=api.clock.now() + 5)
    assert rows_of(ask(api, CONVERSATIONS))[0]["id"] == new
    api.conversations.delete([new])
    assert rows_of(ask(api, CONVERSATIONS))[0]["id"] == last


def test_parts_come_newest_first_by_id(api: Dashly) -> None:
    (conversation,) = api.conversations.insert(1)
    for _ in range(30):
        api.conversations.edit([conversation])
    parts = everything(api, f"/v2/conversations/{conversation}/parts")
    assert [part["id"] for part in parts] == [
        part["id"] for part in reversed(api.conversations.parts[conversation])
    ]
    assert {type(part["from"]) for part in parts} == {dict, int}
    gone = ask(api, "/v2/conversations/1/parts")
    assert error_of(gone) == (400, "LookupError")


def test_one_lead_has_what_is_asked_for(api: Dashly) -> None:
    lead_id = next(iter(api.leads))
    plain = ask(api, f"/v2/users/{lead_id}").json()["data"]
    assert {*plain} == {"id", "app", "user_id", "removed", "presence", "props"}
    full = ask(
        api, f"/v2/users/{lead_id}", props="false", props_custom="true", events="true",
        segments="true", id_as_string="true",
    ).json()["data"]  # fmt: skip
    assert full["id"] == str(lead_id)
    assert "props" not in full
    assert not any(name.startswith("$") for name in full["props_custom"])
    assert isinstance(full["events"], list)
    api.options.events_shape = "dict"
    full = ask(api, f"/v2/users/{lead_id}", events="true").json()["data"]
    assert isinstance(full["events"], dict)
    assert error_of(ask(api, "/v2/users/1")) == (400, "LookupError")
    assert error_of(ask(api, f"/v2/users/{lead_id}", by_user_id="true")) == (400, "ValidationError")


def test_scopes_and_refusals_are_per_list(api: Dashly) -> None:
    lead_id = next(iter(api.leads))
    api.options.missing_scopes = ("conversations-read",)
    assert error_of(ask(api, CONVERSATIONS)) == (403, "PermissionDeniedError")
    assert ask(api, f"/v2/users/{lead_id}").status_code == 200
    api.options.missing_scopes = ("user-read",)
    assert ask(api, CONVERSATIONS).status_code == 200
    assert error_of(ask(api, f"/v2/users/{lead_id}")) == (403, "PermissionDeniedError")
    api.options.missing_scopes = ()
    api.options.refused_rows = {lead_id: 403}
    assert error_of(ask(api, f"/v2/users/{lead_id}")) == (403, "PermissionDeniedError")
    assert ask(api, f"/v2/users/{[*api.leads][1]}").status_code == 200
    api.options.refused = {"channels": 404}
    assert ask(api, "/v2/apps/$self_app/channels").status_code == 404
    assert error_of(ask(api, "/v2/apps/1/channels")) == (403, "PermissionDeniedError")
    assert error_of(ask(api, CONVERSATIONS, token="wrong")) == (401, "NotAuthenticated")
