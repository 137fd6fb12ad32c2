"""Authentication of Kommo accounts: a long-lived token, or OAuth 2.0.

https://developers.kommo.com/docs/oauth-20
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_leads.rest import auth
from tap_leads.sources.kommo.api import base_url

if TYPE_CHECKING:
    from tap_leads.rest.auth.token import Auth
    from tap_leads.rest.clock import Clock
    from tap_leads.sources.base import Settings

# Words in error messages of the token endpoint, in search order, and what each one means; the
# messages themselves are never logged (apis/kommo.md 52).
_REFUSALS = {
    "client": "it belongs to another integration, or `client_id` or `client_secret` is wrong",
    "redirect": "`redirect_uri` does not match the one of the integration",
    "expired": "it has expired",
}


def authenticate(label: str, settings: Settings, clock: Clock) -> Auth:
    """Return the authentication of the account `label`."""
    # The token endpoint is at the root of the account's host, not below /api/v4.
    url = base_url(settings).removesuffix("/api/v4") + "/oauth2/access_token"
    return auth.token_auth("kommo", label, settings, url, refusals=_REFUSALS, clock=clock)
