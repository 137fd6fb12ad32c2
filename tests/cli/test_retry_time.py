"""`max_retry_seconds` on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from tests.support.run import Run

    Runner = Callable[..., Run]


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize(("seconds", "requests"), [(0, 1), (300, 20)])
def test_requests_are_retried_only_as_long_as_the_setting_says(
    box: Sandbox, run_here: Runner, seconds: int, requests: int
) -> None:
    box.octanist.options.gateway_timeout_above = 0
    config = {"octanist": settings_for(box.octanist), "max_retry_seconds": seconds}
    run = run_here(config)
    assert run.code == 1
    assert len(box.octanist.journal) == requests
