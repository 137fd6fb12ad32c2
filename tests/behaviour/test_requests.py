"""Requests: what is asked again and what is not, and where a token may go."""

from __future__ import annotations

import gzip
import math
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from sandbox import faults
from tap_leads.replication.pagination import OVERLAP
from tap_leads.rest.body import decode
from tap_leads.rest.retry import RetryPolicy
from tap_leads.sources.connect import Network
from tests.support.logs import errors
from tests.support.run import sync
from tests.support.runtime import set_runtime
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import Api, Sandbox

SOURCES = ["kommo", "dashly", "octanist"]


def ids(api: Api) -> set[str]:
    return {str(lead["id"]) for lead in api.rendered()}


@pytest.mark.usefixtures("no_waits")
def test_a_success_that_says_inside_that_it_failed_is_asked_again(box: Sandbox) -> None:
    box.dashly.faults.plan("none", "meta_error200")
    run = sync({"dashly": settings_for(box.dashly)})
    assert set(run.ids("dashly_leads")) == ids(box.dashly)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    ("status", "said"), [(401, "rejected `"), (402, "subscription"), (404, "endpoint")]
)
def test_a_refusal_ends_at_once_and_names_what_to_look_at(
    box: Sandbox, source: str, status: int, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    api = box.apis[source]
    api.faults.plan(faults.status(status))
    run = sync({source: settings_for(api)})
    lines = errors(caplog)
    assert run.code == 1
    # After a 404 of its first list, Kommo is asked if the account exists.
    assert len(api.journal) == (2 if (source, status) == ("kommo", 404) else 1)
    assert len(lines) == 1
    assert f"(HTTP {status})" in lines[0]
    assert said in lines[0]


def test_a_page_of_html_with_403_is_told_as_a_block(
    box: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    box.kommo.options.ban_html = True
    assert sync({"kommo": settings_for(box.kommo)}).code == 1
    assert "blocks this IP address" in caplog.text
    assert len(box.kommo.journal) == 1


@pytest.mark.parametrize("has_lists", [True, False])
def test_a_quiet_default_run_asks_each_list_once_and_an_empty_one_twice(
    box: Sandbox, *, has_lists: bool
) -> None:
    """Streams that read the same list share its pages, also if it is empty."""
    if not has_lists:
        box.kommo.catalogs.delete(list(box.kommo.catalogs.rows))
    config = {"kommo": settings_for(box.kommo)}
    first = sync(config, catalog=None)
    box.kommo.journal.clear()
    assert sync(config, first.state, catalog=None).code == 0
    rows: dict[str, list[int]] = defaultdict(list)
    for request in box.kommo.journal:
        fixed = ("with", "filter[entity]", "filter[type]")
        rows[f"{request.path} {[request.query.get(name) for name in fixed]}"].append(request.rows)
    full_page = 250 - OVERLAP
    for path, found in rows.items():
        assert len(found) <= (math.ceil(sum(found) / full_page) or 2), path
    assert len(rows) > 25
    assert rows["/api/v4/catalogs [None, None, None]"] == ([2] if has_lists else [0, 0])


@pytest.mark.usefixtures("no_waits")
def test_a_body_that_never_ends_is_given_up_after_the_timeout(box: Sandbox) -> None:
    box.kommo.faults.plan(faults.stall(30))
    run = sync({"request_timeout": 0.5, "kommo": settings_for(box.kommo)})
    assert run.code == 0
    assert set(run.ids("kommo_leads")) == ids(box.kommo)


class Elsewhere(BaseHTTPRequestHandler):
    """Another host, which must never hear of a token."""

    heard: list[Any]

    def do_GET(self) -> None:
        self.heard.append(self.headers)
        self.send_response(500)
        self.end_headers()

    @override
    def log_message(self, *_args: Any) -> None:
        """Keep quiet."""


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[Any]]]:
    heard: list[Any] = []
    handler = type("Handler", (Elsewhere,), {"heard": heard})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", heard
        server.shutdown()


@pytest.mark.parametrize("source", SOURCES)
def test_a_redirect_to_another_host_is_refused_and_gets_no_token(
    box: Sandbox, source: str, elsewhere: tuple[str, list[Any]], caplog: pytest.LogCaptureFixture
) -> None:
    url, heard = elsewhere
    api = box.apis[source]
    api.faults.plan(faults.redirect(url + "/leads"))
    assert sync({source: settings_for(api)}).code == 1
    assert heard == []
    assert "to another host" in caplog.text


