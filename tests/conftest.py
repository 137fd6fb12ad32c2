"""What the tests share: a sandbox, settings for it, and the tap run against it."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.logging import ConsoleFormatter
from typing_extensions import override

from sandbox import Sandbox
from sandbox.postgres import Postgres
from tap_leads.rest.rate_limiter import RateLimiter
from tap_leads.rest.retry import RetryPolicy
from tap_leads.sources import SOURCES as EVERY_SOURCE
from tap_leads.sources.connect import Network
from tap_leads.tap import TapLeads
from tests.loading import Database

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from singer_sdk.singerlib.encoding.simple import Message

    from sandbox import Api
    from sandbox.kommo import Kommo

# No test depends on how fast the machine is.
hypothesis.settings.register_profile(
    "unhurried", hypothesis.settings.get_profile("ci" if "CI" in os.environ else "default"),
    deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow],
)  # fmt: skip
hypothesis.settings.load_profile("unhurried")

Config = dict[str, Any]

SOURCES = ("kommo", "dashly", "octanist")
"""Those that differ: Carrot quest is Dashly by another name."""

CREDENTIALS = {
    "kommo": "access_token",
    "dashly": "auth_token",
    "carrotquest": "auth_token",
    "octanist": "api_key",
}
KEYS = {
    "kommo": "updated_at",
    "dashly": "last_seen",
    "carrotquest": "last_seen",
    "octanist": "updated_at",
}


@dataclass
class Run:
    """What a run of the tap left behind."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    stderr: str = ""
    code: int = 0

    def records(self, stream: str) -> list[dict[str, Any]]:
        """The records of a stream, in order."""
        return [
            m["record"] for m in self.messages if m["type"] == "RECORD" and m["stream"] == stream
        ]

    def ids(self, stream: str) -> list[str]:
        """The ids of a stream's records, in order, as text."""
        return [str(record["id"]) for record in self.records(stream)]

    @property
    def schemas(self) -> dict[str, dict[str, Any]]:
        """The SCHEMA message of each stream."""
        return {m["stream"]: m for m in self.messages if m["type"] == "SCHEMA"}

    @property
    def states(self) -> list[dict[str, Any]]:
        """The value of each STATE, in order."""
        return [m["value"] for m in self.messages if m["type"] == "STATE"]

    @property
    def state(self) -> dict[str, Any]:
        """The last state."""
        return self.states[-1]

    def bookmark(self, stream: str, account: str | None = None) -> str | None:
        """The bookmark of a stream's account (of its only one by default)."""
        partitions = self.state["bookmarks"][stream]["partitions"]
        found = [p for p in partitions if account in {None, p["context"]["account"]}]
        assert len(found) == 1
        value: str | None = found[0].get("replication_key_value")
        return value

    def said(self) -> list[str]:
        """What was told at WARNING or ERROR: the message of each line."""
        lines = [line.split(" | ") for line in self.stderr.splitlines()]
        return [x[-1] for x in lines if len(x) > 1 and x[1].strip() in {"WARNING", "ERROR"}]


