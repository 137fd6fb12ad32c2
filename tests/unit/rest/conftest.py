"""The token file and the clock of the tests of renewed tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.rest.oauth import NOW
from tests.unit.rest.support import FakeClock

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A token file that is not there yet."""
    return tmp_path / "acme.json"


@pytest.fixture
def clock() -> FakeClock:
    """A clock that waits cost no time on."""
    return FakeClock(NOW)
