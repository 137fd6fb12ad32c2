"""What people see of a run: a line now and then, and a table at the end."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tap_leads.singer.report import HEADS
from tests.support.catalogs import LEADS
from tests.support.run import everyone
from tests.support.runtime import set_runtime
from tests.support.settings import SOURCES, settings_for

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Api, Sandbox
    from tests.support.run import Run

    Runner = Callable[..., Run]

LINE = re.compile(
    r"(?P<stream>\w+), account (?P<account>\w+): (?P<records>[\d,]+) records; "
    r"(at (?P<mark>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)"
    r"(, (?P<left>[\d,]+) (days|hours|minutes) to go)?; )?"
    r"(?P<requests>[\d,]+) requests \((?P<rate>\d+\.\d)/s\); "
    r"throttled (?P<waited>\d+) s(; (?P<retries>[\d,]+) retries)?"
)


def infos(stderr: str) -> list[str]:
    """What was told at INFO."""
    lines = [line.split(" | ") for line in stderr.splitlines()]
    return [line[-1] for line in lines if len(line) > 1 and line[1].strip() == "INFO"]


def table_of(stderr: str) -> list[dict[str, str]]:
    """The rows of the table at the end, by the names of its columns."""
    lines = infos(stderr)
    (head,) = (place for place, line in enumerate(lines) if line.startswith("stream  "))
    names = re.split(r"\s{2,}", lines[head])
    assert tuple(names) == HEADS
    rows = [re.split(r"\s{2,}", line.strip()) for line in lines[head + 1 :]]
    return [dict(zip(names, row, strict=True)) for row in rows if len(row) == len(names)]


def numbers(row: dict[str, str]) -> tuple[int, int, int]:
    records, requests, retries = (
        int(row[name].replace(",", "")) for name in ("records", "requests", "retries")
    )
    return records, requests, retries


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("source", SOURCES)
def test_a_stream_at_work_tells_how_far_it_is(
    box: Sandbox, run_here: Runner, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_runtime(monkeypatch, heartbeat=0.0)
    run = run_here({source: settings_for(box.apis[source], name="north")})
    found = [match for line in infos(run.stderr) if (match := LINE.fullmatch(line))]
    assert len(found) > 5
    assert {(match["stream"], match["account"]) for match in found} == {
        (f"{source}_leads", "north")
    }
    for name in ("records", "requests"):
        told = [int(match[name].replace(",", "")) for match in found]
        assert told == sorted(told)
        # All requests may be answered before the first record is emitted.
        assert told[-1] > told[0] or name == "requests"
    marks = [match["mark"] for match in found if match["mark"]]
    assert marks == sorted(marks)
    assert any(match["left"] for match in found)


@pytest.mark.usefixtures("no_waits", "small_pages")
def test_retries_are_told_where_there_are_some(
    box: Sandbox, run_here: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_runtime(monkeypatch, heartbeat=0.0)
    box.octanist.faults.plan("none", 503, "reset")
    run = run_here({"octanist": settings_for(box.octanist)})
    found = [match for line in infos(run.stderr) if (match := LINE.fullmatch(line))]
    assert found[-1]["retries"] == "2"


@pytest.mark.usefixtures("no_waits", "small_pages")
def test_the_table_at_the_end_counts_what_came_and_what_it_took(
    box: Sandbox, run_here: Runner
) -> None:
    box.kommo.faults.plan("none", 503, "none", "reset")
    run = run_here({slot: settings_for(api) for slot, api in box.apis.items()})
    rows = table_of(run.stderr)
    assert [row["stream"] for row in rows] == [f"{slot}_leads" for slot in box.apis]
    for row, (slot, api) in zip(rows, box.apis.items(), strict=True):
        retries = 2 if slot == "kommo" else 0
        assert numbers(row) == (len(everyone(api)), len(api.journal), retries)
        assert row["bookmark"] == (run.bookmark(f"{slot}_leads") or "")[:19]
        assert row["status"] == "complete"


@pytest.mark.usefixtures("no_waits", "small_pages")
def test_the_table_comes_after_a_failure_too_and_says_which(box: Sandbox, run_here: Runner) -> None:
    box.dashly.faults.plan(401, after=6)
    run = run_here({slot: settings_for(api) for slot, api in box.apis.items()})
    assert run.code == 1
    rows = {row["stream"]: row for row in table_of(run.stderr)}
    assert {stream: row["status"] for stream, row in rows.items()} == {
        f"{slot}_leads": "failed" if slot == "dashly" else "complete" for slot in box.apis
    }
    records, requests, _ = numbers(rows["dashly_leads"])
    assert records == len(run.records("dashly_leads"))
    assert requests == len(box.dashly.journal)
    assert rows["dashly_leads"]["bookmark"] == (run.bookmark("dashly_leads") or "")[:19]


def test_the_table_tells_how_long_the_budget_let_the_requests_wait(
    box: Sandbox, run_here: Runner
) -> None:
    box.octanist.options.page_cap = 50
    run = run_here(
        {"octanist": settings_for(box.octanist, requests_per_second=5), "concurrency": 1}
    )
    (row,) = table_of(run.stderr)
    assert float(row["throttled s"]) >= 0.8


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_table_comes_after_a_signal_too(
    box: Sandbox, tmp_path: Path, number: signal.Signals
) -> None:
    def after_request(api: Api, _rng: random.Random) -> None:
        if len(api.journal) == 4:
            api.options.latency = 30

    box.octanist.options.page_cap = 20
    box.octanist.after_request = after_request
    config, catalog = tmp_path / "config.json", tmp_path / "catalog.json"
    config.write_text(json.dumps({"octanist": settings_for(box.octanist)}))
    catalog.write_text(json.dumps(LEADS))
    command = [sys.executable, "-m", "tap_leads", f"--config={config}", f"--catalog={catalog}"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as tap:
        assert tap.stdout is not None
        while "RECORD" not in tap.stdout.readline():
            pass
        tap.send_signal(number)
        stdout, stderr = tap.communicate(timeout=60)
    (row,) = table_of(stderr)
    state = json.loads(stdout.splitlines()[-1])["value"]["bookmarks"]["octanist_leads"]
    assert row["status"] == "interrupted"
    assert row["bookmark"] == state["partitions"][0].get("replication_key_value", "-")[:19]


def test_a_run_of_nothing_has_no_table_and_no_lines(box: Sandbox, run_here: Runner) -> None:
    run = run_here({"kommo": settings_for(box.kommo)}, "--discover")
    assert not any(line.startswith("stream ") for line in infos(run.stderr))