def test_a_redirect_on_the_same_origin_is_followed(box: Sandbox) -> None:
    api = box.octanist
    api.faults.plan(faults.redirect(f"{api.url}/api/leads?limit=100&sort=updatedAt:asc"))
    run = sync({"octanist": settings_for(api)})
    assert set(run.ids("octanist_leads")) == ids(api)


def test_a_next_link_to_another_host_gets_no_token(
    box: Sandbox, elsewhere: tuple[str, list[Any]], caplog: pytest.LogCaptureFixture
) -> None:
    url, heard = elsewhere
    box.kommo.options.foreign_next = url
    box.kommo.options.ignore_order = True  # makes the tap page by position
    # And this, by links: most rows of the pages behind the first are left out.
    box.kommo.options.hidden_places = tuple(place for place in range(60, 1000) if place % 4)
    box.kommo.options.page_cap = 50
    assert sync({"kommo": settings_for(box.kommo)}).code == 1
    assert heard == []
    assert "another host" in caplog.text


def test_the_certificates_and_proxies_of_the_environment_are_used(
    box: Sandbox, elsewhere: tuple[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, heard = elsewhere
    set_runtime(monkeypatch, network=Network(retry=RetryPolicy(max_tries=1)))
    monkeypatch.setenv("HTTP_PROXY", url)
    monkeypatch.setenv("NO_PROXY", "")
    assert sync({"kommo": settings_for(box.kommo)}).code == 1
    assert len(heard) == 1
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert sync({"kommo": settings_for(box.kommo)}).code == 0


class Odd(BaseHTTPRequestHandler):
    """An API whose answers are JSON, and not of the types that it documents."""

    body = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.body)

    @override
    def log_message(self, *_args: Any) -> None:
        """Keep quiet."""


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize(
    ("source", "body"),
    [
        ("dashly", b'{"meta":{"status":200},"data":{"total":"1","users":[{"id":1,"props":{}}]}}'),
        ("dashly", b'{"meta":{"status":200},"data":{"total":1,"users":[{"id":[],"props":{}}]}}'),
        ("dashly", b'{"meta":{"status":200},"data":{"total":1,"users":[{"id":1,"props":[]}]}}'),
        ("kommo", b'{"_links":{},"_embedded":{"leads":[{"id":{},"updated_at":1}]}}'),
        ("octanist", b'{"success":true,"data":[{"id":"a"}],"meta":{"pagination":{"hasMore":1}}}'),
        ("octanist", b'{"success":true,"data":{"id":"a"},"meta":{"pagination":{}}}'),
        ("octanist", b"[[" * 50_000),
    ],
)
def test_an_answer_of_odd_types_ends_its_account_in_one_line_and_no_other(
    box: Sandbox, source: str, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    handler = type("Handler", (Odd,), {"body": body})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        accounts: list[dict[str, Any]] = [{"name": "odd", "api_url": address}, {"name": "whole"}]
        run = sync({source: settings_for(box.apis[source], accounts=accounts)})
        server.shutdown()
    lines = errors(caplog)
    whole = [r for r in run.records(f"{source}_leads") if r["account"] == "whole"]
    assert {str(record["id"]) for record in whole} == ids(box.apis[source])
    assert len(lines) <= 1
    assert run.code == len(lines)


class Packed(Odd):
    """An API that compresses its answers and sends them in chunks."""

    protocol_version = "HTTP/1.1"

    @override
    def do_GET(self) -> None:
        packed = gzip.compress(self.body)
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for start in range(0, len(packed), 7):
            chunk = packed[start : start + 7]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True


def test_an_answer_that_is_compressed_and_in_chunks_is_read(box: Sandbox) -> None:
    body = b'{"_links":{},"_embedded":{"leads":[{"id":7,"updated_at":1700000000}]}}'
    handler = type("Handler", (Packed,), {"body": body})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        run = sync({"kommo": settings_for(box.kommo) | {"api_url": url}})
        server.shutdown()
    assert run.ids("kommo_leads") == ["7"]


@pytest.mark.parametrize("body", [b"", b"{", b'{"a": ', b"<html></html>", b'{"a": "\xff"}'])
def test_a_body_that_is_not_json_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"Expecting|codec|Invalid"):
        decode(body)


def test_half_a_surrogate_pair_is_dropped_and_the_rest_kept() -> None:
    assert decode(b'{"a\\ud83d": ["x\\ude00y", "\\ud83d\\ude00"]}') == {"a": ["xy", "\U0001f600"]}
