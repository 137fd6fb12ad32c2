"""The folder of the tests of accounts in files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def accounts_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start in an empty folder, without the variables that the accounts name."""
    monkeypatch.chdir(tmp_path)
    for name in ("BERLIN", "PORTO"):
        monkeypatch.delenv(name, raising=False)
