"""Settings with which the tap reads the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox import Api

Config = dict[str, Any]
DAY = 86_400

SOURCES = ("kommo", "dashly", "octanist")
"""Those that differ: Carrot quest is Dashly by another name."""

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
    """The settings object of a source that reads the sandbox without being slowed down."""
    config = {
        CREDENTIALS[api.slot]: api.token,
        "api_url": api.url,
        "requests_per_second": 10_000,
        **others,
    }
    return {"subdomain": "acme", **config} if api.slot == "kommo" else config
