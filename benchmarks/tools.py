"""The tools: how each is configured, run, and read."""

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
"""Seconds after which a run is ended."""
WITH = "contacts,loss_reason,is_price_modified_by_robot,catalog_elements,source_id,source"

Settings: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """What a tool is to read, and the empty folder it has to itself."""

    url: str
    token: str
    folder: Path
    settings: Settings = field(default_factory=dict)

    def write(self, name: str, content: object) -> str:
        """Write a file of JSON; its path."""
        path = self.folder / name
        path.write_text(json.dumps(content), encoding="utf-8")
        return str(path)


@dataclass(frozen=True)
class Tool:
    """A way to get the leads."""

    name: str
    environment: str | None
    """The rival's environment; the tap and the bare loop have the project's."""
    command: Callable[[Job], list[str]]
    ids: Callable[[Job], Iterator[int]]
    """The ids that came out of a run."""

    @property
    def version(self) -> str:
        """What was measured."""
        return environments.version("requests" if self.command is _bare else self.environment)

    def run(self, serving: Serving, **settings: Any) -> Run:
        """Read everything from a sandbox."""
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
    """What a run took, as `benchmarks.measure` says it."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds of the tool and its children."""
    peak_kib: float
    code: int


@dataclass(frozen=True)
class Run:
    """A run of a tool."""

    tool: Tool
    job: Job
    taken: Taken
    journal: dict[str, Any] = field(default_factory=dict)
    """What the sandbox saw, as `benchmarks.server` says it."""
    problem: str = ""
    """Why it failed, if it did."""

    def ids(self) -> set[int]:
        """The leads that came out; to be read before the tool's next run."""
        return set(self.tool.ids(self.job))


def _measure(command: list[str], folder: Path) -> Taken:
    files = [str(folder / name) for name in ("taken.json", "stdout", "stderr")]
    trampoline = [sys.executable, "-m", "benchmarks.measure", *files, str(LIMIT), *command]
    environment = os.environ | {"RUNTIME__DLTHUB_TELEMETRY": "false", "DO_NOT_TRACK": "1"}
    subprocess.run(trampoline, check=True, cwd=ROOT, env=environment)
    return msgspec.json.decode((folder / "taken.json").read_bytes(), type=Taken)


def _problem(folder: Path, code: int) -> str:
    """The last line that says something about what went wrong."""
    lines = (folder / "stderr").read_text(errors="replace").splitlines()
    lines += [] if any(lines) else (folder / "stdout").read_text(errors="replace").splitlines()
    told = [line.strip() for line in lines if line.strip()]
    errors = [line for line in told if "rror" in line or "ERROR" in line]
    return f"exit code {code}: {(errors or told or [''])[-1][:300]}"


# How each is told what to read


def _tap(job: Job) -> list[str]:
    kommo: Settings = {"name": "bench", "api_url": job.url, "access_token": job.token}
    # Its own default is 6 requests a second, which is for Kommo: the others have no such limit.
    kommo |= {"requests_per_second": 10_000, **job.settings}
    config = job.write("config.json", {"kommo": kommo})
    # The others read leads alone; a stream that a catalog does not name is not read.
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
    # https://pypi.org/project/tap-rest-api-msdk/. It takes the path of the next link, so the path
    # of the API is the stream's. Without a start date and state it reads all, as the others do.
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
    # It reads from a date on: one shortly before the first lead, so that no window is for nothing.
    start = datetime.now(UTC) - timedelta(days=2 * 365 + 7)
    settings = {"api_url": job.url, "access_token": job.token, "step": step}
    settings["start_date"] = start.strftime("%Y-%m-%dT%H:%M:%SZ")
    config = job.write("config.json", settings)
    catalog = job.write("catalog.json", {"streams": [configured]})
    program = environments.program("airbyte-cdk", "source-declarative-manifest")
    manifest = str(RIVALS / "airbyte.yaml")
    return [program, "read", "--config", config, "--catalog", catalog, "--manifest-path", manifest]


# What came out of each


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
"""What any tool that follows links can do about ties: its losses alone are measured."""
