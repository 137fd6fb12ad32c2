"""Write the report: `python -m examples.report URL SCHEMA FILE`, with a PostgreSQL URL."""

import json
import sys
from decimal import Decimal
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import psycopg
import vl_convert

from examples.report.charts import CHARTS, FIGURES, Chart, Row


def report(url: str, schema: str, file: Path) -> None:
    """Write the report as one HTML file."""
    specs: dict[str, Any] = {}
    with psycopg.connect(url, options=f"-c search_path={schema}") as connection:
        sections = [section(chart, rows(connection, chart.sql), specs) for chart in CHARTS]
        (_, first), (_, last), *figures = rows(connection, FIGURES)[0].items()
    tiles = (f"<div><dt>{name}</dt><dd>{shown(figure)}</dd></div>" for name, figure in figures)
    page = Template(Path(__file__).with_name("page.html").read_text()).substitute(
        period=f"{first} to {last}" if first else "No leads yet",
        figures="".join(tiles),
        sections="\n".join(sections),
        javascript=vl_convert.javascript_bundle(None, vl_version="6.4"),  # type: ignore[arg-type]
        specs=json.dumps(specs, ensure_ascii=False).replace("<", "\\u003c"),
    )
    file.write_text(page, encoding="utf-8")


def rows(connection: psycopg.Connection[Any], sql: str) -> list[Row]:
    """Return the rows of a query, with numbers that JSON can have."""
    cursor = connection.execute(sql.encode())
    names = [column.name for column in cursor.description or ()]
    plain = ([float(v) if isinstance(v, Decimal) else v for v in row] for row in cursor)
    return [dict(zip(names, row, strict=True)) for row in plain]


def section(chart: Chart, found: list[Row], specs: dict[str, Any]) -> str:
    """Return the HTML of a chart, and add the specifications of its drawings."""
    parts = [f"<h2>{escape(chart.title)}</h2><p>{escape(chart.about)}</p>"]
    for name in dict.fromkeys(row.get(chart.split, "") for row in found):
        there = [row for row in found if row.get(chart.split, "") == name]
        spec = chart.draw(there).properties(width="container").to_dict()
        parts.append(f'<h3>{escape(name)}</h3><div class="chart" id="chart{len(specs)}"></div>')
        words = "; ".join(": ".join(v for v in r.values() if isinstance(v, str)) for r in there)
        specs[f"chart{len(specs)}"] = spec | {"description": f"{chart.title} {name}. {words}"}
    heads = [name for name in found[0] if name not in {"label", "whole"}] if found else []
    lines = [[f'<th scope="col">{name.replace("_", " ")}</th>' for name in heads]]
    lines += [[f"<td>{escape(shown(row[name]))}</td>" for name in heads] for row in found]
    table = "<table><tr>" + "</tr><tr>".join("".join(line) for line in lines) + "</tr></table>"
    table = f"<details><summary>Numbers</summary><div>{table}</div></details>"
    parts.append(table if found else "<strong>No data yet.</strong>")
    sql = f"<details><summary>SQL</summary><pre>{escape(chart.sql.strip())}</pre></details>"
    return f"<section>{''.join(parts)}{sql}</section>"


def shown(value: object) -> str:
    """Return a value as text; numbers have separators and at most one decimal."""
    text = f"{value:,.1f}" if isinstance(value, int | float) else str(value or "none")
    return text.removesuffix(".0")


if __name__ == "__main__":
    report(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
