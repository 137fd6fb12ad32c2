"""How an account of Kommo authenticates: with a long-lived token, or by OAuth 2.0.

https://developers.kommo.com/docs/oauth-20
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_leads.rest import auth
from tap_leads.sources.kommo.api import base_url

if TYPE_CHECKING:
    from tap_leads.rest.auth.token import Auth
    from tap_leads.sources.base import Settings

# Words of the token endpoint's refusals, in the order they are looked for, and what they mean.
_REFUSALS = {
    "client": "it is of another integration, or `client_id` or `client_secret` is wrong",
    "redirect": "`redirect_uri` is not the one of the integration",
    "expired": "it was not used in time",
}


def auth_of(label: str, settings: Settings) -> Auth:
    """Return how the account `label` authenticates."""
    # The token endpoint is at the root of the account's host, not below /api/v4.
    url = base_url(settings).removesuffix("/api/v4") + "/oauth2/access_token"
    return auth.auth_of("kommo", label, settings, url, refusals=_REFUSALS)
