"""Where an account's tokens are kept, whatever keeps them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated, Protocol

import msgspec
from typing_extensions import override

from tap_leads.errors import Code
from tap_leads.rest.errors import CredentialError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

# Seconds to wait for another program, which locks the tokens for one request at a time.
LOCK_SECONDS = 300
# Seconds before its expiry at which a token counts as expired, and the part of a short life.
_MARGIN_SECONDS, _MARGIN_PART = 60, 0.1

Token = Annotated[str, msgspec.Meta(pattern=r"^[!-~]+\Z")]
"""A token that a header can carry."""


class Tokens(msgspec.Struct, frozen=True):
    """What is kept: a pair of tokens, and the times of the first in Unix seconds.

    `spent` has the SHA-256 of every token and code that was exchanged for these, oldest first.
    """

    access_token: Token
    refresh_token: Token
    obtained_at: float
    expires_at: float
    spent: tuple[str, ...] = ()

    @override
    def __repr__(self) -> str:
        """Return a text without the tokens, for logs."""
        return "Tokens(...)"

    def is_due(self, now: float) -> bool:
        """True if the access token has to be renewed before it is used again."""
        margin = min(_MARGIN_SECONDS, (self.expires_at - self.obtained_at) * _MARGIN_PART)
        return now >= self.expires_at - margin


def digest(value: str) -> str:
    """Return the SHA-256 in hex: what is kept of a token that was exchanged."""
    return hashlib.sha256(value.encode()).hexdigest()


class TokensMovedError(CredentialError):
    """`tap-leads-admin tokens` has moved the tokens to another place."""

    def __init__(self, place: str) -> None:
        """Name the place that they were in."""
        super().__init__(
            f"`tap-leads-admin tokens` has moved the tokens in {place} to another place",
            "Set `token_store` or `token_file` in `oauth` to where they are now, or move them back",
            code=Code.TOKENS_MOVED,
        )


class TokenStore(Protocol):
    """One account's tokens, used by one program at a time."""

    @property
    def place(self) -> str:
        """Return where the tokens are, for messages; it holds no secret."""

    def locked(self) -> AbstractContextManager[None]:
        """Lock the tokens against other programs and threads; `load` and `draft` need the lock.

        Raises:
            CredentialError: The place cannot be used, or the lock is not released.
        """

    def load(self) -> Tokens | None:
        """Return the tokens, None if there are none yet.

        Raises:
            TokensMovedError: The tokens are in another place now.
            CredentialError: The tokens cannot be read, or are in an unknown form.
        """

    def draft(self) -> AbstractContextManager[Callable[[Tokens], None]]:
        """Yield a function that saves tokens which are yet to be requested.

        Whatever prevents saving is found out before: once new tokens are issued, the old ones
        may be invalid. The tokens survive a crash once that function returns.
        """

    def retire(self) -> None:
        """Replace the tokens by a note that they were moved, within `draft`; `load` then raises.

        The note also stops a run that has the tokens in its memory and would renew them.
        """
