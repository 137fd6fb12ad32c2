"""Draw the results as one chart: `python chart.py results.json results.png`, with matplotlib."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl  # type: ignore[import-not-found]  # installed in its own environment

mpl.use("Agg")
from matplotlib import pyplot as plt

INK, MUTED, GRID = "#1f2933", "#66727f", "#e4e8ec"
OURS, FLOOR, OTHER = "#0f7b6c", "#9aa5b1", "#c3ccd5"
SHADES = ("#b9dbd5", "#5fb0a3", "#0f7b6c"), ("#e4e8ec", "#c3ccd5", "#8c98a4")
LOST, KEPT, TOLD = "#f6c9c2", "#d6eee6", "#fbe7c2"
TAP, BARE = "tap-leads", "bare loop"
CASES = {
    "changes": "leads change\nbetween pages",
    "ties": "1,200 leads of\none second",
    "cap": "smaller pages\nthan requested",
    "foreign": "next link to\nanother host",
}


def main(results: str, picture: str) -> None:
    """Draw the chart."""
    content = json.loads(Path(results).read_text(encoding="utf-8"))
    plt.rcParams.update(
        {
            "font.family": "sans-serif",
            "font.size": 10,
            "text.color": INK,
            "axes.edgecolor": GRID,
            "xtick.color": MUTED,
            "ytick.color": INK,
        }
    )
    figure, axes = plt.subplots(
        1, 3, figsize=(14, 5.4), width_ratios=(1.5, 1, 1), layout="constrained"
    )
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.14, wspace=0.04)
    tools = [one["tool"] for one in content["speed"]]
    tools.sort(key=lambda tool: (tool != TAP, tool != BARE))
    losses(axes[0], content, tools)
    speed(axes[1], content, tools)
    waits(axes[2], content, tools)
    figure.savefig(picture, dpi=160, facecolor="white", metadata={"Software": None})


def title(axis: Any, text: str, below: str) -> None:
    """Set the title of a chart, with an explanation below it."""
    axis.set_title(text, loc="left", fontsize=13, fontweight="bold", pad=50)
    axis.annotate(below, (0, 1), (0, 38), xycoords="axes fraction", textcoords="offset points",
                  fontsize=9.5, color=MUTED)  # fmt: skip


def rows(axis: Any, tools: list[str]) -> None:
    """Label one row per tool, the tap at the top."""
    axis.set_yticks(range(len(tools)), tools)
    for label in axis.get_yticklabels():
        label.set_fontweight("bold" if label.get_text() == TAP else "normal")
    axis.set_ylim(len(tools) - 0.4, -0.6)
    axis.tick_params(length=0)
    for side in axis.spines.values():
        side.set_visible(False)


def speed(axis: Any, content: dict[str, Any], tools: list[str]) -> None:
    """Draw the leads per CPU second."""
    by_tool = {one["tool"]: one for one in content["speed"]}
    most = max(one["net"] for one in by_tool.values())
    for place, tool in enumerate(tools):
        one = by_tool[tool]
        colour = {TAP: OURS, BARE: FLOOR}.get(tool, OTHER)
        axis.barh(place, one["net"], height=0.62, color=colour)
        told = "failed" if one["problem"] else f"{one['net']:,.0f}"
        axis.text(one["net"] + most * 0.015, place, told, va="center", fontsize=9.5)
    rows(axis, tools)
    axis.set_xlim(0, most * 1.17)
    axis.set_xticks([])
    title(axis, "Leads per CPU second", "less start-up; more is better")


def waits(axis: Any, content: dict[str, Any], tools: list[str]) -> None:
    """Draw the wall-clock seconds."""
    by_tool: dict[str, list[dict[str, Any]]] = {tool: [] for tool in tools}
    for wait in content["waits"]:
        by_tool[wait["tool"]].append(wait)
    most = max(wait["seconds"] for wait in content["waits"])
    leads = max(wait["leads"] for wait in content["waits"])
    for place, tool in enumerate(tools):
        shades = SHADES[0] if tool == TAP else SHADES[1]
        for number, wait in enumerate(by_tool[tool]):
            y = place + (number - 1) * 0.24
            axis.barh(y, wait["seconds"], height=0.22, color=shades[number])
            told = f"{wait['latency'] * 1000:.0f} ms: "
            told += "failed" if wait["problem"] else f"{wait['seconds']:.1f} s"
            axis.text(wait["seconds"] + most * 0.015, y, told, va="center", fontsize=7.5)
    rows(axis, tools)
    axis.set_xlim(0, most * 1.3)
    axis.set_xticks([])
    title(axis, f"Seconds for {leads:,} leads", "by the server's latency, start-up included")


def losses(axis: Any, content: dict[str, Any], tools: list[str]) -> None:
    """Draw a table of lost leads."""
    cells = {(one["tool"], one["case"]): one for one in content["losses"]}
    for place, tool in enumerate(tools):
        for column, case in enumerate(CASES):
            one = cells[tool, case]
            told, colour = cell(one)
            box = plt.Rectangle((column - 0.47, place - 0.43), 0.94, 0.86, color=colour, lw=0)
            axis.add_patch(box)
            size = 10 if "\n" not in told else 8
            axis.text(column, place, told, ha="center", va="center", fontsize=size, linespacing=1.4)
    rows(axis, tools)
    axis.set_xlim(-0.5, len(CASES) - 0.5)
    axis.set_xticks(range(len(CASES)), CASES.values(), fontsize=9)
    axis.xaxis.set_ticks_position("top")
    axis.tick_params(axis="x", length=0)
    count = max(one["untouched"] for one in content["losses"])
    title(axis, "Leads lost", f"of up to {count:,} that nobody touched")


def cell(one: dict[str, Any]) -> tuple[str, str]:
    """Return the text of a cell and its color."""
    lines = [f"{one['lost']:,}"]
    if one["problem"]:
        lines.append("and failed")
    if one["token_left"]:
        lines.append("token leaked")
    wrong = one["lost"] and not one["problem"]
    return "\n".join(lines), LOST if wrong or one["token_left"] else (
        TOLD if one["problem"] else KEPT
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
