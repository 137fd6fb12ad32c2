"""Fixtures for an account whose tokens the tap renews."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.oauth import consented, let_end
from tests.support.run import sync

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox
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
