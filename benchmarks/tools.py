"""The tools: how each is configured and run, and how its output is read."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from benchmarks import environments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.server import Serving

ROOT = Path(__file__).parent.parent
RIVALS = ROOT / "benchmarks" / "rivals"
WORK = ROOT / ".bench" / "run"
LIMIT = 900
"""Seconds after which a run is killed."""
WITH = "contacts,loss_reason,is_price_modified_by_robot,catalog_elements,source_id,source"

Settings: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """The API that a tool reads, and an empty folder for its files."""

    url: str
    token: str
    folder: Path
    settings: Settings = field(default_factory=dict)

    def write(self, name: str, content: object) -> str:
        """Write a JSON file and return its path."""
        path = self.folder / name
        path.write_text(json.dumps(content), encoding="utf-8")
        return str(path)


@dataclass(frozen=True)
class Tool:
    """A tool that extracts the leads."""

    name: str
    environment: str | None
    """The competitor's environment; None for the project's, as for the tap and the bare loop."""
    command: Callable[[Job], list[str]]
    ids: Callable[[Job], Iterator[int]]
    """Yields the IDs in the output of a run."""

    @property
    def version(self) -> str:
        """Return the version of the tool, or of `requests` for the bare loop."""
        return environments.version("requests" if self.command is _bare else self.environment)

    def run(self, serving: Serving, **settings: Any) -> Run:
        """Extract all leads from a sandbox."""
        folder = WORK / self.name.replace(", ", "-").replace(" ", "-")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "stdout").touch()
        job = Job(serving.url, serving.token, folder, settings)
        serving.ask("forget")
        problem = environments.problem(self.environment)
        if problem:
            return Run(job=job, tool=self, taken=Taken(0.0, 0.0, 0.0, -1), problem=problem)
        taken = _measure(self.command(job), folder)
        problem = _problem(folder, taken.code) if taken.code else ""
        return Run(self, job, taken, serving.ask("journal"), problem)


class Taken(msgspec.Struct, frozen=True):
    """The cost of a run, as `benchmarks.measure` writes it."""

    wall: float
    """Wall-clock seconds."""
    cpu: float
    """CPU seconds of the tool and its child processes."""
    peak_kib: float
    code: int


@dataclass(frozen=True)
class Run:
    """One run of a tool, and its results."""

    tool: Tool
    job: Job
    taken: Taken
    journal: dict[str, Any] = field(default_factory=dict)
    """The summary of the sandbox's request log, from `benchmarks.server`."""
    problem: str = ""
    """The error message, if the run failed."""

    def ids(self) -> set[int]:
        """Return the IDs in the output; the tool's next run deletes it."""
        return set(self.tool.ids(self.job))


def _measure(command: list[str], folder: Path) -> Taken:
    files = [str(folder / name) for name in ("taken.json", "stdout", "stderr")]
    trampoline = [sys.executable, "-m", "benchmarks.measure", *files, str(LIMIT), *command]
    environment = os.environ | {"RUNTIME__DLTHUB_TELEMETRY": "false", "DO_NOT_TRACK": "1"}
    subprocess.run(trampoline, check=True, cwd=ROOT, env=environment)
    return msgspec.json.decode((folder / "taken.json").read_bytes(), type=Taken)


def _problem(folder: Path, code: int) -> str:
    """Return the last line of the output that looks like an error message."""
    lines = (folder / "stderr").read_text(errors="replace").splitlines()
    lines += [] if any(lines) else (folder / "stdout").read_text(errors="replace").splitlines()
    told = [line.strip() for line in lines if line.strip()]
    errors = [line for line in told if "rror" in line or "ERROR" in line]
    return f"exit code {code}: {(errors or told or [''])[-1][:300]}"


# The command line and configuration of each tool


def _tap(job: Job) -> list[str]:
    kommo: Settings = {"api_url": job.url, "access_token": job.token}
    if "accounts" not in job.settings:  # each has its own name
        kommo["name"] = "bench"
    # The tap's default of 6 requests per second is lifted, because the other tools have no limit.
    kommo |= {"requests_per_second": 10_000, **job.settings}
    config = job.write("config.json", {"kommo": kommo})
    # The other tools read only leads; a stream that is not in the catalog is not selected.
    chosen = {"breadcrumb": [], "metadata": {"selected": True}}
    leads = {"tap_stream_id": "kommo_leads", "schema": {"properties": {}}, "metadata": [chosen]}
    catalog = job.write("catalog.json", {"streams": [leads]})
    return [sys.executable, "-m", "tap_leads", "--config", config, "--catalog", catalog]


def _bare(job: Job, order: str = "updated_at") -> list[str]:
    return [sys.executable, str(RIVALS / "bare.py"), job.url, job.token, order]


