"""Which small lists are read before their turn, and how many of them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from tap_leads.singer.prefetch import MAX_AHEAD, Prefetch
from tap_leads.sources.base import Account

if TYPE_CHECKING:
    from collections.abc import Callable


def account(label: str) -> Account:
    """Return an account of which only label and client matter."""
    return Account(label, {}, cast("Any", None), cast("Any", object()))


def noting(started: list[str], stream: str) -> Callable[[Account], str]:
    """Return a `start` that notes what is started."""

    def start(each: Account) -> str:
        started.append(f"{stream} {each.label}")
        return started[-1]

    return start


def test_the_lists_of_an_account_start_once_one_of_its_streams_is_complete() -> None:
    prefetch, started = Prefetch[str](), list[str]()
    north, south = account("north"), account("south")
    for stream in ("users", "roles"):
        prefetch.add(stream, [north, south], noting(started, stream))
    assert prefetch.take("users", north) is None
    assert started == []
    prefetch.complete(south)
    assert started == ["users south", "roles south"]
    prefetch.complete(north)
    assert started == ["users south", "roles south", "roles north"]
    assert prefetch.take("users", south) == "users south"
    assert prefetch.take("users", south) is None


def test_an_account_of_the_same_name_of_another_source_starts_nothing() -> None:
    prefetch, started = Prefetch[str](), list[str]()
    prefetch.add("users", [account("default")], noting(started, "users"))
    prefetch.complete(account("default"))
    assert started == []


def test_a_list_that_is_not_read_takes_no_place() -> None:
    prefetch, started = Prefetch[str](), list[str]()
    accounts = [account(str(number)) for number in range(MAX_AHEAD)]
    prefetch.add("unselected", accounts, lambda _: None)
    prefetch.add("users", accounts, noting(started, "users"))
    for each in accounts:
        prefetch.complete(each)
    assert len(started) == MAX_AHEAD


def test_the_lists_of_many_accounts_start_in_the_order_of_their_turns_a_few_at_once() -> None:
    prefetch, started = Prefetch[str](), list[str]()
    accounts = [account(f"{number:02}") for number in range(100)]
    streams = ["users", "roles", "tags"]
    for stream in streams:
        prefetch.add(stream, accounts, noting(started, stream))
    for each in accounts:
        prefetch.take("users", each)
        prefetch.complete(each)
    assert len(started) == MAX_AHEAD
    turns = [(stream, each) for stream in streams[1:] for each in accounts]
    for done, (stream, each) in enumerate(turns, 1):
        assert prefetch.take(stream, each) == f"{stream} {each.label}"
        assert len(started) == min(done + MAX_AHEAD, len(turns))
