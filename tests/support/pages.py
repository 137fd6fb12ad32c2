"""Read parts of the documentation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SETTINGS = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
QUIRKS = sorted((ROOT / "docs/design/apis").glob("*.md"))
ROOT_PAGES = [ROOT / f"{name}.md" for name in ("README", "CHANGELOG", "CONTRIBUTING", "SECURITY")]
EXAMPLES = sorted((ROOT / "examples").rglob("README.md"))
PAGES = [*ROOT_PAGES, *EXAMPLES, *sorted((ROOT / "docs").rglob("*.md"))]


def name_of(page: Path) -> str:
    """Return the path of a page within the project."""
    return page.relative_to(ROOT).as_posix()


def section(title: str, page: str = "README.md") -> str:
    """Return a section of a page, up to the next heading of its level or above."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.search(rf"^(#+) {re.escape(title)}\n", text, re.MULTILINE)
    assert found, title
    rest = text[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of each row of the tables in a text, without their headings."""
    lines = text.splitlines()
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("| ") and "| ---" not in {line[:5], below[:5]}:
            yield [cell.strip() for cell in line.strip("| ").split(" | ")]


def spans(text: str) -> list[str]:
    """Return the code spans of a text."""
    found = re.findall(r"(?<!`)(`{1,2})(?!`)(.+?)(?<!`)\1(?!`)", text)
    return [span.strip() for _, span in found]


def fences(text: str, language: str) -> list[str]:
    """Return the fenced blocks in a language, without their indentation."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]
