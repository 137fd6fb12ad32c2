"""Fixtures for an account whose tokens the tap renews."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import program
from tests.support.catalogs import LEADS
from tests.support.oauth import consented, let_end
from tests.support.run import sync

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

    from sandbox import Sandbox
    from tests.support.program import Program
    from tests.support.settings import Config


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the path of a token file that does not exist yet, in a folder of its own."""
    (tmp_path / "tokens").mkdir()
    return tmp_path / "tokens" / "acme.json"


@pytest.fixture
def config(box: Sandbox, file: Path) -> Config:
    """Return the settings of an account that was read once, and whose access token has expired."""
    config = consented(box, file)
    assert sync(config).code == 0
    let_end(file)
    box.kommo.journal.clear()
    return config


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Start the tap as a process of its own."""
    started: list[Program] = []

    def run(config: Config, **options: Any) -> Program:
        started.append(program.start(tmp_path, config=config, catalog=LEADS, **options))
        return started[-1]

    yield run
    for each in started:
        each.kill()
