"""Settings of the tap for the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox import Api, Sandbox

Config = dict[str, Any]
DAY = 86_400

SOURCES = ("kommo", "dashly", "octanist")
"""The sources that differ: Carrot quest is Dashly under another brand."""

CREDENTIALS = {
    "kommo": "access_token",
    "dashly": "auth_token",
    "carrotquest": "auth_token",
    "octanist": "api_key",
}
KEYS = {
    "kommo": "updated_at",
    "dashly": "last_seen",
    "carrotquest": "last_seen",
    "octanist": "updated_at",
}


def settings_for(api: Api, **others: Any) -> Config:
    """Return the settings of a source in the sandbox, with a rate limit that is never reached."""
    config = {
        CREDENTIALS[api.slot]: api.token,
        "api_url": api.url,
        "requests_per_second": 10_000,
        **others,
    }
    return {"subdomain": "acme", **config} if api.slot == "kommo" else config


def every_source(box: Sandbox) -> Config:
    """Return the settings of all four sources in the sandbox."""
    return {slot: settings_for(api) for slot, api in box.apis.items()}
