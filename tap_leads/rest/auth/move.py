"""Moves the tokens of an account from one place to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_leads.errors import Code
from tap_leads.rest.auth.token_store import TokensMovedError, digest
from tap_leads.rest.errors import CredentialError

if TYPE_CHECKING:
    from tap_leads.rest.auth.token_store import Tokens, TokenStore


def move(origin: TokenStore, destination: TokenStore) -> bool:
    """Move tokens; return False if they were moved before. Both places must be locked.

    The destination has the tokens before they are taken from the origin, so none are lost if the
    process is killed. Both places have the same pair then, and another call completes the move,
    even if one of the two was renewed since.

    Raises:
        CredentialError: A place cannot be used, there are no tokens, or each place has tokens of
            another authorization.
    """
    tokens, there = _load(origin), _load(destination)
    if tokens is None:
        if there is None:
            raise CredentialError(
                f"there are no tokens to move in {origin.place}; run a sync with the old settings "
                "first, or authorize the integration with the new ones",
                code=Code.NO_TOKENS,
            )
        return False
    is_newer = there is None or digest(there.refresh_token) in tokens.spent
    if there and not is_newer and not _has_seen(there, tokens):
        raise CredentialError(
            f"the tokens in {origin.place} and in {destination.place} come from two "
            "authorizations; delete those that are no longer used",
            code=Code.TOKENS_DIFFER,
        )
    with origin.draft():  # finds out if it can be written
        if is_newer:
            with destination.draft() as save:
                save(tokens)
        origin.retire()
    return True


def _load(store: TokenStore) -> Tokens | None:
    try:
        return store.load()
    except TokensMovedError:
        return None


def _has_seen(newer: Tokens, older: Tokens) -> bool:
    """Return True if tokens are the same, or are what the older ones were exchanged for."""
    spent = digest(older.refresh_token)
    return newer.refresh_token == older.refresh_token or spent in newer.spent
