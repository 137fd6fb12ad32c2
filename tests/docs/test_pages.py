"""Links, API notes and tables of the documentation are complete and lead somewhere."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import click
import pytest

from tap_leads.singer.command import Terminated
from tap_leads.sources import SOURCES
from tests.support.pages import PAGES, QUIRKS, README, ROOT, fences, name_of, rows, section, spans

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_README = 200


def slug(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_to_a_page_of_this_project_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        other = (page.parent / name) if name else page
        assert other.is_file(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", other.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in map(slug, headings), target


def test_every_page_of_quirks_is_linked_in_the_readme_and_each_source_has_one() -> None:
    linked = set(re.findall(r"\]\((docs/design/apis/\w+\.md)\)", README))
    assert linked == {f"docs/design/apis/{page.name}" for page in QUIRKS}
    assert {page.stem for page in QUIRKS} == {source.name for source in SOURCES}


@pytest.mark.parametrize("page", QUIRKS, ids=name_of)
def test_every_quirk_is_numbered_and_says_why_it_matters_and_what_the_tap_does(page: Path) -> None:
    quirks = re.split(r"^(\d+)\. ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert [int(number) for number in quirks[::2]] == list(range(1, len(quirks) // 2 + 1))
    for quirk in quirks[1::2]:
        assert "**Why this matters:**" in quirk, quirk
        assert "**The tap**" in quirk, quirk


@pytest.mark.parametrize("page", QUIRKS, ids=name_of)
def test_every_test_that_a_quirk_names_exists(page: Path) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page.read_text(encoding="utf-8"))
    assert named
    for path, name in named:
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), f"{path}::{name}"


def test_every_quirk_that_a_comment_names_exists() -> None:
    numbers = {
        page.stem: set(re.findall(r"^(\d+)\. ", page.read_text(encoding="utf-8"), re.MULTILINE))
        for page in QUIRKS
    }
    named = [
        match
        for path in (ROOT / "tap_leads").rglob("*.py")
        for match in re.findall(r"(\w+)/(\w+)\.md(?: (\d+))?", path.read_text(encoding="utf-8"))
    ]
    assert {folder for folder, _, _ in named} == {"apis"}
    assert all(number in numbers[stem] for _, stem, number in named)


def test_the_table_of_files_has_every_file_of_the_tap_and_none_that_is_not_there() -> None:
    page = section("Contributing", "CONTRIBUTING.md")
    told = {span for row in rows(page) for span in spans(row[0])}
    paths = {span for span in told if "/" in span}
    assert all((ROOT / path).exists() for path in paths)
    rooms = {f"tap_leads/{file.parent.name}/" for file in (ROOT / "tap_leads").glob("*/*.py")}
    files = {f"tap_leads/{file.name}" for file in (ROOT / "tap_leads").glob("[a-z]*.py")}
    assert rooms | files <= paths


def test_the_table_of_commands_is_what_make_offers() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    offered = re.findall(r"^([a-z-]+):.*## (.+)$", makefile, re.MULTILINE)
    page = section("Contributing", "CONTRIBUTING.md")
    told = [row for row in rows(page) if row[0].startswith("`make ")]
    assert told == [[f"`make {target}`", what] for target, what in offered]


def test_the_changelog_has_the_current_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    first = re.search(r"^## (\S+)", changelog, re.MULTILINE)
    assert first
    assert first[1] == project["version"]


def test_the_readme_is_short_and_names_the_commands_that_set_everything_up() -> None:
    assert len(README.splitlines()) <= LONGEST_README
    assert "make demo" in README
    assert "make test" in README


def test_the_quick_start_of_the_site_is_that_of_the_readme() -> None:
    page = (ROOT / "docs/quickstart.md").read_text(encoding="utf-8")
    ours, theirs = (
        fences(text, "ini") + [block for block in fences(text, "sh") if "config test" not in block]
        for text in (README, page)
    )
    assert ours == theirs


def test_the_exit_codes_in_the_guide_are_those_of_the_tap() -> None:
    page = section("Exit codes", "docs/guides/production.md")
    codes = {int(code) for row in rows(page) for code in row[0].split(", ")}
    stopped = {Terminated(number).code for number in (signal.SIGINT, signal.SIGTERM)}
    assert codes == {0, 1, click.UsageError.exit_code} | stopped


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q"]
    done = subprocess.run(
        [*command, "-d", str(tmp_path / "doctrees"), "docs", str(tmp_path / "site")],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_generated_is_up_to_date() -> None:
    command = [sys.executable, "-m", "tools.docs", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
