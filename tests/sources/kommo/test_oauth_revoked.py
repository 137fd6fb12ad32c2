"""Tokens of an integration whose access was revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.catalogs import catalog_for
from tests.support.logs import errors
from tests.support.oauth import statuses, token_requests
from tests.support.run import sync

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from tests.support.run import Run
    from tests.support.settings import Config

    Runner = Callable[..., Run]


def test_revoked_is_one_line_for_all_streams_that_says_what_to_do(
    box: Sandbox, config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    box.kommo.oauth.revoke()
    streams = catalog_for("kommo_leads", "kommo_users", "kommo_contacts", "kommo_tasks")
    assert sync(config, catalog=streams).code == 1
    (line,) = errors(caplog)
    assert "(401: it is invalid or already used, access was revoked, or" in line
    assert line.endswith(
        "; authorize the integration again, and set `kommo.oauth.code` to the new code"
    )
    assert len(token_requests(box)) == 1
    assert statuses(box) == []


def test_revoked_in_mid_run_keeps_what_was_read(
    box: Sandbox, config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    box.kommo.options.page_cap = 50
    box.kommo.after_request = lambda _api, _rng: (
        box.kommo.oauth.revoke() if len(statuses(box)) == 4 else None
    )
    run = sync(config | {"concurrency": 1})
    assert run.code == 1
    assert 0 < len(run.ids("kommo_leads")) < box.kommo.count
    (line,) = errors(caplog)
    assert "access was revoked" in line
    assert len(token_requests(box)) == 2


@pytest.mark.usefixtures("small_pages")
def test_revoked_while_threads_are_at_work_is_asked_about_once(
    box: Sandbox, config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    box.kommo.options.latency = 0.05
    box.kommo.after_request = lambda _api, _rng: (
        box.kommo.oauth.revoke() if len(statuses(box)) >= 6 else None
    )
    assert sync(config | {"concurrency": 8}).code == 1
    assert len(errors(caplog)) == 1
    assert statuses(box).count(401) > 1
    assert len(token_requests(box)) == 2


def test_revoked_on_amocrm_is_told_as_well_though_it_says_so_in_russian(
    box: Sandbox, config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    box.kommo.options.localised = True
    box.kommo.oauth.revoke()
    assert sync(config).code == 1
    assert "access was revoked" in errors(caplog)[0]
