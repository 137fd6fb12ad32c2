"""Errors while tokens are renewed, with either rotation of refresh tokens."""

from __future__ import annotations

import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from sandbox import faults
from tap_leads.rest.rate_limiter import RateLimiter, Slot
from tap_leads.sources.connect import Network
from tests.support.catalogs import catalog_for
from tests.support.logs import errors
from tests.support.oauth import consented, held, let_end, token_requests
from tests.support.run import everyone, sync
from tests.support.runtime import set_runtime

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Sandbox
    from tests.support.run import Run
    from tests.support.settings import Config

    Runner = Callable[..., Run]

# Faults before the server processes the request, and faults after it.
BEFORE = [
    faults.reset(),
    faults.html200(),
    faults.status(408),
    faults.status(429),
    faults.status(429, retry_after=0),
    faults.status(429, body="html"),
    faults.status(500),
    faults.status(502, body="html"),
    faults.status(503),
    faults.status(504, body="html"),
]
AFTER = [
    faults.lost_reply(),
    faults.truncate(),
    faults.half_json200(),
    faults.stall(),
]


def impatient(config: Config, fault: faults.Fault) -> Config:
    """Return settings that do not wait long for a response that never ends."""
    return config | {"request_timeout": 2} if fault.kind == "stall" else config


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("fault", [*BEFORE, *AFTER], ids=str)
def test_under_the_documented_rule_no_fault_costs_the_consent(
    box: Sandbox, config: Config, fault: faults.Fault
) -> None:
    box.kommo.oauth.faults.plan(fault, fault)
    run = sync(impatient(config, fault))
    assert run.code == 0
    assert set(run.ids("kommo_leads")) == everyone(box.kommo)
    assert len(token_requests(box)) == 3


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("fault", BEFORE, ids=str)
def test_under_the_strict_rule_no_fault_costs_it_that_comes_before_the_renewal(
    box: Sandbox, config: Config, fault: faults.Fault
) -> None:
    box.kommo.options.rotation = "strict"
    box.kommo.oauth.faults.plan(fault, fault)
    assert sync(config).code == 0


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("fault", AFTER, ids=str)
def test_under_the_strict_rule_a_lost_answer_ends_in_one_line_until_there_is_a_new_consent(
    box: Sandbox, config: Config, file: Path, fault: faults.Fault, caplog: pytest.LogCaptureFixture
) -> None:
    box.kommo.options.rotation = "strict"
    box.kommo.oauth.faults.plan(fault)
    assert sync(impatient(config, fault)).code == 1
    (line,) = errors(caplog)
    assert line.startswith("account acme: the API rejected the refresh token in ")
    assert "a response with new tokens was lost" in line
    assert line.endswith(
        "; authorize the integration again, and set `kommo.oauth.code` to the new code"
    )
    assert len(token_requests(box)) == 2
    config["kommo"]["oauth"]["code"] = box.kommo.oauth.consent()
    let_end(file)
    assert [sync(config).code for _ in range(2)] == [0, 0]


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("fault", BEFORE, ids=str)
def test_a_code_is_exchanged_in_spite_of_faults_that_come_before(
    box: Sandbox, file: Path, fault: faults.Fault
) -> None:
    box.kommo.oauth.faults.plan(fault, fault)
    assert sync(consented(box, file)).code == 0


@pytest.mark.usefixtures("no_waits")
def test_a_fault_that_stays_ends_the_account_in_one_line_and_leaves_the_tokens_as_they_were(
    box: Sandbox, config: Config, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = held(file)
    box.kommo.oauth.faults.plan(*[faults.status(500)] * 40)
    assert sync(config).code == 1
    (line,) = errors(caplog)
    assert "Kommo reported a server error (HTTP 500)" in line
    assert len(token_requests(box)) == 20
    assert held(file) == before
    box.kommo.oauth.faults.clear()
    assert sync(config).code == 0


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (faults.status(402), "subscription or trial has expired (HTTP 402)"),
        (faults.status(403, body="html"), "Kommo blocks this IP address"),
        (faults.status(403), "(HTTP 403)"),
        (faults.status(404), "Check `kommo.subdomain`"),
    ],
    ids=str,
)
def test_what_does_not_pass_is_asked_once_and_told(
    box: Sandbox,
    config: Config,
    fault: faults.Fault,
    said: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    box.kommo.oauth.faults.plan(fault)
    # A 404 skips a stream, but without tokens the account fails.
    assert sync(config, catalog=catalog_for("kommo_users", "kommo_leads")).code == 1
    (line,) = errors(caplog)
    assert "the API issued no tokens: " in line
    assert said in line
    assert len(token_requests(box)) == 1


class Elsewhere(BaseHTTPRequestHandler):
    """Another host, which must not receive a token."""

    heard: list[Any]

    def do_POST(self) -> None:
        self.heard.append(self.path)
        self.send_response(500)
        self.end_headers()

    def do_GET(self) -> None:
        self.do_POST()

    @override
    def log_message(self, *_args: Any) -> None:
        """Log nothing."""


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("other_host", [False, True])
def test_a_request_for_tokens_is_not_redirected(
    box: Sandbox, config: Config, code: int, caplog: pytest.LogCaptureFixture, *, other_host: bool
) -> None:
    heard: list[Any] = []
    handler = type("Handler", (Elsewhere,), {"heard": heard})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}" if other_host else box.kommo.url
        box.kommo.oauth.faults.plan(faults.redirect(f"{url}/oauth2/access_token", code))
        assert sync(config).code == 1
        server.shutdown()
    assert heard == []
    assert len(box.kommo.journal) == 1
    reason = "to another host" if other_host else "a request that must not be redirected"
    assert reason in errors(caplog)[0]


def test_each_request_for_tokens_waits_for_its_turn_as_all_others_do(
    box: Sandbox, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[RateLimiter] = []

    class Counted(RateLimiter):
        @override
        def acquire(self) -> Slot:
            turns.append(self)
            return super().acquire()

    set_runtime(monkeypatch, network=Network(limiter=Counted))
    box.kommo.options.page_cap = 20
    box.kommo.after_request = lambda _api, _rng: box.kommo.oauth.expire()
    # More threads would have a token that they have just got expire, again and again.
    assert sync(config | {"concurrency": 1}).code == 0
    assert len(token_requests(box)) > 10
    assert len(turns) == len(box.kommo.journal)


@pytest.mark.usefixtures("no_waits")
def test_no_log_shows_a_token_a_code_or_a_secret(
    box: Sandbox, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    config = consented(box, file)
    secrets = {config["kommo"]["oauth"]["client_secret"]}
    runs: list[Run] = []

    def run() -> None:
        runs.append(sync(config))
        if file.exists():
            tokens = held(file)
            secrets.update((tokens["access_token"], tokens["refresh_token"]))

    box.kommo.oauth.faults.plan("reset", 503, "half_json200")
    run()
    config["kommo"]["oauth"]["code"] = box.kommo.oauth.consent()
    run()
    box.kommo.oauth.expire()
    run()
    config["kommo"]["oauth"]["code"] = "canary-4f1c"
    let_end(file)
    run()
    box.kommo.oauth.revoke()
    run()
    for request in token_requests(box):
        content = json.loads(request.body)
        secrets.update(content.get(name, "canary-4f1c") for name in ("code", "refresh_token"))
    assert [each.code for each in runs] == [1, 0, 0, 0, 1]
    assert len(secrets) > 6
    told = caplog.text + json.dumps([each.states for each in runs])
    assert "DEBUG" in told
    assert [secret for secret in secrets if secret in told] == []