def _sdk(job: Job) -> list[str]:
    config = job.write("config.json", {"api_url": job.url, "access_token": job.token})
    python = environments.program("singer-sdk", "python")
    return [python, str(RIVALS / "sdk_tap.py"), "--config", config]


def _dlt(job: Job) -> list[str]:
    python = environments.program("dlt", "python")
    return [python, str(RIVALS / "dlt_leads.py"), job.url, job.token, str(job.folder)]


def _msdk(job: Job) -> list[str]:
    # https://pypi.org/project/tap-rest-api-msdk/. It uses the path of the next link, so the API's
    # path must be in the stream's. Without a start date and state it reads all leads, as the other
    # tools do.
    origin, _, path = job.url.rpartition("/")
    config = {
        "api_url": origin,
        "auth_method": "bearer_token",
        "bearer_token": job.token,
        "pagination_request_style": "jsonpath_paginator",
        "pagination_response_style": "hateoas_body",
        "next_page_token_path": "$._links.next.href",
        "streams": [
            {
                "name": "leads",
                "path": f"/{path}/api/v4/leads",
                "records_path": "$._embedded.leads[*]",
                "params": {"limit": "250", "order[updated_at]": "asc", "with": WITH},
                "primary_keys": ["id"],
                "replication_key": "updated_at",
                "source_search_field": "filter[updated_at][from]",
                "source_search_query": "$last_run_date",
                "num_inference_records": 250,
            }
        ],
    }
    program = environments.program("tap-rest-api-msdk", "tap-rest-api-msdk")
    return [program, "--config", job.write("config.json", config)]


def _airbyte(step: str, job: Job) -> list[str]:
    stream = {
        "name": "leads",
        "json_schema": {},
        "supported_sync_modes": ["full_refresh", "incremental"],
    }
    configured = {
        "stream": stream,
        "sync_mode": "incremental",
        "cursor_field": ["updated_at"],
        "destination_sync_mode": "append_dedup",
        "primary_key": [["id"]],
    }
    # It requires a start date: shortly before the first lead, to avoid requests for empty slices.
    start = datetime.now(UTC) - timedelta(days=2 * 365 + 7)
    settings = {"api_url": job.url, "access_token": job.token, "step": step}
    settings["start_date"] = start.strftime("%Y-%m-%dT%H:%M:%SZ")
    config = job.write("config.json", settings)
    catalog = job.write("catalog.json", {"streams": [configured]})
    program = environments.program("airbyte-cdk", "source-declarative-manifest")
    manifest = str(RIVALS / "airbyte.yaml")
    return [program, "read", "--config", config, "--catalog", catalog, "--manifest-path", manifest]


# The output of each tool


class _Lead(msgspec.Struct):
    id: int


class _Singer(msgspec.Struct):
    type: str
    record: _Lead | None = None


class _AirbyteRecord(msgspec.Struct):
    data: _Lead


class _Airbyte(msgspec.Struct):
    type: str
    record: _AirbyteRecord | None = None


def _singer_ids(job: Job) -> Iterator[int]:
    decode = msgspec.json.Decoder(_Singer).decode
    with (job.folder / "stdout").open("rb") as lines:
        for line in lines:
            if (message := decode(line)).record is not None:
                yield message.record.id


def _airbyte_ids(job: Job) -> Iterator[int]:
    decode = msgspec.json.Decoder(_Airbyte).decode
    with (job.folder / "stdout").open("rb") as lines:
        for line in lines:
            if line.startswith(b"{") and (message := decode(line)).record is not None:
                yield message.record.data.id


def _dlt_ids(job: Job) -> Iterator[int]:
    decode = msgspec.json.Decoder(_Lead).decode
    for file in (job.folder / "loaded" / "kommo" / "leads").glob("*.jsonl*"):
        content = file.read_bytes()
        for line in (gzip.decompress(content) if file.suffix == ".gz" else content).splitlines():
            yield decode(line).id


TAP = Tool("tap-leads", None, _tap, _singer_ids)
BARE = Tool("bare loop", None, _bare, _singer_ids)
TOOLS = (
    BARE,
    TAP,
    Tool("singer-sdk", "singer-sdk", _sdk, _singer_ids),
    Tool("tap-rest-api-msdk", "tap-rest-api-msdk", _msdk, _singer_ids),
    Tool("dlt", "dlt", _dlt, _dlt_ids),
    Tool("airbyte-cdk", "airbyte-cdk", partial(_airbyte, "P10Y"), _airbyte_ids),
    Tool("airbyte-cdk, weeks", "airbyte-cdk", partial(_airbyte, "P1W"), _airbyte_ids),
)
BARE_BY_ID = Tool("bare loop, by id", None, partial(_bare, order="id"), _singer_ids)
"""The best that a tool which only follows links can do about ties; only its losses are measured."""
