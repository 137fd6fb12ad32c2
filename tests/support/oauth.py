"""Settings for the sandbox's Kommo with tokens that the tap renews."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any, cast

from tests.support.program import until
from tests.support.run import everyone, sync
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Request, Sandbox
    from tests.support.program import Program
    from tests.support.settings import Config


def integration(box: Sandbox, **own: Any) -> Config:
    """Return the setting `oauth` with the credentials of the sandbox's integration."""
    oauth = box.kommo.oauth
    return {
        "client_id": oauth.client_id,
        "client_secret": oauth.client_secret,
        "redirect_uri": oauth.redirect_uri,
        **own,
    }


def consented(box: Sandbox, file: Path | None = None, *, top: Config | None = None) -> Config:
    """Return settings with a new authorization code."""
    config = settings_for(box.kommo)
    del config["access_token"]
    config["oauth"] = integration(box, code=box.kommo.oauth.consent())
    if file:
        config["oauth"]["token_file"] = str(file)
    return {"kommo": config, **(top or {})}


def token_requests(box: Sandbox) -> list[Request]:
    """Return the token requests so far."""
    return [request for request in box.kommo.journal if request.method == "POST"]


def statuses(box: Sandbox) -> list[int]:
    """Return the status of each GET request so far."""
    return [request.status for request in box.kommo.journal if request.method == "GET"]


def held(file: Path) -> dict[str, Any]:
    """Return the content of a token file."""
    return cast("dict[str, Any]", json.loads(file.read_bytes()))


def let_end(file: Path) -> None:
    """Let a token file say that the access token has expired."""
    file.write_text(json.dumps(held(file) | {"expires_at": 1_700_000_000}))


def assert_good(box: Sandbox, config: Config) -> None:
    """Assert that a run reads every lead, without a new authorization."""
    run = sync(config)
    assert run.code == 0
    assert set(run.ids("kommo_leads")) == everyone(box.kommo)


def assert_tokens_are_waited_for(
    box: Sandbox, config: Config, start: Callable[..., Program]
) -> None:
    """Assert that a run which is told to end saves the tokens that it has asked for."""
    box.kommo.options.latency = 0.5
    tap = start(config)
    until(lambda: token_requests(box))
    tap.terminate()
    assert tap.end() == 128 + signal.SIGTERM
    box.kommo.options.latency = 0
    assert_good(box, config)
    assert len(token_requests(box)) == 1
