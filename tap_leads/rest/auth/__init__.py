"""Authentication of an account: a fixed header, a long-lived token, or OAuth 2.0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_leads.rest.auth.oauth import OAuth
from tap_leads.rest.auth.token import LongLivedToken
from tap_leads.rest.auth.token_file import account_file
from tap_leads.rest.auth.token_table import TokenTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_leads.rest.auth.token import Auth
    from tap_leads.rest.auth.token_store import TokenStore
    from tap_leads.rest.clock import Clock


def token_auth(  # noqa: PLR0913  # a source passes what only it knows
    source: str,
    label: str,
    settings: Mapping[str, Any],
    url: str,
    *,
    refusals: Mapping[str, str],
    clock: Clock,
) -> Auth:
    """Return the authentication of an account from its `oauth` or `access_token`.

    `source` is the settings object, for messages and the place of the tokens. `url` is the
    token endpoint. `refusals` is described in `OAuth`.
    """
    if "oauth" not in settings:
        return LongLivedToken(f"{source}.access_token", settings["access_token"], clock)
    oauth = settings["oauth"]
    store = store_of(source, label, oauth)
    return OAuth(f"{source}.oauth", oauth, url=url, store=store, refusals=refusals, clock=clock)


def store_of(source: str, label: str, oauth: Mapping[str, Any]) -> TokenStore:
    """Return where the tokens of an account are kept, given its setting `oauth`."""
    if address := oauth.get("token_store"):
        return TokenTable(address, source, label)
    return account_file(source, label, oauth.get("token_file"))
