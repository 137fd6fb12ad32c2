"""The sandbox reads the rows of a page late, and counts requests by account and connection."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.support.settings import SOURCES

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from sandbox import Api, Sandbox
    from sandbox.core.wire import Reply, Request

ORDERS = {
    "kommo": {"order[updated_at]": "asc", "limit": "20"},
    "dashly": {"sort_prop": "$last_seen", "sort_order": "asc", "limit": "20"},
    "octanist": {"sort": "updatedAt:asc", "limit": "20"},
}
KEYS = {"kommo": "updated_at", "dashly": "$last_seen", "octanist": "updatedAt"}


def get(
    api: Api,
    token: str = "",
    session: requests.Session | None = None,
    path: str = "",
    **params: str,
) -> Any:
    """Ask for a page of leads, or of another list of Kommo; return the decoded body."""
    answer = ask(api, token or api.token, session, path, **params)
    assert answer.status_code == 200
    return answer.json()


def ask(
    api: Api, token: str, session: requests.Session | None, path: str, **params: str
) -> requests.Response:
    """Send a request for a page."""
    paths = {
        "kommo": path or "/api/v4/leads",
        "dashly": f"/v1/apps/{getattr(api, 'app_id', '')}/users",
        "octanist": "/api/leads",
    }
    headers = {
        "kommo": {"Authorization": f"Bearer {token}"},
        "dashly": {"Authorization": f"Token {token}"},
        "octanist": {"X-API-KEY": token},
    }
    return (session or requests).get(
        api.url + paths[api.slot],
        params={**ORDERS[api.slot], **params},
        headers=headers[api.slot],
        timeout=30,
    )


def rows_of(api: Api, body: Any) -> list[dict[str, Any]]:
    """Return the rows of a page."""
    if api.slot == "kommo":
        (rows,) = body["_embedded"].values()
    else:
        rows = body["data"]["users"] if api.slot == "dashly" else body["data"]
    return list(rows)


def frame_of(api: Api, body: Any) -> Any:
    """Return what a page says about the list."""
    if api.slot == "kommo":
        return body["_links"]
    return body["data"]["total"] if api.slot == "dashly" else body["meta"]["pagination"]


def key_of(api: Api, row: dict[str, Any]) -> Any:
    return (row["props"] if api.slot == "dashly" else row).get(KEYS[api.slot])


def ids_of(api: Api, body: Any) -> list[str]:
    return [str(row["id"]) for row in rows_of(api, body)]


def once(change: Callable[[], object]) -> Callable[..., None]:
    """Return a hook that makes one change."""
    left = [change]

    def after_request(_api: Api, _rng: random.Random) -> None:
        if left:
            left.pop()()

    return after_request


@pytest.mark.parametrize("source", SOURCES)
def test_a_row_edited_before_it_is_read_shows_its_new_state_at_its_old_place(
    box: Sandbox, source: str
) -> None:
    api = box.apis[source]
    api.options.ties, api.options.late_rows = "stable", True
    before = get(api)
    edited = {str(each): each for each in api.leads}[ids_of(api, before)[4]]
    api.after_request = once(lambda: api.edit([edited]))
    page = get(api)
    assert ids_of(api, page) == ids_of(api, before)
    assert frame_of(api, page) == frame_of(api, before)
    keys = [key_of(api, row) for row in rows_of(api, page)]
    assert keys[4] > max(key for place, key in enumerate(keys) if place != 4)
    assert str(edited) not in ids_of(api, get(api))


@pytest.mark.parametrize("source", SOURCES)
def test_a_row_deleted_before_it_is_read_is_missing_and_the_page_says_nothing_of_it(
    box: Sandbox, source: str
) -> None:
    api = box.apis[source]
    api.options.ties, api.options.late_rows = "stable", True
    before = get(api)
    ids = {str(each): each for each in api.leads}
    gone = ids_of(api, before)[7]
    api.after_request = once(lambda: api.delete([ids[gone]]))
    page = get(api)
    assert ids_of(api, page) == [each for each in ids_of(api, before) if each != gone]
    assert frame_of(api, page) == frame_of(api, before)
    assert len(ids_of(api, get(api))) == 20


def test_every_list_of_kommo_reads_its_rows_late(box: Sandbox) -> None:
    api = box.kommo
    api.options.late_rows = True
    for path in ("events", "contacts"):
        before = get(api, path=f"/api/v4/{path}")
        ids = [row["id"] for row in rows_of(api, before)]

        def change(path: str = path, ids: Any = ids) -> None:
            if path == "events":
                api.edit_events(ids[3:4], created_by=-7)
                api.delete_events(ids[5:6])
            else:
                api.contacts.edit(ids[3:4], responsible_user_id=-7)
                api.contacts.delete(ids[5:6])

        api.after_request = once(change)
        page = get(api, path=f"/api/v4/{path}")
        assert [row["id"] for row in rows_of(api, page)] == ids[:5] + ids[6:]
        changed = rows_of(api, page)[3]
        assert -7 in {changed["created_by"], changed.get("responsible_user_id")}
        assert page["_links"] == before["_links"]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("late", [False, True])
def test_the_change_happens_once_for_each_list_request(
    box: Sandbox, source: str, *, late: bool
) -> None:
    api, changes = box.apis[source], [0]

    def after_request(_api: Api, _rng: random.Random) -> None:
        changes[0] += 1

    api.options.late_rows = late
    api.after_request = after_request
    for _ in range(3):
        get(api)
    assert changes == [3]


@pytest.mark.parametrize("source", SOURCES)
def test_a_reply_can_be_rewritten_on_its_way(box: Sandbox, source: str) -> None:
    api = box.apis[source]

    def rewrite(_request: Request, reply: Reply) -> None:
        reply.body = b'{"rewritten": true}'

    api.rewrite = rewrite
    assert get(api) == {"rewritten": True}


@pytest.mark.parametrize("source", SOURCES)
def test_accounts_of_an_api_have_their_own_tokens_and_share_its_rate_limit(
    box: Sandbox, source: str
) -> None:
    api = box.apis[source]
    others = [api.add_account(), api.add_account()]
    tokens = [api.token, *others]
    assert len(set(tokens)) == 3
    pages = [ids_of(api, get(api, token, limit="50")) for token in tokens]
    assert all(len(page) == len(set(page)) == 50 for page in pages)
    assert [request.token for request in api.journal] == tokens
    assert len(api.requests_of(others[0])) == 1
    assert api.requests_per_second_max(others[0]) == 1
    api.options.rate_limit = 1
    asked = [ask(api, token, None, "").status_code for token in tokens * 3]
    assert 429 in asked
    assert asked[0] == 200


@pytest.mark.parametrize("source", SOURCES)
def test_requests_under_way_and_connections_are_counted_by_account(
    box: Sandbox, source: str
) -> None:
    api = box.apis[source]
    other = api.add_account()
    api.options.latency = 0.2
    both = threading.Barrier(2)

    def read(token: str) -> None:
        with requests.Session() as session:
            both.wait()
            for _ in range(2):
                get(api, token, session)

    threads = [threading.Thread(target=read, args=(token,)) for token in (api.token, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert api.under_way_max() == 2
    assert api.under_way_max(other) == api.under_way_max(api.token) == 1
    assert api.connections() == 2
    assert api.connections(other) == 1
    get(api)
    assert api.connections() == 3
