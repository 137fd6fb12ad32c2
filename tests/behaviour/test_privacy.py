"""Nothing private is told: canaries in every secret and every personal field, through all faults.

What settings that are wrong show is in the tests of the settings.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from sandbox import faults
from tap_leads.sources.kommo import KOMMO
from tests.support.catalogs import catalog_for
from tests.support.run import everyone
from tests.support.settings import CREDENTIALS, SOURCES, settings_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox import Api, Sandbox
    from tests.support.run import Run
    from tests.support.settings import Config

    Runner = Callable[..., Run]

CANARY = "canary-4f1c"
TOKEN = f"{CANARY}-token"
# Parts of a query string: what it says besides is as private as the filters.
QUERIES = (
    *("limit=", "page=", "offset=", "filter[", "filters=", "order[", "query="),
    *("sort=", "sort_", "'sort'"),  # the word itself is in a warning
)

FIELDS: dict[str, dict[str, Any]] = {
    "kommo": {
        "name": CANARY,
        "custom_fields_values": [
            {"field_id": 1, "field_name": CANARY, "values": [{"value": CANARY}]},
        ],
        "price": CANARY,
        CANARY: CANARY,
    },
    "dashly": {
        "$name": CANARY,
        "$email": f"{CANARY}@example.org",
        "$phone": f"+1 {CANARY}",
        "$sessions": CANARY,
        "note": CANARY,
        CANARY: CANARY,
    },
    "octanist": {
        "name": CANARY,
        "email": f"{CANARY}@example.org",
        "phone": f"+1 {CANARY}",
        "note": CANARY,
        "custom": json.dumps({CANARY: CANARY}),
        "website": CANARY,
        "utm_campaign": CANARY,
        "value": CANARY,
        CANARY: CANARY,
    },
}
NOTED = ("_notes", "_events", "_customers", "_transactions", "_list_elements")
"""The ends of the names of streams with texts of people."""
IS_CANARY = {"type": "str_eq", "property_name": "$name", "value": {"value": CANARY}}
NARROWED: dict[str, dict[str, Any]] = {
    "kommo": {"query": CANARY, "filters": {"name": [CANARY]}},
    "dashly": {"filters": {"type": "and", "filters": [IS_CANARY]}},
    "octanist": {"search": CANARY, "filters": {"website": CANARY, "utm_campaign": CANARY}},
}
FIELDS["carrotquest"], NARROWED["carrotquest"] = FIELDS["dashly"], NARROWED["dashly"]


@pytest.fixture
def api(box: Sandbox, request: pytest.FixtureRequest) -> Api:
    """A source that has, beside its other leads, some of canaries."""
    found = box.apis[request.param]
    found.tokens.add(TOKEN)
    for minutes in range(30):
        found.insert(2, at=box.clock.now() - 86_400 - 60 * minutes, **FIELDS[found.slot])
    return found


each_source = pytest.mark.parametrize("api", SOURCES, indirect=True)


def config_of(api: Api, **others: Any) -> Config:
    secrets = {CREDENTIALS[api.slot]: TOKEN, "user_agent": "tests"}
    agent = {"user_agent": secrets.pop("user_agent")}
    return {api.slot: settings_for(api) | secrets | others, **agent, "hash_key": CANARY}


@pytest.fixture
def tell_all(
    run_here: Runner, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> Runner:
    """Run the tap with every log at DEBUG, and see that neither log nor state has a canary."""
    monkeypatch.setenv("TAP_LEADS_LOGLEVEL", "DEBUG")
    monkeypatch.setenv("LOGLEVEL", "DEBUG")

    def run(api: Api, config: Config, **options: Any) -> Run:
        caplog.set_level(logging.DEBUG)
        done = run_here(config, catalog=catalog_for(f"{api.slot}_leads"), **options)
        assert "Traceback" not in done.stderr
        told = done.stderr + caplog.text
        assert "| DEBUG " in told
        # The digits of an ID may be those of a duration.
        numbers = set(re.findall(r"(?<![\d.])\d+", told))
        for lead in everyone(api):
            assert len(lead) < 6 or lead not in (numbers if lead.isdigit() else told)
        assert [word for word in (CANARY, api.token, *QUERIES) if word in told] == []
        state = json.dumps(done.states[-1:])
        assert [word for word in (CANARY, api.token) if word in state] == []
        return done

    return run


@each_source
def test_a_run_tells_nothing_private(api: Api, tell_all: Runner) -> None:
    run = tell_all(api, config_of(api))
    assert run.code == 0
    assert set(run.ids(f"{api.slot}_leads")) == everyone(api)


@each_source
def test_a_narrowed_run_tells_nothing_of_how(api: Api, tell_all: Runner) -> None:
    run = tell_all(api, config_of(api, **NARROWED[api.slot]))
    assert run.code == 0
    assert len(run.ids(f"{api.slot}_leads")) == 60


@pytest.mark.usefixtures("no_waits", "small_pages")
@each_source
def test_faults_that_pass_tell_nothing_private(api: Api, tell_all: Runner) -> None:
    codes = (408, 425, 429, 500, 502, 503, 504)
    kinds = ["reset", "truncate", "lost_reply", "html200", "half_json200", "early_204"]
    broken = [faults.status(code, body="echo", retry_after=0) for code in codes]
    for fault in [*map(faults.named, kinds), *broken, faults.stall(30)]:
        api.faults.plan(fault, "none")
    run = tell_all(api, config_of(api) | {"request_timeout": 0.3})
    assert run.code == 0
    assert len([line for line in run.said() if "; retrying in " in line]) > 10


@pytest.mark.usefixtures("no_waits")
@each_source
@pytest.mark.parametrize("code", [400, 401, 402, 403, 404, 409, 418, 429, 500, 503])
def test_an_error_that_repeats_the_request_is_not_repeated(
    api: Api, code: int, tell_all: Runner
) -> None:
    api.faults.random(1.0, [faults.status(code, body="echo")])
    run = tell_all(api, config_of(api, **NARROWED[api.slot]))
    assert run.code == 1
    assert str(code) in run.said()[-2]


@pytest.mark.usefixtures("no_waits")
@each_source
@pytest.mark.parametrize("kind", ["reset", "html200", "half_json200", "truncate"])
def test_faults_that_stay_tell_nothing_private(api: Api, kind: str, tell_all: Runner) -> None:
    api.faults.random(1.0, [kind])
    assert tell_all(api, config_of(api, **NARROWED[api.slot])).code == 1


@each_source
def test_a_redirect_is_refused_without_its_address(api: Api, tell_all: Runner) -> None:
    api.faults.plan(faults.redirect(f"https://{CANARY}.example/?token={TOKEN}&limit=1"))
    assert tell_all(api, config_of(api)).code == 1


@each_source
@pytest.mark.parametrize("ignored", ["ignore_filters", "ignore_order"])
def test_an_api_that_ignores_what_it_is_asked_for_is_told_without_it(
    api: Api, ignored: str, tell_all: Runner
) -> None:
    setattr(api.options, ignored, True)
    tell_all(api, config_of(api) | {"start_date": "2020-01-01"})


@each_source
def test_leads_of_the_future_are_told_without_who_they_are(api: Api, tell_all: Runner) -> None:
    api.insert(20, at=32_472_144_000, **FIELDS[api.slot])
    run = tell_all(api, config_of(api))
    assert any("ahead of the API's clock" in line for line in run.said())


@pytest.mark.usefixtures("no_waits")
@each_source
def test_an_api_that_is_not_there_is_told_without_its_address(api: Api, tell_all: Runner) -> None:
    narrowed = NARROWED[api.slot] | {"api_url": f"http://127.0.0.1:9/{CANARY}"}
    assert tell_all(api, config_of(api, **narrowed)).code == 1


@each_source
@pytest.mark.parametrize("expression", ["int(name)", "name + 1"])
def test_a_stream_map_that_fails_tells_nothing_of_the_lead(
    api: Api, expression: str, tell_all: Runner
) -> None:
    maps = {f"{api.slot}_leads": {"name": expression, "__filter__": f"name == '{CANARY}'"}}
    assert tell_all(api, config_of(api) | {"stream_maps": maps}).code == 1


@each_source
@pytest.mark.parametrize("bookmark", [CANARY, "2999-01-01T00:00:00Z"])
def test_a_bookmark_that_is_none_is_dropped_without_a_word_of_it(
    api: Api, bookmark: str, tell_all: Runner
) -> None:
    partition = {"context": {"account": "north"}, "replication_key_value": bookmark}
    state = {"bookmarks": {f"{api.slot}_leads": {"partitions": [partition]}}}
    assert tell_all(api, config_of(api, name="north"), state=state).code == 0


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("api", ["kommo"], indirect=True)
@pytest.mark.parametrize("code", [400, 402, 403, 500])
def test_notes_events_and_customers_tell_nothing_private(
    box: Sandbox, run_here: Runner, caplog: pytest.LogCaptureFixture, api: Api, code: int
) -> None:
    kommo = box.kommo
    kommo.options.customers_mode = "periodicity"
    call = {"phone": CANARY, "link": CANARY, "text": CANARY, "call_status": CANARY}
    for path in ("leads/notes", "contacts/notes", "companies/notes"):
        for params in (call, CANARY, [CANARY]):
            kommo.tables[path].insert(1, params=params, note_type="call_in")
    kommo.tables["customers"].insert(1, name=CANARY, next_price=CANARY)
    kommo.tables["customers/transactions"].insert(1, comment=CANARY, price=CANARY)
    kommo.contacts.edit(1, name=CANARY)
    streams = [stream.name for stream in KOMMO.streams if stream.name.endswith(NOTED)]
    caplog.set_level(logging.DEBUG)
    config, catalog = config_of(api), catalog_for(*streams)
    whole = run_here(config, catalog=catalog)
    assert whole.code == 0
    assert all(whole.records(stream) for stream in streams)
    api.faults.random(1.0, [faults.status(code, body="echo")])
    refused = run_here(config, catalog=catalog)
    told = whole.stderr + refused.stderr + caplog.text
    assert [word for word in (CANARY, api.token, *QUERIES) if word in told] == []


class Echo(BaseHTTPRequestHandler):
    """A proxy whose every word is what it was sent."""

    def do_GET(self) -> None:
        words = f"{self.path} {self.headers}".replace("\r", " ").replace("\n", " ")
        self.send_response(502, words)
        self.send_header("Content-Type", words)
        self.send_header("Retry-After", CANARY)
        self.send_header("X-Request-Id", words)
        self.end_headers()
        self.wfile.write(json.dumps({"error": words, "meta": {"requestId": words}}).encode())

    @override
    def log_message(self, *_args: Any) -> None:
        """Keep quiet."""


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.usefixtures("no_waits")
@each_source
def test_headers_and_bodies_that_repeat_the_request_are_not_repeated(
    api: Api, tell_all: Runner
) -> None:
    with serving(Echo) as url:
        assert tell_all(api, config_of(api, **NARROWED[api.slot], api_url=url)).code == 1


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("api", ["octanist"], indirect=True)
@pytest.mark.parametrize("code", [400, 500])
def test_codes_and_ids_of_requests_are_told(api: Api, code: int, tell_all: Runner) -> None:
    api.faults.random(1.0, [code])
    run = tell_all(api, config_of(api))
    assert re.search(r"\((VALIDATION|INTERNAL)_ERROR, req_\w+\)", run.said()[-2])


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("api", ["kommo"], indirect=True)
def test_the_id_of_a_request_in_a_header_is_told(api: Api, tell_all: Runner) -> None:
    api.faults.random(1.0, [400])
    run = tell_all(api, config_of(api))
    assert re.search(r"\(request [0-9a-f]{32}\)", run.said()[-2])
