"""A stream is a declaration: its columns and a few more lines."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tap_leads.sources import SOURCES
from tap_leads.sources.dashly import DASHLY

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent.parent.parent / "tap_leads" / "sources"
MOST_LINES = 12


def declarations() -> Iterator[tuple[str, ast.Call]]:
    """Yield each call of `StreamSpec` that has columns, with its place."""
    for path in sorted(FOLDER.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "StreamSpec":
                columns = next(k.value for k in node.keywords if k.arg == "columns")
                if not (isinstance(columns, ast.Tuple) and not columns.elts):
                    yield f"{path.relative_to(FOLDER)}:{node.lineno}", node


DECLARATIONS = dict(declarations())


def test_every_stream_is_declared() -> None:
    streams = sum(len(source.streams) for source in SOURCES)
    # Two brands share theirs, and so do fields, tags, notes and deletions of each entity.
    shared = len(DASHLY.streams) + 3 + 2 + 2 + 2
    assert len(DECLARATIONS) == streams - shared


@pytest.mark.parametrize("node", DECLARATIONS.values(), ids=DECLARATIONS)
def test_a_stream_is_its_columns_and_at_most_twelve_more_lines(node: ast.Call) -> None:
    lines = {
        line
        for keyword in node.keywords
        if keyword.arg != "columns"
        for line in range(keyword.lineno, (keyword.end_lineno or 0) + 1)
    }
    assert len(lines) <= MOST_LINES
