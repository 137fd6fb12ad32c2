"""The rows of a page can be read after they change, and replies can be rewritten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.client import ask, ids_of, rows_of
from tests.support.settings import SOURCES

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    import requests

    from sandbox import Api, Sandbox
    from sandbox.core.wire import Reply, Request

ORDERS = {
    "kommo": {"order[updated_at]": "asc", "limit": "20"},
    "dashly": {"sort_prop": "$last_seen", "sort_order": "asc", "limit": "20"},
    "octanist": {"sort": "updatedAt:asc", "limit": "20"},
}
KEYS = {"kommo": "updated_at", "dashly": "$last_seen", "octanist": "updatedAt"}


def get(api: Api, path: str = "", /, **query: Any) -> requests.Response:
    """Return a page of 20 rows, sorted by their last change."""
    return ask(api, path, **{**ORDERS[api.slot], **query})


def frame_of(api: Api, response: requests.Response) -> Any:
    """Return the links or totals of a page."""
    body = response.json()
    if api.slot == "kommo":
        return body["_links"]
    return body["data"]["total"] if api.slot == "dashly" else body["meta"]["pagination"]


def key_of(api: Api, row: dict[str, Any]) -> Any:
    return (row["props"] if api.slot == "dashly" else row).get(KEYS[api.slot])


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
    edited = ids_of(before)[4]
    api.after_request = once(lambda: api.edit([edited]))
    page = get(api)
    assert ids_of(page) == ids_of(before)
    assert frame_of(api, page) == frame_of(api, before)
    keys = [key_of(api, row) for row in rows_of(page)]
    assert keys[4] > max(key for place, key in enumerate(keys) if place != 4)
    assert edited not in ids_of(get(api))


@pytest.mark.parametrize("source", SOURCES)
def test_a_row_deleted_before_it_is_read_is_missing_and_the_page_says_nothing_of_it(
    box: Sandbox, source: str
) -> None:
    api = box.apis[source]
    api.options.ties, api.options.late_rows = "stable", True
    before = get(api)
    gone = ids_of(before)[7]
    api.after_request = once(lambda: api.delete([gone]))
    page = get(api)
    assert ids_of(page) == [each for each in ids_of(before) if each != gone]
    assert frame_of(api, page) == frame_of(api, before)
    assert len(ids_of(get(api))) == 20


def test_every_list_of_kommo_reads_its_rows_late(box: Sandbox) -> None:
    api = box.kommo
    api.options.ties, api.options.late_rows = "stable", True
    for path in ("events", "contacts"):
        before = get(api, path)
        ids = ids_of(before)

        def change(path: str = path, ids: Any = ids) -> None:
            if path == "events":
                api.edit_events(ids[3:4], created_by=-7)
                api.delete_events(ids[5:6])
            else:
                api.contacts.edit(ids[3:4], responsible_user_id=-7)
                api.contacts.delete(ids[5:6])

        api.after_request = once(change)
        page = get(api, path)
        assert ids_of(page) == ids[:5] + ids[6:]
        changed = rows_of(page)[3]
        assert -7 in {changed["created_by"], changed.get("responsible_user_id")}
        assert frame_of(api, page) == frame_of(api, before)


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
    assert get(api).json() == {"rewritten": True}