class Table:
    """An upserting target: the last row of each key, over as many runs as it is given."""

    def __init__(self) -> None:
        """Begin empty."""
        self.rows: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)

    def load(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Load the records of a run."""
        for message in messages:
            if message["type"] == "RECORD":
                record = message["record"]
                self.rows[message["stream"]][str(record["id"])] = record


class Capture(MsgSpecWriter):
    """The tap's message writer, which keeps what it would print."""

    def __init__(self) -> None:
        """Begin empty."""
        self.messages: list[dict[str, Any]] = []

    @override
    def write_message(self, message: Message) -> None:
        """Keep a message as a target would see it, its numbers exact."""
        line = bytes(self.serialize_message(message))
        self.messages.append(json.loads(line, parse_float=Decimal))


def everyone(api: Api) -> set[str]:
    """The ids of all leads of a source, as text."""
    return {str(lead["id"]) for lead in api.rendered()}


def settings_for(api: Api, **others: Any) -> Config:
    """The settings object of a source that reads the sandbox without being slowed down."""
    config = {
        CREDENTIALS[api.slot]: api.token,
        "api_url": api.url,
        "requests_per_second": 10_000,
        **others,
    }
    return {"subdomain": "acme", **config} if api.slot == "kommo" else config


def catalog_for(*streams: str) -> dict[str, Any]:
    """A catalog that selects these streams and no others, with all their columns."""
    every = [stream for source in EVERY_SOURCE for stream in source.streams]
    names = [stream.name for stream in every]
    return {
        "streams": [
            {
                "tap_stream_id": name,
                "stream": name,
                "schema": {"properties": {}},
                "metadata": [{"breadcrumb": [], "metadata": {"selected": name in streams}}],
            }
            for name in names
        ]
    }


LEADS = catalog_for("kommo_leads", "dashly_leads", "carrotquest_leads", "octanist_leads")
"""The catalog that tests are run with where they name none: most are about leads."""


def sync(config: Config, state: dict[str, Any] | None = None, **options: Any) -> Run:
    """Run the tap in this process; a failed account ends in `code` 1 as on the command line."""
    writer = Capture()
    options = {"catalog": LEADS, **options}
    tap = TapLeads(config=config, state=state, message_writer=writer, **options)
    tap.sync_all()
    return Run(messages=writer.messages, code=1 if tap.report.failures else 0)


def _written(folder: Path, **files: Any) -> list[str]:
    """The options for these files, each written as JSON, or as it is where it is text or bytes."""
    options: list[str] = []
    for option, content in files.items():
        if content is not None:
            path = folder / f"{option}.json"
            text = content if isinstance(content, str | bytes) else json.dumps(content)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            options += [f"--{option}", str(path)]
    return options


def _messages(stdout: str) -> list[dict[str, Any]]:
    try:
        return [json.loads(line, parse_float=Decimal) for line in stdout.splitlines()]
    except ValueError:
        return [{"type": "TEXT", "text": stdout}]


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """Take back the signal handlers that a tap in this process installs: pytest has its own."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


class _NoChance:
    """A source of random numbers that always returns the least."""

    def uniform(self, a: float, _b: float, /) -> float:
        return a


class _PatientLimiter(RateLimiter):
    """A rate limiter that a 429 does not slow down."""

    @override
    def slow_down(self, slot: Any, wait: float) -> None:
        pass


def set_runtime(patch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Let every tap of a test run with another runtime."""
    patch.setattr(TapLeads, "runtime", replace(TapLeads.runtime, **changes))


def set_traits(patch: pytest.MonkeyPatch, *streams: str, **changes: Any) -> None:
    """Let every tap of a test take these for the facts about some streams (all by default)."""
    patch.setattr(
        TapLeads,
        "sources",
        [
            replace(
                source,
                streams=[
                    replace(stream, traits=replace(stream.traits, **changes))
                    if stream.name in (streams or (stream.name,))
                    else stream
                    for stream in source.streams
                ],
            )
            for source in TapLeads.sources
        ],
    )


@pytest.fixture
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait only as long as the server asks for, and not for an account that was refused."""
    network = Network(retry=RetryPolicy(rng=_NoChance()), limiter=_PatientLimiter)
    set_runtime(monkeypatch, network=network)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> int:
    """The rows of a page of leads: few, so that a few hundred leads are many slices."""
    leads = [f"{source.name}_leads" for source in EVERY_SOURCE]
    set_traits(monkeypatch, *leads, page_size=20)
    return 20


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """A sandbox with a few hundred leads that answers as fast as it can."""
    with Sandbox(leads=300, seed=7) as sandbox:
        for api in sandbox.apis.values():
            api.options.rate_limit = None
        yield sandbox


@pytest.fixture
def kommo() -> Iterator[Kommo]:
    """A Kommo without leads."""
    with Sandbox(leads=0, seed=7) as box:
        box.kommo.options.rate_limit = None
        yield box.kommo


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL of these tests' own."""
    with Postgres(tmp_path_factory.mktemp("postgres") / "data") as server:
        yield server


@pytest.fixture
def database(postgres: Postgres, tmp_path: Path) -> Database:
    """A schema in it for the runs of one test."""
    return Database(postgres, tmp_path, f"test_{os.urandom(6).hex()}")


@pytest.fixture
def run_tap(tmp_path: Path) -> Any:
    """Run `tap-leads` as a program of its own."""

    def run(
        config: Any = None,
        *arguments: str,
        state: Any = None,
        catalog: Any = LEADS,
        environment: Mapping[str, str] | None = None,
        timeout: float = 120,
    ) -> Run:
        command = [sys.executable, "-m", "tap_leads"]
        catalog = None if catalog is LEADS and arguments else catalog
        command += _written(tmp_path, config=config, state=state, catalog=catalog)
        done = subprocess.run(
            [*command, *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            cwd=tmp_path,
            env={**os.environ, **(environment or {})},
        )
        return Run(_messages(done.stdout), done.stderr, done.returncode)

    return run


@pytest.fixture
def run_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Any:
    """Run the command `tap-leads` in this process: as `run_tap` does, without its start-up time."""

    def run(
        config: Any = None,
        *arguments: str,
        state: Any = None,
        catalog: Any = LEADS,
        environment: Mapping[str, str] | None = None,
    ) -> Run:
        catalog = None if catalog is LEADS and arguments else catalog
        options = _written(tmp_path, config=config, state=state, catalog=catalog)
        log = io.StringIO()
        handler = logging.StreamHandler(log)
        handler.setFormatter(ConsoleFormatter())
        root = logging.getLogger()
        with monkeypatch.context() as patch:
            patch.chdir(tmp_path)
            patch.setattr(root, "handlers", [*root.handlers, handler])
            level = root.level
            root.setLevel(min(level, logging.INFO))
            for name, value in (environment or {}).items():
                patch.setenv(name, value)
            capsys.readouterr()
            with pytest.raises(SystemExit) as ended:
                TapLeads.get_singer_command().main([*options, *arguments], "tap-leads")
            root.setLevel(level)
        code = ended.value.code
        captured = capsys.readouterr()
        assert isinstance(code, int)
        return Run(_messages(captured.out), log.getvalue() + captured.err, code)

    return run
