"""The clock of a run is the clock of its tokens."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_leads.rest.clock import SystemClock
from tap_leads.sources.connect import Network
from tests.support.oauth import consented, token_requests
from tests.support.run import sync
from tests.support.runtime import set_runtime
from tests.support.settings import DAY, settings_for

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from sandbox import Sandbox


class Later(SystemClock):
    """A clock that is twenty days ahead."""

    @staticmethod
    @override
    def time() -> float:
        return time.time() + 20 * DAY


def test_a_long_lived_token_expires_by_the_clock_of_the_run(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    set_runtime(monkeypatch, network=Network(clock=Later()))
    token = box.kommo.oauth.long_lived(time.time() + 19 * DAY)
    assert sync({"kommo": settings_for(box.kommo, access_token=token)}).code == 1
    assert "the token in `kommo.access_token` expired on" in caplog.text


def test_tokens_are_renewed_by_the_clock_of_the_run(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = consented(box, tmp_path / "acme.json")
    assert sync(config).code == 0
    before = len(token_requests(box))
    set_runtime(monkeypatch, network=Network(clock=Later()))
    assert sync(config).code == 0
    assert len(token_requests(box)) == before + 1
