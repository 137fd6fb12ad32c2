"""The bookmark of an account."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from tap_leads.replication.model import Bounds
from tap_leads.singer.bookmark import Bookmark
from tap_leads.timestamps import HOUR, from_text

NOW = from_text("2026-03-02T12:00:00Z") or 0


def account() -> Any:
    collection = SimpleNamespace(now=lambda: NOW)
    return cast("Any", SimpleNamespace(collection=lambda: collection, lookback=0))


def test_a_null_in_the_state_is_no_bookmark() -> None:
    state: dict[str, Any] = {"replication_key_value": None}
    bookmark = Bookmark(state, "updated_at")
    assert bookmark.value == ""
    bookmark.moment = NOW
    bookmark.save()
    assert state["replication_key_value"] == "2026-03-02T12:00:00.000000Z"


def test_a_bookmark_with_an_offset_is_passed_at_the_same_moment() -> None:
    state: dict[str, Any] = {"replication_key_value": "2026-03-02T14:00:00+03:00"}
    bookmark = Bookmark(state, "updated_at")
    assert bookmark.bounds(account(), Bounds(), None).after == NOW - HOUR
    bookmark.moment = NOW - HOUR // 2
    bookmark.save()
    assert state["replication_key_value"] == "2026-03-02T11:30:00.000000Z"
