"""A response that several streams read is requested once, however many threads want it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tap_leads.replication.model import Page, Row
from tap_leads.rest.client import Response
from tap_leads.sources.shared import SharedData

if TYPE_CHECKING:
    from collections.abc import Callable

FULL = Response(200, {}, b"row", "http://crm.test/account")
EMPTY = Response(204, {}, b"", "http://crm.test/account")


def parse(response: Response) -> Page:
    rows = [Row({"id": 1}, 1, None)] if response.body else []
    return Page(rows, has_more=False)


class Sender:
    """Answers with the responses in turn, and counts them."""

    def __init__(self, *responses: Response | Exception) -> None:
        self.responses = list(responses)
        self.sent = 0

    def __call__(self, keep: Callable[[Response], Page]) -> Page:
        response = self.responses[min(self.sent, len(self.responses) - 1)]
        self.sent += 1
        if isinstance(response, Exception):
            raise response
        return keep(response)


def test_threads_that_want_one_response_at_once_send_one_request() -> None:
    shared, barrier, pages = SharedData(), threading.Barrier(8), []
    send = Sender(FULL)

    def take() -> None:
        barrier.wait()
        pages.append(shared.page("account", parse, send))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert send.sent == 1
    assert [len(page.rows) for page in pages] == [1] * 8


def test_responses_of_other_keys_are_others() -> None:
    shared, send = SharedData(), Sender(FULL)
    for key in ("account", "pipelines", "account"):
        shared.page(key, parse, send)
    assert send.sent == 2


def test_an_empty_page_is_requested_again() -> None:
    shared, send = SharedData(), Sender(EMPTY, FULL)
    assert [len(shared.page("lists", parse, send).rows) for _ in range(3)] == [0, 1, 1]
    assert send.sent == 2


def test_a_list_that_is_empty_twice_is_empty_for_every_stream() -> None:
    shared, send = SharedData(), Sender(EMPTY, EMPTY, FULL)
    assert [len(shared.page("lists", parse, send).rows) for _ in range(4)] == [0, 0, 0, 0]
    assert send.sent == 2


def test_a_request_that_fails_is_sent_again_for_the_next_stream() -> None:
    shared, send = SharedData(), Sender(RuntimeError("gone"), FULL)
    with pytest.raises(RuntimeError):
        shared.page("lists", parse, send)
    assert shared.page("lists", parse, send).rows
