"""The places and the clock of the tests of renewed tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.rest.oauth import NOW
from tests.unit.rest.places import File, Place, Table
from tests.unit.rest.support import FakeClock

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["file", pytest.param("table", marks=pytest.mark.postgres)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Each place that tokens can be kept in; nothing is there yet."""
    if request.param == "file":
        return File(tmp_path / "acme.json")
    return Table(request.getfixturevalue("token_database"))


@pytest.fixture
def clock() -> FakeClock:
    """A clock that waits cost no time on."""
    return FakeClock(NOW)
