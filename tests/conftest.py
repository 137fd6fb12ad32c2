"""What the tests share: a sandbox, settings for it, and the tap run against it."""

from __future__ import annotations

import gc
import io
import logging
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from singer_sdk.logging import ConsoleFormatter

from demo.postgres import Postgres
from sandbox import Sandbox
from tap_leads.rest.retry import RetryPolicy
from tap_leads.sources import SOURCES
from tap_leads.sources.connect import Network
from tap_leads.tap import TapLeads
from tests.support.catalogs import LEADS
from tests.support.database import Database
from tests.support.run import Run, messages_of, written
from tests.support.runtime import NoChance, PatientLimiter, set_runtime, set_traits
from tests.support.token_database import TokenDatabase

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sandbox.kommo.api import Kommo

# No test depends on how fast the machine is. `--hypothesis-profile=few` runs a part of the
# examples, the same ones each time; `mutants` does not look for the simplest one that fails.
hypothesis.settings.register_profile(
    "unhurried", hypothesis.settings.get_profile("ci" if "CI" in os.environ else "default"),
    deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow],
)  # fmt: skip
hypothesis.settings.register_profile(
    "few", hypothesis.settings.get_profile("unhurried"),
    max_examples=5, derandomize=True, database=None,
)  # fmt: skip
hypothesis.settings.register_profile(
    "mutants", hypothesis.settings.get_profile("few"),
    phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
)  # fmt: skip
hypothesis.settings.load_profile("unhurried")


def pytest_collection_finish() -> None:
    """Keep what was collected out of garbage collection: it is a fifth of the time otherwise."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """Take back the signal handlers that a tap in this process installs: pytest has its own."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait only as long as the server asks for, and not for an account that was refused."""
    network = Network(retry=RetryPolicy(rng=NoChance()), limiter=PatientLimiter)
    set_runtime(monkeypatch, network=network)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> int:
    """The rows of a page of leads: few, so that a few hundred leads are many slices."""
    leads = [f"{source.name}_leads" for source in SOURCES]
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
def token_database(postgres: Postgres) -> Iterator[TokenDatabase]:
    """A database without the table of tokens, whose role may create it."""
    database = TokenDatabase(postgres)
    yield database
    database.drop()


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
        command += written(tmp_path, config=config, state=state, catalog=catalog)
        done = subprocess.run(
            [*command, *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            cwd=tmp_path,
            env={**os.environ, **(environment or {})},
        )
        return Run(messages_of(done.stdout), done.stderr, done.returncode)

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
        options = written(tmp_path, config=config, state=state, catalog=catalog)
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
        return Run(messages_of(captured.out), log.getvalue() + captured.err, code)

    return run
