"""Settings for the sandbox's Kommo with tokens that the tap renews."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from tests.support.settings import settings_for

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Request, Sandbox
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
