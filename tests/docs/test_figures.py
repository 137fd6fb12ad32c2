"""The figures on the page of the benchmarks are those that were measured."""

from __future__ import annotations

import json

from tests.support.pages import ROOT, section
from tools.losses import CASES, TOOLS

RESULTS = json.loads((ROOT / "benchmarks/results.json").read_text(encoding="utf-8"))
SPEED = {one["tool"]: one for one in RESULTS["speed"]}
PAGE = " ".join(section("Benchmarks", "docs/design/benchmarks.md").split())


def test_the_tools_in_the_table_are_those_that_were_measured() -> None:
    assert set(TOOLS) == SPEED.keys() - {"bare loop"}
    assert {(one["tool"], one["case"]) for one in RESULTS["losses"]} >= {
        (tool, case) for tool in TOOLS for case in CASES
    }


def test_the_tap_lost_no_lead_and_no_tool_reported_a_failure() -> None:
    assert {one["lost"] for one in RESULTS["losses"] if one["tool"] == "tap-leads"} == {0}
    assert {one["problem"] for one in RESULTS["losses"]} == {""}


def test_the_speed_is_that_which_was_measured() -> None:
    ratios = {tool: one["net_ratio"] for tool, one in SPEED.items()}
    others = [ratio for tool, ratio in ratios.items() if tool not in {"tap-leads", "bare loop"}]
    ours = ratios["tap-leads"]
    assert f"{ours:.1f} times that of the bare loop" in PAGE
    assert f"need {min(others):.1f} to {max(others):.1f} times" in PAGE
    setup = f"{RESULTS['processors']} CPUs, Python {RESULTS['python'].rpartition('.')[0]}"
    assert f"{setup}, {RESULTS['rounds']} rounds" in PAGE


def test_throughput_and_memory_are_those_that_were_measured() -> None:
    pace, memory = RESULTS["pace"], RESULTS["memory"]
    assert f"{pace['pages']} pages, {pace['latency'] * 1000:.0f} ms per response" in PAGE
    assert f"{pace['per_second']:.1f} requests per second" in PAGE
    assert f"pages {pace['fill']:.0%} full" in PAGE
    told = ", ".join(f"{one['peak_mib']:.0f} MiB for {one['leads']:,}" for one in memory)
    assert told.replace(" for 20,000", " for 20,000 leads") in PAGE
